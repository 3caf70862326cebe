// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.Reducers;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;
using GuestWish = UsbHostd.Core.Guests.GuestWish;

namespace UsbHostd.Tests.Reconcile;

/// <summary>Guests that ask for their devices in their own definitions.</summary>
[TestFixture]
internal sealed class WishTests : StickTest
{
    private static readonly GuestWish Stick = new("serial:0951:1666:S-0001", Optional: false);

    [Test]
    public void Define_AsksForAPresentDevice_IsAttached()
    {
        Ask(Stick);

        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
        Assert.That((Own().Claim.Origin, Own().Claim.Owner, Own().Claim.Door), Is.EqualTo((ClaimOrigin.Metadata, $"guest:{guest.Id}", "metadata")));
    }

    [Test]
    public void Define_AsksForADeviceThatIsAway_GetsItWhenItComes()
    {
        world.Do(h => h.Pull(stick));
        Ask(Stick);
        Assume.That(guest.Hostdevs, Is.Empty);

        world.Do(h => h.Plug(stick, "1-5"));

        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
    }

    [Test]
    public void Metadata_NoLongerAsks_TakesTheDeviceOut()
    {
        Ask(Stick);

        Ask();

        Assert.That(guest.Hostdevs, Is.Empty);
        Assert.That(Claims(), Is.Empty);
    }

    [Test]
    public void Undefine_EndsTheClaim()
    {
        Ask(Stick);

        world.Do(h => h.Undefine(guest));

        Assert.That(Claims(), Is.Empty);
    }

    [Test]
    public void Undefine_WhileTheDaemonIsAway_EndsTheClaim()
    {
        Ask(Stick);
        world.Crash();
        world.Host.Undefine(guest);

        world.Start();

        Assert.That(Claims(), Is.Empty);
    }

    [Test]
    public void Restart_SameDefinition_LeavesTheClaimAndTheDevice()
    {
        Ask(Stick);
        var before = guest.Hostdevs.Single();

        world.Restart();

        Assert.That(guest.Hostdevs.Single(), Is.EqualTo(before));
        Assert.That(Claims(), Has.Count.EqualTo(1));
    }

    [Test]
    public void Start_GuestsAreSeenBeforeDevices_IsMetOnceBothAre()
    {
        guest.Wishes = [Stick];
        var (state, now) = (Fold.From(new StoredState(), new ReconcileLimits(), TestRules.AllowAll), world.Time.GetUtcNow());

        state = Fold.Apply(state, new HostEvent.GuestsEnumerated([guest.Seen()]), now).State;
        state = Fold.Apply(state, new HostEvent.DevicesEnumerated([stick.Seen()]), now).State;

        Assert.That(state.Claims.Values.Select(e => (e.Claim.Origin, e.Claim.Guest)), Is.EqualTo([(ClaimOrigin.Metadata, guest.Id)]));
    }

    [Test]
    public void NotAllowed_IsNotClaimedAndSaysWhy()
    {
        world.Reload(TestRules.Of());

        Ask(Stick);

        Assert.That(Claims(), Is.Empty);
        Assert.That((Shown().ClaimId, Shown().Code), Is.EqualTo(("", ErrorCode.ErrorNotAllowed)));
        Assert.That(Shown().Message, Does.Contain("policy"));
    }

    [Test]
    public void NotAllowed_RulesAllowItLater_IsAttached()
    {
        world.Reload(TestRules.Of());
        Ask(Stick);

        world.Reload(TestRules.AllowAll);

        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
        Assert.That(Shown().ClaimId, Is.EqualTo(Own().Id.ToString()));
    }

    [Test]
    public void HeldByAnotherGuest_IsAttachedWhenThatClaimEnds()
    {
        var other = world.Guest("other");
        var claim = world.Claim(stick, other);
        Ask(Stick);
        Assume.That(Shown().Code, Is.EqualTo(ErrorCode.ErrorHeldByGuest));

        world.Release(claim);

        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
    }

    [Test]
    public void HeldByAnotherGuestUntilItStops_IsAttachedWhenThatStops()
    {
        var other = world.Guest("other");
        world.Claim(stick, other, r => r.Lifetime = Lifetime.UntilGuestStops);
        Ask(Stick);
        Assume.That(Shown().Code, Is.EqualTo(ErrorCode.ErrorHeldByGuest));

        world.Do(h => h.Stop(other));

        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
    }

    [Test]
    public void MetByAClaimOfSomebodyUntilTheGuestStops_IsItsOwnFromThenOn()
    {
        world.Claim(stick, guest, r => r.Lifetime = Lifetime.UntilGuestStops);
        Ask(Stick);

        world.Do(h => h.Stop(guest));

        Assert.That((Own().Claim.Origin, Own().Claim.Guest), Is.EqualTo((ClaimOrigin.Metadata, guest.Id)));
    }

    [Test]
    public void HeldByAnotherGuestUntilItStopsAndAway_IsClaimedWhenThatStops()
    {
        var other = world.Guest("other");
        world.Claim(stick, other, r => r.Lifetime = Lifetime.UntilGuestStops);
        Ask(Stick);
        world.Do(h => h.Pull(stick));

        world.Do(h => h.Stop(other));

        Assert.That((Own().Claim.Origin, Own().Claim.Guest), Is.EqualTo((ClaimOrigin.Metadata, guest.Id)));
    }

