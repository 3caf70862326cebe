// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Daemon.Errors;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;
using GuestReset = UsbHostd.Api.V1.GuestReset;
using HostUse = UsbHostd.Policy.Devices.HostUse;

namespace UsbHostd.Tests.Service;

/// <summary>Requests that are repeated, and requests for what is claimed already.</summary>
[TestFixture]
internal sealed class AgainTests : StickTest
{
    private static readonly CreateClaimRequest First = new() { Device = "port:1-4", Guest = "guest", RequestId = "r1" };

    public static IEnumerable<TestCaseData> Others() =>
    [
        Other("Device", r => r.Device = "port:1-5"), Other("DeviceThatIsAway", r => r.Device = "serial:0951:1666:S-7777"), Other("Guest", r => r.Guest = "other"),
        Other("Follow", r => r.Follow = Follow.Port), Other("FollowIds", r => r.FollowIds.Add("303a:1001")), Other("Mode", r => r.Mode = Mode.Spicevmc),
        Other("Lifetime", r => r.Lifetime = Lifetime.UntilUnplug), Other("GuestReset", r => r.GuestReset = GuestReset.On), Other("Move", r => r.Move = true),
        Other("Force", r => r.ForceReason = "x"), Other("Override", r => r.OverrideReason = "x"),
    ];

    [TestCaseSource(nameof(Others))]
    public void CreateClaim_RequestIdOfAnotherRequest_IsRefused(Action<CreateClaimRequest> other)
    {
        var (first, again) = (CreateFirst(), First.Clone());
        other(again);

        var refused = Refused(again);

        Assert.That((refused.Code, refused.Message), Is.EqualTo((ErrorCode.ErrorRequestReused, $"request id r1 was already used for another request, which made claim {first} of guest guest")));
    }

    [TestCaseSource(nameof(Others))]
    public void CreateClaim_RequestIdOfAnotherRequestBeforeARestart_IsRefused(Action<CreateClaimRequest> other)
    {
        var again = First.Clone();
        CreateFirst();
        other(again);
        world.Restart();

        Assert.That(Refused(again).Code, Is.EqualTo(ErrorCode.ErrorRequestReused));
    }

    [Test]
    public void CreateClaim_RepeatedWhileItsDeviceIsAway_IsTheSameClaim()
    {
        var first = CreateFirst();
        world.Do(h => h.Pull(stick));

        Assert.That(world.Create(First).Id, Is.EqualTo(first.ToString()));
    }

    [Test]
    public void CreateClaim_RepeatedWithAnotherDeviceInItsPort_IsTheSameClaim()
    {
        var first = CreateFirst();
        world.Do(h => h.Pull(stick));
        world.Plugged(Some.Keyboard());

        Assert.That(world.Create(First).Id, Is.EqualTo(first.ToString()));
    }

    [Test]
    public void CreateClaim_RepeatedByAnotherNameOfItsDevice_IsTheSameClaim()
    {
        var (first, again) = (CreateFirst(), First.Clone());
        again.Device = "serial:0951:1666:S-0001";
        Assert.That(world.Create(again).Id, Is.EqualTo(first.ToString()));

        world.Do(h => h.Pull(stick));

        Assert.That(world.Create(again).Id, Is.EqualTo(first.ToString()));
    }

    [Test]
    public void CreateClaim_RequestIdOfAClaimThatWasMoved_IsTheSameClaim()
    {
        var first = CreateFirst();
        world.Move(first, world.Guest("another"));

        Assert.That(world.Create(First).Id, Is.EqualTo(first.ToString()));
    }

