// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>Guests hold what the database does not know: it is new, or an older copy; or a rule is gone, or a release was cut short.</summary>
[TestFixture]
internal sealed class AdoptionTests : StickTest
{
    [TestCase(false)]
    [TestCase(true)]
    public void NewDatabase_FirstStartSawNoGuests_TheNextOneAdopts(bool byRule)
    {
        var claim = byRule ? Assigned() : world.Claim(stick, guest);
        world.Crash();
        world.Store.Clear();
        world.Rules = TestRules.AllowAll;
        StartWithoutLibvirt();
        world.Host.Done.Clear();

        world.Host.RegainLibvirt();
        world.Restart();

        Assert.That(world.Host.Done, Is.Empty);
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Recovered)));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void NewDatabase_DevicesOrGuestsSeenFirst_IsNewNoMoreOnceBothWere(bool guestsFirst)
    {
        world.Crash();
        world.Store.Clear();
        world.Host.Delivery = batch => batch.OrderBy(e => e is Core.State.HostEvent.GuestsEnumerated != guestsFirst);

        world.Start();

        Assert.That(world.Store.Load().IsNew, Is.False);
    }

    [Test]
    public void NewDatabase_GuestsNeverSeen_StaysNew()
    {
        world.Crash();
        world.Store.Clear();

        StartWithoutLibvirt();

        Assert.That(world.Store.Commits, Is.Positive);
        Assert.That(world.Store.Load().IsNew, Is.True);
    }

    [Test]
    public void NewDatabase_DefinitionAsksForWhatWasRecovered_ReleaseTakesItOutAndHoldsItBack()
    {
        world.Do(h => h.Redefine(guest, [new Core.Guests.GuestWish("serial:0951:1666:S-0001", Optional: false)]));
        var claim = world.State.Claims.Keys.Single();
        world.Crash();
        world.Store.Clear();
        world.Start();
        Assume.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Recovered)));

        world.Release(claim);

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Withheld)));
        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void OlderCopy_ClaimIsNotInIt_IsAdoptedAndHeldUntilConfirmed()
    {
        var claim = world.Claim(stick, guest);
        world.Crash();
        world.Store.Forget(claim);
        world.Host.Done.Clear();

        world.Start();

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Recovered)));
        Assert.That(world.Store.Claims[claim].Origin, Is.EqualTo(ClaimOrigin.Recovered));
        world.Retry(claim);
        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(world.Host.Done, Is.Empty);
    }

    [Test]
    public void OlderCopy_DeviceLeftMeanwhile_IsTakenOut()
    {
        var claim = world.Claim(stick, guest);
        world.Crash();
        world.Store.Forget(claim);
        world.Host.Pull(stick);

        world.Start();

        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [TestCase("S-0001")]
    [TestCase(null)]
    public void KnownDatabase_RuleIsGone_IsTakenOut(string? serial)
    {
        world.Do(h => h.Pull(stick));
        world.Plugged(Some.Stick(serial));
        Assigned();
        world.Crash();
        world.Rules = TestRules.AllowAll;

        world.Start();

        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void KnownDatabase_ReleasedClaimIsNotAmongTheLoadedOnes_IsLookedUpAndTakenOut()
    {
        var claim = world.Claim(stick, guest);
        world.Do(h => h.LoseLibvirt());
        world.Release(claim);
        world.Store.MostEnded = 0;
        world.Crash();
        Assume.That(world.Store.Load().Claims, Is.Empty);

        world.Host.RegainLibvirt();
        world.Start();

        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
        Assert.That(world.Stored(claim).Origin, Is.EqualTo(ClaimOrigin.Explicit));
    }

    [Test]
    public void KnownDatabase_ReleaseWasStoredAndItsDetachDidNotHappen_IsTakenOut()
    {
        var claim = world.Claim(stick, guest);
        _ = world.Service.ReleaseClaimAsync(World.Root, new ReleaseClaimRequest { Id = claim.ToString() }, CancellationToken.None).AsTask();
        world.Turn();
        Assume.That(world.Store.Claims[claim].Released, Is.Not.Null);
        Assume.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));

        world.Restart();

        Assert.That(guest.Hostdevs, Is.Empty);
        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
    }

    private ClaimId Assigned()
    {
        world.Reload(TestRules.Of(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob("guest")] }));
        return world.State.RuleClaims.Single();
    }

    /// <summary>Long enough for what it saw to be written down.</summary>
    private void StartWithoutLibvirt()
    {
        world.Host.LoseLibvirt();
        world.Start();
        world.Advance(5);
    }
}