    [Test]
    public void HeldByAnotherGuestUntilItIsPulled_IsClaimedWhenThatTimeIsOver()
    {
        world.Claim(stick, world.Guest("other"), r => r.Lifetime = Lifetime.UntilUnplug);
        Ask(Stick);

        world.Do(h => h.Pull(stick));
        world.Advance(world.Limits.Comeback);

        Assert.That((Own().Claim.Origin, Own().Claim.Guest), Is.EqualTo((ClaimOrigin.Metadata, guest.Id)));
    }

    [Test]
    public void HeldByTheDefinitionOfAnotherGuest_IsAttachedWhenThatIsUndefined()
    {
        var other = world.Guest("other", running: false);
        world.Do(h => h.Redefine(other, Stick));
        Ask(Stick);
        Assume.That(guest.Hostdevs, Is.Empty);

        world.Do(h => h.Undefine(other));

        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
    }

    [Test]
    public void ClaimedByHandForTheSameGuest_IsMetByThat()
    {
        var claim = world.Claim(stick, guest);

        Ask(Stick);

        Assert.That(Shown().ClaimId, Is.EqualTo(claim.ToString()));
        Assert.That(Claims(), Has.Count.EqualTo(1));
    }

    [Test]
    public void ClaimedByHandAndReleased_IsHeldBackAlthoughTheDefinitionAsks()
    {
        var claim = world.Claim(stick, guest);
        Ask(Stick);

        world.Release(claim);
        world.Restart();
        world.Do(h => h.Replug(stick));

        Assert.That(guest.Hostdevs, Is.Empty);
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Withheld)));
        Assert.That(Claims(), Has.Count.EqualTo(1));
        world.Retry(claim);
        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
    }

    [Test]
    public void ClaimedByHandMovedAwayAndReleased_IsThenClaimedForItself()
    {
        var claim = world.Claim(stick, guest);
        Ask(Stick);
        world.Move(claim, world.Guest("other"));

        world.Release(claim);

        Assert.That(Own().Claim.Origin, Is.EqualTo(ClaimOrigin.Metadata));
        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
    }

    [Test]
    public void Released_IsHeldUntilRetried()
    {
        Ask(Stick);
        var claim = Own().Id;

        world.Release(claim);
        world.Do(h => h.Replug(stick));
        Assume.That(guest.Hostdevs, Is.Empty);
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Withheld)));

        world.Retry(claim);

        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void MovedToAnotherGuest_IsTheMoversAndComesBackWhenThatIsReleased(bool byAttach)
    {
        var other = world.Guest("other");
        Ask(Stick);
        var own = Own().Id;
        world.Host.Done.Clear();

        var moved = byAttach ? world.Claim(stick, other, r => r.Move = true) : Move(own, other);

        Assert.That((Own().Id, Own().Claim.Origin, Own().Claim.Owner, Own().Claim.Door), Is.EqualTo((moved, ClaimOrigin.Explicit, "uid:0", "grpc")));
        Assert.That(world.Host.Done, Is.EqualTo(["detach stick guest", "attach stick other"]));
        Assert.That(Shown().Code, Is.EqualTo(ErrorCode.ErrorHeldByGuest));
        world.Restart();
        world.Release(moved);
        Assert.That((Own().Id, world.Host.GuestsWith(stick).Single()), Is.EqualTo((own, guest)));
    }

    [Test]
    public void MovedByAnEarlierVersion_IsNotCountedAsItsOwnAndCanBeReleased()
    {
        var other = world.Guest("other");
        Ask(Stick);
        var own = Own().Id;
        world.Crash();
        world.Store.Commit([new StoreChange.PutClaim(world.Store.Claims[own] with { Guest = other.Id })]);
        world.Start();
        Assert.That((Shown().ClaimId, Shown().Code, world.Host.GuestsWith(stick).Single()), Is.EqualTo(("", ErrorCode.ErrorHeldByGuest, other)));

        world.Release(own);

        Assert.That((Own().Id, Own().Claim.Guest, world.Host.GuestsWith(stick).Single()), Is.EqualTo((own, guest.Id, guest)));
    }

    [Test]
    public void Fault_IsShownAndTheOthersAreMet()
    {
        Ask(new GuestWish("port:9-9", Optional: true) { Fault = "it asks for it twice" }, Stick);

        Assert.That((Shown().Code, Shown().Optional), Is.EqualTo((ErrorCode.ErrorInvalidArgument, true)));
        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
    }

    [Test]
    public void Refused_AgainAndAgain_IsAuditedOnce()
    {
        world.Reload(TestRules.Of());
        Ask(Stick);

        for (var i = 0; i < 5; i++)
        {
            world.Do(h => h.Replug(stick));
        }

        Assert.That(world.Store.Audit.Count(a => a.Verb == "claim-by-metadata"), Is.LessThanOrEqualTo(2));
    }

    private void Ask(params GuestWish[] wishes) => world.Do(h => h.Redefine(guest, wishes));

    private ClaimId Move(ClaimId claim, FakeGuest to) => ClaimId.Parse(
        world.Ask(s => s.MoveClaimAsync(World.Root, new MoveClaimRequest { Id = claim.ToString(), Guest = to.Id.ToString() }, default)).Id);

    private List<ClaimEntry> Claims() => [.. world.State.Claims.Values.Where(e => e.Stands)];

    private ClaimEntry Own() => Claims().Single();

    private Api.V1.GuestWish Shown() => world.Ask(s => s.GetGuestAsync(World.Root, new GetGuestRequest { Guest = "guest" }, default)).Wishes[0];
}
