using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Claims;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Reconcile.Sim;
using GuestReset = UsbHostd.Api.V1.GuestReset;
using HostUse = UsbHostd.Policy.Devices.HostUse;

namespace UsbHostd.Tests.Service;

/// <summary>Requests for what is claimed already.</summary>
[TestFixture]
internal sealed class AgainTests : StickTest
{
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

    private static TestCaseData Setting(string what, Action<CreateClaimRequest> other, string has) => new TestCaseData(other, has).SetArgDisplayNames(what);
}
