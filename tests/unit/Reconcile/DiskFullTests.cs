using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Claims;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

[TestFixture]
internal sealed class DiskFullTests : StickTest
{
    protected override World Begin() => new() { ChecksQuiet = false };

    [Test]
    public void Ask_DiskFull_RefusesAndDoesNothing()
    {
        world.Store.IsFull = true;
        world.Host.Done.Clear();

        var refused = Assert.Throws<HostException>(() => world.Claim(stick, guest))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorStorageFull));
        Assert.That(world.State.Claims, Is.Empty);
        Assert.That(world.Host.Done, Is.Empty);
    }

    [Test]
    public void Ask_DiskHasRoomAgain_Accepts()
    {
        world.Store.IsFull = true;
        Assert.Throws<HostException>(() => world.Claim(stick, guest));
        world.Store.IsFull = false;

        world.Claim(stick, guest);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Turn_IntentNotDurable_NothingFollowsFromIt()
    {
        world.Claim(stick, guest, r => r.Lifetime = Lifetime.UntilGuestStops);
        world.Store.IsFull = true;
        world.Host.Done.Clear();

        world.Do(h => h.ManagedSave(guest));
        world.Do(h => h.Start(guest));

        Assert.That(world.Host.Done, Has.None.StartsWith("detach"));
    }

    [Test]
    public void Turn_IntentDurableLater_GoesOnByItself()
    {
        var claim = world.Claim(stick, guest, r => r.Lifetime = Lifetime.UntilGuestStops);
        world.Store.IsFull = true;
        world.Do(h => h.ManagedSave(guest));
        world.Do(h => h.Start(guest));

        world.Store.IsFull = false;
        world.Advance(TimeSpan.FromMinutes(1));

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
        Assert.That(world.Store.Claims[claim].Released, Is.Not.Null);
        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    [Test]
    public void Turn_DiskFull_OtherClaimsGoOn()
    {
        world.Claim(stick, guest);
        world.Store.IsFull = true;

        world.Do(h => h.Replug(stick));

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Turn_DiskFull_DoesNotSpin()
    {
        world.Claim(stick, guest, r => r.Lifetime = Lifetime.UntilGuestStops);
        world.Store.IsFull = true;
        var tries = 0;
        world.Store.Before = () => tries++;
        world.Do(h => h.Stop(guest));
        tries = 0;

        world.Advance(TimeSpan.FromMinutes(1));

        Assert.That(tries, Is.InRange(1, 60));
    }
}
