// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;
using GuestReset = UsbHostd.Policy.Rules.GuestReset;

namespace UsbHostd.Tests.Reconcile;

/// <summary>Rules over the whole core: what is refused, what is taken away, what is given without being asked for.</summary>
[TestFixture]
internal sealed class PolicyTests : StickTest
{
    private static readonly Rule Allow = new() { Target = RuleTarget.Allow };

    [Test]
    public void Claim_WithoutRules_IsRefusedAndSaysWhatToDo()
    {
        world.Reload(LoadedRules.None);

        var refused = Refusal(stick, guest);

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorNotAllowed));
        Assert.That(refused.Message, Does.Contain("no rule matches it"));
        Assert.That(refused.Hint, Does.Contain("policy-explain id:d"));
    }

    [Test]
    public void Claim_RuleAllowsOtherGuests_IsRefusedNamingTheRule()
    {
        world.Reload(TestRules.Of(Allow with { ToGuest = [new Glob("vdi-*")], Source = new RuleSource("/r.conf", 7) }));

        Assert.That(Refusal(stick, guest).Message, Does.Contain("the rule at /r.conf:7 does not allow it for this guest"));
        Assert.That(() => world.Claim(stick, world.Guest("vdi-3")), Throws.Nothing);
    }

    [TestCase(1000u, true)]
    [TestCase(1001u, false)]
    public void Claim_RuleNamesAnOwner_IsForHimOnly(uint uid, bool allowed)
    {
        world.Reload(TestRules.Of(Allow with { Owners = ["alice"] }) with { Users = LoadedRules.None.Users.Add("alice", 1000) });
        var caller = new UsbHostd.Daemon.Service.Caller(uid, [uid, World.Group], "grpc", 1);

        var claim = () => world.Create(new CreateClaimRequest { Device = $"port:{stick.Port}", Guest = guest.Id.ToString() }, caller);

        Assert.That(claim, allowed ? Throws.Nothing : Throws.TypeOf<UsbHostd.Daemon.Errors.HostException>().With.Message.Contains("lets others claim it"));
    }

    [Test]
    public void Claim_RootWithoutARule_IsRefusedTooAndPassesWithOverride()
    {
        world.Reload(LoadedRules.None);

        var claim = world.Claim(stick, guest, r => r.OverrideReason = "the rule comes tomorrow");

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(world.Stored(claim).OverrideReason, Is.EqualTo("the rule comes tomorrow"));
    }

    [Test]
    public void MoveClaim_OfAnOverriddenClaim_NeedsARuleForTheOtherGuest()
    {
        world.Reload(LoadedRules.None);
        var claim = world.Claim(stick, guest, r => r.OverrideReason = "for this guest");
        var other = world.Guest("other");

        Assert.That(() => world.Move(claim, other), Throws.TypeOf<UsbHostd.Daemon.Errors.HostException>().With.Property("Code").EqualTo(ErrorCode.ErrorNotAllowed));
        Assert.That(world.Stored(claim).Guest, Is.EqualTo(guest.Id));
    }

    [Test]
    public void Reload_TakesARightAway_DetachesExactlyWhatLostIt()
    {
        var devices = Enumerable.Range(0, 100).Select(i => world.Plugged(Some.Stick($"R-{i}"), $"2-1.{i + 1}")).ToList();
        var guests = Enumerable.Range(0, 10).Select(i => world.Host.Define($"g{i}", [FakeGuest.Xhci[0] with { Ports = 15 }])).ToList();
        world.Do(h => guests.ForEach(g => h.Start(g)));
        var claims = devices.Select((d, i) => world.Claim(d, guests[i % 10])).ToList();
        Assert.That(claims.Select(c => world.Stand(c).Phase), Is.All.EqualTo(ClaimPhase.Attached));
        world.Host.Done.Clear();

        world.Reload(TestRules.Of(
            new Rule { Target = RuleTarget.Block, Serial = new RuleAttribute<string>(SetOperator.OneOf, [.. Enumerable.Range(0, 33).Select(i => $"R-{i * 3}")], IsSet: true) },
            Allow));

        var lost = claims.Where((_, i) => i % 3 == 0 && i < 99).ToList();
        Assert.That(claims.Where(c => world.Stand(c) == (ClaimPhase.Failed, ClaimReason.NotAllowed)), Is.EquivalentTo(lost));
        Assert.That(claims.Except(lost).Select(c => world.Stand(c).Phase), Is.All.EqualTo(ClaimPhase.Attached));
        Assert.That(world.Host.Done.Count(d => d.StartsWith("detach", StringComparison.Ordinal)), Is.EqualTo(33));
    }

    [Test]
    public void Reload_GivesTheRightBack_AttachesAgain()
    {
        var claim = world.Claim(stick, guest);
        world.Reload(LoadedRules.None);
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.NotAllowed)));

        world.Reload(TestRules.AllowAll);

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Replug_UnderABlockingRule_StaysOutside()
    {
        var claim = world.Claim(stick, guest);
        world.Do(h => h.Pull(stick));
        world.Reload(LoadedRules.None);

        world.Do(h => h.Plug(stick, "1-4"));

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.NotAllowed)));
        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void Assign_DeviceAndGuestThere_IsClaimedByItselfAndNotStored()
    {
        world.Reload(Assigning());

        var claim = RuleClaim();
        Assert.That(world.Stand(claim.Id).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(claim.Claim.Origin, Is.EqualTo(ClaimOrigin.Rule));
        Assert.That(world.Store.Load().Claims, Is.Empty);
    }

    [Test]
    public void Assign_RestartOfTheDaemon_AdoptsWhatIsAttached()
    {
        world.Reload(Assigning());
        var before = RuleClaim().Id;
        world.Host.Done.Clear();

        world.Restart();

        Assert.That(RuleClaim().Id, Is.EqualTo(before));
        Assert.That(world.Stand(before).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(world.Host.Done, Is.Empty);
    }

    [Test]
    public void Assign_RuleGoneWhileTheDaemonWasDown_DetachesAndGivesBack()
    {
        world.Reload(Assigning());
        world.Crash();
        world.Rules = LoadedRules.None;

        world.Start();

        Assert.That(guest.Hostdevs, Is.Empty);
        Assert.That(world.State.RuleClaims, Is.Empty);
    }

    [Test]
    public void Assign_DeviceGoneWhileTheDaemonWasDown_LeavesNothingInTheGuest()
    {
        world.Reload(Assigning());
        world.Crash();
        world.Host.Pull(stick);

        world.Start();

        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void Assign_Released_IsHeldBackOverReplugAndRestart()
    {
        world.Reload(Assigning());
        var claim = RuleClaim().Id;

        world.Release(claim);
        world.Do(h => h.Pull(stick));
        world.Do(h => h.Plug(stick, "1-4"));
        world.Restart();

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Withheld)));
        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void Assign_ReleasedForAGuestThatIsReadAfterAnother_IsHeldBackOverARestart()
    {
        var later = world.Guest("later");
        world.Reload(TestRules.Of(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob("later")] }));
        var claim = RuleClaim().Id;
        world.Release(claim);

        world.Restart();

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Withheld)));
        Assert.That(later.Hostdevs, Is.Empty);
    }

    [Test]
    public void Assign_ReleasedAndSeenInANewPortBeforeItLeftTheOld_IsStillHeldBack()
    {
        world.Reload(Assigning());
        var claim = RuleClaim().Id;
        world.Release(claim);

        world.Plugged(Some.Stick(), "1-5");
        world.Do(h => h.Pull(stick));

        Assert.That(RuleClaim().Id, Is.EqualTo(claim));
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Withheld)));
        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void Assign_TwoDevicesWithOneSerial_EachIsClaimedOnceTheyAreKnownToBeTwo()
    {
        world.Reload(Assigning());

        world.Plugged(Some.Stick(name: "twin"), "1-5");
        world.Advance(world.Limits.TwinPatience);

        Assert.That(guest.Hostdevs, Has.Count.EqualTo(2));
    }

    [Test]
    public void Assign_ReleasedThenRetried_ComesBackAndItsHoldIsForgotten()
    {
        world.Reload(Assigning());
        var claim = RuleClaim().Id;
        world.Release(claim);

        world.Retry(claim);

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(world.Store.Load().Claims, Is.Empty);
    }

    [Test]
    public void Assign_ExplicitClaimForAnotherGuest_GoesBeforeIt()
    {
        var other = world.Guest("other");
        world.Reload(Assigning());
        var byRule = RuleClaim().Id;

        var claim = world.Claim(stick, other, r => r.OverrideReason = "just today");

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(world.Stand(byRule).Phase, Is.EqualTo(ClaimPhase.Released));
        Assert.That(guest.Hostdevs, Is.Empty);
        world.Release(claim);
        Assert.That(world.Stand(byRule).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void MoveClaim_OfAClaimByRule_IsTheMoversAndTheRulesEnds()
    {
        var other = world.Guest("other");
        world.Reload(TestRules.Of(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob("guest"), new Glob("other")] }));
        var byRule = RuleClaim().Id;

        var moved = ClaimId.Parse(world.Ask(s => s.MoveClaimAsync(World.Root, new MoveClaimRequest { Id = byRule.ToString(), Guest = "other" }, default)).Id);

        Assert.That((world.Stand(moved).Phase, world.Stored(moved).Origin, world.Stand(byRule).Phase), Is.EqualTo((ClaimPhase.Attached, ClaimOrigin.Explicit, ClaimPhase.Released)));
        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([other]));
        Assert.That(world.Store.Load().Claims.Select(c => c.Id), Is.EqualTo([moved]));
    }

    [Test]
    public void Assign_GuestDefinedLater_GetsItThen()
    {
        world.Reload(Assigning("new-one"));
        Assert.That(world.State.RuleClaims, Is.Empty);

        var late = world.Guest("new-one");

        Assert.That(late.Hostdevs, Has.Count.EqualTo(1));
    }

    [Test]
    public void Assign_ModeAndGuestReset_ComeFromTheRule()
    {
        world.Reload(TestRules.Of(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob("guest")], GuestReset = GuestReset.Uninitialized }));

        Assert.That(RuleClaim().Claim.GuestReset, Is.EqualTo(GuestReset.Uninitialized));
    }

    [Test]
    public void Assign_EachPlugAnotherSerial_LeavesABoundedNumberOfClaims()
    {
        using var small = new World(limits: new ReconcileLimits { MostRuleClaims = 5, FlapPlugs = int.MaxValue }, rules: Assigning());
        small.Guest();

        for (var i = 0; i < 20; i++)
        {
            var device = small.Plugged(Some.Stick($"HOSTILE-{i}"));
            small.Do(h => h.Pull(device));
        }

        Assert.That(small.State.RuleClaims, Has.Count.LessThanOrEqualTo(5));
    }

    [Test]
    public void Settle_AfterThePlug_LeavesTheDeviceAloneForThatLong()
    {
        world.Reload(TestRules.Of(Allow with { Settle = TimeSpan.FromSeconds(2) }));
        var late = world.Plugged(Some.Stick("S-2"), "1-5");
        var claim = world.Claim(late, guest);

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attaching, ClaimReason.Settling)));
        world.Advance(2);
        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void LocalTime_BoundaryPasses_DetachesNothing()
    {
        var hour = TimeOnly.FromDateTime(world.Time.GetUtcNow().UtcDateTime);
        world.Reload(TestRules.Of(Allow with
        {
            If = new RuleAttribute<RuleCondition>(SetOperator.Equals, [new RuleCondition.LocalTime(hour.AddMinutes(-1), hour.AddMinutes(1), Negated: false)], IsSet: false),
        }));
        var claim = world.Claim(stick, guest);

        world.Advance(TimeSpan.FromHours(3));

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    private static LoadedRules Assigning(string to = "guest") => TestRules.Of(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob(to)] });

    private ClaimEntry RuleClaim() => world.State.Claims[world.State.RuleClaims.Single()];

    private UsbHostd.Daemon.Errors.HostException Refusal(FakeDevice device, FakeGuest into) =>
        Assert.Throws<UsbHostd.Daemon.Errors.HostException>(() => world.Claim(device, into))!;
}
