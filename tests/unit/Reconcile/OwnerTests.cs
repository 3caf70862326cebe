// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;
using GuestWish = UsbHostd.Core.Guests.GuestWish;

namespace UsbHostd.Tests.Reconcile;

/// <summary>Rules that name who may claim a device, over the life of a claim.</summary>
[TestFixture]
internal sealed class OwnerTests : StickTest
{
    private const string Away = "serial:0951:1666:S-0001";
    private static readonly Rule Allow = new() { Target = RuleTarget.Allow, Source = new RuleSource("/r.conf", 7) };
    private static readonly LoadedRules ForMember = TestRules.Of(Allow with { Owners = ["1000"] });
    private static readonly LoadedRules ForAnother = TestRules.Of(Allow with { Owners = ["1001"] });

    [Test]
    public void Claim_WhileAwayByWhomTheRuleNames_IsAttachedWhenItComes()
    {
        world.Reload(ForMember);
        var claim = ClaimAway(World.Member);

        Come();

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Claim_WhileAwayByAnother_IsNotAllowedWhenItComes()
    {
        world.Reload(ForAnother);
        var claim = ClaimAway(World.Member);

        Come();

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.NotAllowed)));
        Assert.That(world.Status(claim).Detail, Does.Contain("the rule at /r.conf:7 lets others claim it, not uid 1000"));
        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void MoveClaim_ByAnotherThanTheRuleNames_IsRefused()
    {
        world.Reload(ForMember);
        var claim = ClaimAway(World.Member);
        Come();
        world.Guest("other");

        var refused = Assert.Throws<HostException>(() => world.Ask(s => s.MoveClaimAsync(World.Root, new MoveClaimRequest { Id = claim.ToString(), Guest = "other" }, default)))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorNotAllowed));
        Assert.That(world.Stored(claim).Guest, Is.EqualTo(guest.Id));
    }

    [Test]
    public void Claim_WhileAwayByAnotherAndRestarted_IsNotAllowedWhenItComes()
    {
        world.Reload(ForAnother);
        var claim = ClaimAway(World.Member);
        world.Restart();

        Come();

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.NotAllowed)));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Claim_WhileAwayOnARuleWithAGroup_IsForItsMembers(bool member)
    {
        world.Reload(TestRules.Of(Allow with { Groups = [$"{World.Group}"] }));
        var claim = ClaimAway(member ? World.Member : World.Root);
        world.Restart();

        Come();

        Assert.That(guest.Hostdevs.Count > 0, Is.EqualTo(member));
        Assert.That(world.Stand(claim).Phase, Is.EqualTo(member ? ClaimPhase.Attached : ClaimPhase.Failed));
    }

    [Test]
    public void Claim_WhileAwayByACertificate_IsNotAllowedAsWhenItIsThere()
    {
        world.Reload(ForMember);
        Assert.That(() => Claim($"port:{stick.Port}", World.RemoteAdmin), Throws.TypeOf<HostException>().With.Message.Contains("one without a uid"));
        var claim = ClaimAway(World.RemoteAdmin);

        Come();

        Assert.That(world.Status(claim).Detail, Does.Contain("one without a uid"));
        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void Claim_WhileAwayWithOverride_IsAttachedWhenItComes()
    {
        world.Reload(ForMember);
        world.Do(h => h.Pull(stick));
        var claim = world.Claim(Away, guest, r => r.OverrideReason = "today");

        Come();

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Wish_ForADeviceThatIsAway_IsNotAllowedWhenItComes()
    {
        world.Reload(ForMember);
        world.Do(h => h.Pull(stick));
        world.Do(h => h.Redefine(guest, new GuestWish(Away, Optional: false)));

        Come();

        Assert.That(world.Stand(world.State.Claims.Keys.Single()), Is.EqualTo((ClaimPhase.Failed, ClaimReason.NotAllowed)));
        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void Reload_ForAnotherOwner_TakesTheDeviceAwayAndSaysSo()
    {
        world.Reload(ForMember);
        var claim = Claim($"port:{stick.Port}", World.Member);
        Assume.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));

        world.Reload(ForAnother);

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.NotAllowed)));
        Assert.That(guest.Hostdevs, Is.Empty);
        Assert.That(world.Store.Audit.Count(a => a.Verb == "right-lost" && a.Subject == claim.ToString()), Is.EqualTo(1));
    }

    [Test]
    public void Reload_ForAnotherOwner_LeavesWhatARuleGivesByItself()
    {
        world.Reload(TestRules.Of(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob("guest")], Owners = ["1000"] }));

        world.Reload(TestRules.Of(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob("guest")], Owners = ["1001"] }));

        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
    }

    [Test]
    public void Attach_AgainByWhomTheRuleNamesNow_IsToldToReleaseTheOtherClaim()
    {
        world.Reload(ForMember);
        var claim = Claim($"port:{stick.Port}", World.Member);
        world.Reload(TestRules.Of(Allow with { Owners = ["0"] }));

        var refused = Assert.Throws<HostException>(() => world.Claim(stick, guest))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorHeldByGuest));
        Assert.That(refused.Hint, Does.Contain($"claim-release {claim}"));
    }

    [Test]
    public void Claim_OfWhomItIsNotKnownWhoAsked_PassesAsItDid()
    {
        var claim = Claim($"port:{stick.Port}", World.Member);
        world.Crash();
        world.Store.Commit([new StoreChange.PutClaim(world.Store.Claims[claim] with { Uid = null, Gids = [] })]);
        world.Rules = ForAnother;

        world.Start();

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    private ClaimId ClaimAway(Caller caller)
    {
        world.Do(h => h.Pull(stick));
        return Claim(Away, caller);
    }

    private ClaimId Claim(string device, Caller caller) => ClaimId.Parse(world.Create(new CreateClaimRequest { Device = device, Guest = guest.Id.ToString() }, caller).Id);

    private void Come() => world.Do(h => h.Plug(stick, "1-4"));
}