    [Test]
    public void Attach_AgainWithForce_PassesTheGuardAndKeepsTheReason()
    {
        var claim = world.Claim(stick, guest);
        world.Do(h => h.Stop(guest));
        world.Do(h => h.Use(stick, new HostUse(HostUseKind.Mount, "/dev/sda1 on /srv")));
        world.Do(h => h.Start(guest));
        Assume.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.InUseByHost)));

        var again = world.Claim(stick, guest, r => r.ForceReason = "rescue");

        Assert.That((again, world.Stand(claim).Phase, world.Stored(claim).ForceReason), Is.EqualTo((claim, ClaimPhase.Attached, "rescue")));
        Assert.That(world.Store.Audit.Last(a => a.Verb == "claim-create").Detail, Does.Contain("force: rescue"));
        world.Restart();
        Assert.That(world.Stored(claim).ForceReason, Is.EqualTo("rescue"));
    }

    [Test]
    public void Attach_AgainWithOverride_PassesPolicy()
    {
        var claim = world.Claim(stick, guest);
        world.Reload(LoadedRules.None);

        world.Claim(stick, guest, r => r.OverrideReason = "today");

        Assert.That((world.Stand(claim).Phase, world.Stored(claim).OverrideReason), Is.EqualTo((ClaimPhase.Attached, "today")));
    }

    [TestCaseSource(nameof(Settings))]
    public void Attach_AgainWithAnotherSetting_IsRefusedAndSaysWhatTheClaimHas(Action<CreateClaimRequest> other, string has)
    {
        var claim = world.Claim(stick, guest);

        var refused = Assert.Throws<HostException>(() => world.Claim(stick, guest, other))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorHeldByGuest));
        Assert.That(refused.Message, Does.EndWith($"is claimed for guest guest already (claim {claim}), and {has}"));
        Assert.That(refused.Hint, Does.StartWith($"release it first: usbhostctl claim-release {claim}"));
    }

    public static IEnumerable<TestCaseData> Settings() =>
    [
        Setting("Once", r => r.Lifetime = Lifetime.UntilUnplug, "it ends when it is released only"),
        Setting("UntilGuestStops", r => r.Lifetime = Lifetime.UntilGuestStops, "it ends when it is released only"),
        Setting("GuestReset", r => r.GuestReset = GuestReset.On, "its guest-reset is off"),
        Setting("Follow", r => r.FollowIds.Add("303a:1001"), "it follows 0951:1666 only"),
        Setting("By", r => r.Follow = Follow.Port, "it follows its serial"),
    ];

    [Test]
    public void Attach_AgainAsTheClaimIs_IsThatClaim()
    {
        var claim = world.Claim(stick, guest, r => r.Lifetime = Lifetime.UntilUnplug);

        Assert.That(world.Claim(stick, guest), Is.EqualTo(claim));
        Assert.That(world.Claim(stick, guest, r => r.Lifetime = Lifetime.UntilUnplug), Is.EqualTo(claim));
    }

    [Test]
    public void Attach_AgainWhileItIsHeld_SaysToRetry()
    {
        var claim = world.Claim(stick, guest);
        world.Do(h => h.DetachByHand(guest, stick));
        Assume.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.DetachedByOther)));

        var refused = Assert.Throws<HostException>(() => world.Claim(stick, guest))!;

        Assert.That((refused.Code, refused.Hint), Is.EqualTo((ErrorCode.ErrorHeldByGuest, $"usbhostctl claim-retry {claim}")));
    }

    [Test]
    public void Attach_OtherwiseThanTheRuleGives_IsAClaimOfItsOwn()
    {
        world.Reload(TestRules.Of(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob("guest")] }));
        var byRule = world.State.RuleClaims.Single();
        Assert.That(world.Claim(stick, guest), Is.EqualTo(byRule));

        var claim = world.Claim(stick, guest, r => r.Lifetime = Lifetime.UntilGuestStops);

        Assert.That((world.Stand(claim).Phase, world.Stand(byRule).Phase), Is.EqualTo((ClaimPhase.Attached, ClaimPhase.Released)));
    }

    private static TestCaseData Other(string what, Action<CreateClaimRequest> other) => new TestCaseData(other).SetArgDisplayNames(what);

    private static TestCaseData Setting(string what, Action<CreateClaimRequest> other, string has) => new TestCaseData(other, has).SetArgDisplayNames(what);

    private ClaimId CreateFirst()
    {
        world.Plugged(Some.Keyboard(), "1-5");
        world.Guest("other");
        return ClaimId.Parse(world.Create(First).Id);
    }

    private HostException Refused(CreateClaimRequest request) => Assert.Throws<HostException>(() => world.Create(request))!;
}
