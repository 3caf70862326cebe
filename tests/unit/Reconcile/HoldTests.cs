// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;
using GuestWish = UsbHostd.Core.Guests.GuestWish;

namespace UsbHostd.Tests.Reconcile;

/// <summary>A release holds for a device and a guest, whatever asks for it.</summary>
[TestFixture]
internal sealed class HoldTests : StickTest
{
    private static readonly GuestWish BySerial = new("serial:0951:1666:S-0001", Optional: false);

    private static LoadedRules Assigning { get; } = TestRules.Of(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob("guest")] });

    [Test]
    public void ReleasedOfWhatARuleGivesToo_IsHeldBackInItsGuest()
    {
        var claim = world.Claim(stick, guest);
        world.Reload(Assigning);
        Assume.That(world.State.RuleClaims, Is.Empty);

        world.Release(claim);
        world.Restart();
        world.Do(h => h.Replug(stick));

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Withheld)));
        Assert.That(guest.Hostdevs, Is.Empty);
        Assert.That(world.State.Claims.Values.Count(e => e.Stands), Is.EqualTo(1));
    }

    [Test]
    public void HeldBackAndClaimedAnew_GivesWayOnlyToWhoMayRetryIt()
    {
        world.Reload(Assigning);
        var claim = RuleClaim().Id;
        world.Release(claim);

        var refused = Assert.Throws<UsbHostd.Daemon.Errors.HostException>(() =>
            world.Create(new CreateClaimRequest { Device = "port:1-4", Guest = "guest" }, World.User))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorHeldByGuest));
        Assert.That(guest.Hostdevs, Is.Empty);
        world.Create(new CreateClaimRequest { Device = "port:1-4", Guest = "guest" }, World.Member);
        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void HeldBackAndGivenToAnotherGuest_StaysOutOfItsOwnWhenThatEnds(bool byWish)
    {
        var other = world.Guest("other");
        var hold = HeldBack(byWish);

        var claim = world.Claim("port:1-4", other);
        Assert.That(other.Hostdevs, Has.Count.EqualTo(1));
        world.Release(claim);
        world.Restart();
        world.Do(h => h.Replug(stick));

        Assert.That(world.Stand(hold), Is.EqualTo((ClaimPhase.Held, ClaimReason.Withheld)));
        Assert.That(guest.Hostdevs.Concat(other.Hostdevs), Is.Empty);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void ClaimOfAnotherGuestMovedToTheOneThatWasReleased_OnlyByWhoMayRetryTheHold(bool byWish)
    {
        var other = world.Guest("other");
        var hold = HeldBack(byWish);
        var claim = world.Create(new CreateClaimRequest { Device = "port:1-4", Guest = "other" }, World.User).Id;

        var moved = Assert.Throws<UsbHostd.Daemon.Errors.HostException>(() => Move(claim, World.User))!;
        var anew = Assert.Throws<UsbHostd.Daemon.Errors.HostException>(() =>
            world.Create(new CreateClaimRequest { Device = "port:1-4", Guest = "guest", Move = true }, World.User))!;

        Assert.That((moved.Code, anew.Code), Is.EqualTo((ErrorCode.ErrorHeldByGuest, ErrorCode.ErrorHeldByGuest)));
        Assert.That(other.Hostdevs, Has.Count.EqualTo(1));
        Move(claim, World.Member);
        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
        Assert.That(world.State.Claims[hold].Stands, Is.False);
    }

    [Test]
    public void HeldBackFromTheGuestOfItsDefinition_RuleGivesItToAnother()
    {
        var other = world.Guest("other");
        var hold = HeldBack(byWish: true);

        world.Reload(TestRules.Of(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob("other")] }));

        Assert.That(other.Hostdevs, Has.Count.EqualTo(1));
        Assert.That(world.Stand(hold), Is.EqualTo((ClaimPhase.Held, ClaimReason.Withheld)));
    }

    [Test]
    public void HeldBackAndNoLongerAskedFor_Retried_Ends()
    {
        var hold = HeldBack(byWish: true);
        Ask();
        Assert.That(world.Stand(hold), Is.EqualTo((ClaimPhase.Held, ClaimReason.Withheld)), "asked for again, it is still held");

        world.Retry(hold);

        Assert.That(world.State.Claims[hold].Stands, Is.False);
        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void ReleasedAndReworded_IsStillHeldBack()
    {
        var claim = HeldBack(byWish: true);

        Ask(BySerial);
        Ask();
        Ask(BySerial with { GuestReset = Policy.Rules.GuestReset.On });

        Assert.That(guest.Hostdevs, Is.Empty);
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Withheld)));
    }

    [Test]
    public void ReleasedAndNoLongerAskedFor_EndsWhenItIsReleasedAgain()
    {
        var claim = HeldBack(byWish: true);
        Ask();

        world.Release(claim);

        Assert.That(world.State.Claims[claim].Stands, Is.False);
    }

    [Test]
    public void HeldBackFromARule_IsHeldBackFromTheDefinitionToo()
    {
        var claim = HeldBack(byWish: false);

        Ask(BySerial);

        Assert.That(guest.Hostdevs, Is.Empty);
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Withheld)));
    }

    [Test]
    public void RequestIdsOfTwoCallersAreTheSame_BothClaimsHeldBack_AreStored()
    {
        var other = world.Plugged(Some.Dongle(), "1-5");
        world.Reload(TestRules.AllowAll);
        List<ClaimId> claims =
        [
            ClaimId.Parse(world.Create(new CreateClaimRequest { Device = "port:1-4", Guest = "guest", RequestId = "once", Lifetime = Lifetime.UntilUnplug }).Id),
            ClaimId.Parse(world.Create(new CreateClaimRequest { Device = $"port:{other.Port}", Guest = "guest", RequestId = "once" }, World.Member).Id),
        ];
        world.Reload(Assigning);

        claims.ForEach(c => world.Release(c));
        world.Restart();
        world.Do(h => h.Replug(stick));

        Assert.That(claims.Select(c => world.Stand(c)), Is.All.EqualTo((ClaimPhase.Held, ClaimReason.Withheld)));
        Assert.That(guest.Hostdevs, Is.Empty);
    }

    private void Ask(params GuestWish[] wishes) => world.Do(h => h.Redefine(guest, wishes));

    private ClaimId HeldBack(bool byWish)
    {
        if (byWish)
        {
            Ask(new GuestWish("port:1-4", Optional: false));
        }
        else
        {
            world.Reload(TestRules.Of(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob("guest"), new Glob("other")] }));
        }

        var claim = world.State.Claims.Values.Single(e => e.Stands).Id;
        world.Release(claim);
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Withheld)));
        return claim;
    }

    private void Move(string claim, UsbHostd.Daemon.Service.Caller caller) =>
        world.Ask(s => s.MoveClaimAsync(caller, new MoveClaimRequest { Id = claim, Guest = "guest" }, default));

    private ClaimEntry RuleClaim() => world.State.Claims[world.State.RuleClaims.Single()];
}
