// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.State;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

[TestFixture]
internal sealed class StatusTextTests : StickTest
{
    /// <summary>Nothing can, or needs to, be done about these.</summary>
    private static readonly ClaimReason[] WithoutHint = [ClaimReason.None, ClaimReason.RetryLater, ClaimReason.LifetimeEnded, ClaimReason.Settling];

    private Claim claim = null!;

    [SetUp]
    public void ClaimStick() => claim = world.Stored(world.Claim(stick, guest));

    [Test]
    public void Message_EveryReason_NamesTheDeviceOrTheGuest([Values] ClaimReason reason) =>
        Assert.That(
            StatusText.Message(world.State, claim, Status(reason)),
            reason == ClaimReason.None ? Is.Empty : Does.Contain("stick").Or.Contain("guest guest").Or.Contain("libvirt"));

    [Test]
    public void Message_EveryPhaseWithoutAReason_NamesTheDevice(
        [Values(ClaimPhase.Attached, ClaimPhase.Attaching, ClaimPhase.Detaching, ClaimPhase.Released)] ClaimPhase phase) =>
        Assert.That(StatusText.Message(world.State, claim, new ClaimStatus(phase)), Does.Contain("stick"));

    [Test]
    public void Message_LibvirtUnavailable_SaysWhy() =>
        Assert.That(StatusText.Message(world.State, claim, Status(ClaimReason.LibvirtUnavailable) with { Detail = "refused" }), Does.Contain("refused"));

    [Test]
    public void Hint_EveryReasonThatSomethingCanBeDoneAbout_SaysWhat([Values] ClaimReason reason) =>
        Assert.That(StatusText.Hint(world.State, claim, Status(reason)), WithoutHint.Contains(reason) ? Is.Empty : Is.Not.Empty);

    [Test]
    public void Message_HeldByOtherInNoGuestThatIsKnown_SaysWhatLibvirtSaid() =>
        Assert.That(StatusText.Message(world.State, claim, Status(ClaimReason.HeldByOther)), Does.Contain("somebody else: detail").And.Not.Contain("?"));

    [Test]
    public void Message_HeldByOtherInAGuest_NamesIt()
    {
        var other = world.Guest("other");

        Assert.That(StatusText.Message(world.State, claim, Status(ClaimReason.HeldByOther) with { OtherGuest = other.Id }), Does.Contain("guest other"));
    }

    [Test]
    public void Message_Ambiguous_NamesTheCandidates()
    {
        var status = Status(ClaimReason.Ambiguous) with { Candidates = [world.State.Devices.Values.First(d => d.Product == "stick")] };

        Assert.That(StatusText.Message(world.State, claim, status), Does.Contain("1-4"));
    }

    [Test]
    public void DeviceName_LabelledAndAway_IsTheLabel()
    {
        world.Ask(s => s.SetDeviceLabelAsync(World.Root, new() { Device = "port:1-4", Label = "ledger" }, CancellationToken.None));
        world.Do(h => h.Pull(h.Devices.Single(d => d.Name == "stick")));

        Assert.That(StatusText.DeviceName(world.State, claim, null), Is.EqualTo("ledger"));
    }

    private static ClaimStatus Status(ClaimReason reason) => new(ClaimPhase.Failed, reason) { Detail = "detail" };
}
