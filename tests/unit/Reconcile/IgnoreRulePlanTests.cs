// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.Planning;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.Reducers;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

[TestFixture]
internal sealed class IgnoreRulePlanTests
{
    private static readonly UsbId Stick = new(0x0951, 0x1666);
    private static readonly DeviceKey BySerial = DeviceKey.Serial(Stick, "E0D5");
    private static readonly DeviceKey ByPort = DeviceKey.Port(new UsbController("pci", "0000:00:14.0"), UsbHalf.Usb2, "4");

    [Test]
    public void Plan_ClaimsInAnotherOrder_GivesTheSameRules() =>
        Assert.That(Rules(Claim(1, BySerial), Claim(2, ByPort)), Is.EqualTo(Rules(Claim(2, ByPort), Claim(1, BySerial))));

    [Test]
    public void Plan_ClaimBySerial_GivesARuleForEachOfItsIds() =>
        Assert.That(
            Rules(Claim(1, BySerial, Stick, new UsbId(0x0951, 0x1667))),
            Is.EqualTo(new[] { new IgnoreRule(Stick, "E0D5", null), new IgnoreRule(new UsbId(0x0951, 0x1667), "E0D5", null) }));

    [Test]
    public void Plan_TwoClaimsOfOnePort_GivesOneRule() =>
        Assert.That(Rules(Claim(1, ByPort), Claim(2, ByPort)), Is.EqualTo(new[] { new IgnoreRule(Stick, null, ByPort) }));

    [Test]
    public void Plan_ReleasedClaim_GivesNoRule() =>
        Assert.That(Rules(Claim(1, ByPort) with { Released = DateTimeOffset.UnixEpoch }), Is.Empty);

    [Test]
    public void DeviceName_ByPortWhereADeviceWithSerialWasLast_IsItsName()
    {
        var remembered = new RememberedDevice(
            DeviceId.Of(BySerial, Stick), BySerial, ByPort, Stick, "E0D5", "DataTraveler", DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch);
        var state = Fold.From(new StoredState { Devices = [remembered] }, new ReconcileLimits(), TestRules.AllowAll);

        Assert.That(StatusText.DeviceName(state, Claim(1, ByPort), null), Is.EqualTo("DataTraveler"));
    }

    private static ImmutableArray<IgnoreRule> Rules(params Claim[] claims) =>
        Planner.Plan(Fold.From(new StoredState { Claims = claims }, new ReconcileLimits(), TestRules.AllowAll), DateTimeOffset.UnixEpoch)
            .OfType<HostAction.WriteIgnoreRules>().Single().Rules;

    private static Claim Claim(int number, DeviceKey follows, params UsbId[] ids) => new()
    {
        Id = ClaimId.Of(new Guid(number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
        Guest = new GuestId(new Guid(number, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
        Follows = follows,
        Ids = ids.Length == 0 ? [Stick] : [.. ids],
        Owner = "uid:0",
        Door = "grpc",
        Created = DateTimeOffset.UnixEpoch,
    };
}
