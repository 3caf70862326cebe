// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

[TestFixture]
internal sealed class LifetimeTests : StickTest
{
    [Test]
    public void Fold_UntilUnplugAndGoneForLong_Ends()
    {
        var claim = world.Claim(stick, guest, UntilUnplug);

        world.Do(h => h.Pull(stick));
        world.Advance(world.Limits.Comeback);

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
        Assert.That(world.Store.Claims[claim].Released, Is.Not.Null);
    }

    [Test]
    public void Fold_UntilUnplugAndBackInTime_Stands()
    {
        var claim = world.Claim(stick, guest, UntilUnplug);

        world.Do(h => h.Pull(stick));
        world.Advance(world.Limits.Comeback / 2);
        world.Do(h => h.Plug(stick, "1-4"));
        world.Advance(world.Limits.Comeback * 2);

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Fold_UntilUnplugAndBackOnTheOtherHalfInTime_Stands()
    {
        var claim = world.Claim(stick, guest, UntilUnplug);

        world.Do(h => h.Replug(stick, "2-4"));
        world.Advance(world.Limits.Comeback * 2);

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Fold_UntilUnplugAndBackInAnotherPort_Ends()
    {
        var claim = world.Claim(stick, guest, UntilUnplug);

        world.Do(h => h.Replug(stick, "1-2"));

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    [Test]
    public void Fold_UntilUnplugAndGoneWhileTheDaemonWasDown_Ends()
    {
        var claim = world.Claim(stick, guest, UntilUnplug);

        world.Crash();
        world.Host.Pull(stick);
        world.Start();

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void Fold_UntilUnplugAndDaemonRestarted_Stands()
    {
        var claim = world.Claim(stick, guest, UntilUnplug);

        world.Restart();

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Fold_UntilUnplugAndACloneArrivesBeforeItIsAttached_Stands()
    {
        var off = world.Guest("off", running: false);
        var claim = world.Claim(stick, off, UntilUnplug);

        world.Plugged(Some.Stick(name: "clone"), "1-2");
        world.Advance(world.Limits.Comeback * 2);

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.WaitingForDevice, ClaimReason.Ambiguous)));
    }

    [Test]
    public void Fold_UntilGuestStops_EndsWithTheRun()
    {
        var claim = world.Claim(stick, guest, UntilGuestStops);

        world.Do(h => h.Restart(guest));

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    [Test]
    public void Fold_UntilGuestStopsAndGuestIsOff_BeginsWithItsNextRun()
    {
        var off = world.Guest("off", running: false);
        var claim = world.Claim(stick, off, UntilGuestStops);

        world.Do(h => h.Start(off));
        Assume.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
        world.Do(h => h.Stop(off));

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
    }

    [Test]
    public void Fold_UntilGuestStopsAndStoppedWhileTheDaemonWasDown_Ends()
    {
        var claim = world.Claim(stick, guest, UntilGuestStops);

        world.Crash();
        world.Host.Restart(guest);
        world.Start();

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
    }

    [Test]
    public void Fold_UntilGuestStopsAndLibvirtIsLost_Stands()
    {
        var claim = world.Claim(stick, guest, UntilGuestStops);

        world.Do(h => h.LoseLibvirt());
        world.Do(h => h.RegainLibvirt());

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Plan_Release_GivesTheDeviceBackToTheHost()
    {
        var claim = world.Claim(stick, guest);

        world.Release(claim);

        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
        Assert.That(stick.Drivers, Is.EqualTo(stick.HostDrivers));
        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
    }

    [Test]
    public void Plan_Move_TakesItFromOneGuestAndPutsItIntoTheOther()
    {
        var other = world.Guest("other");
        var claim = world.Claim(stick, guest);
        world.Host.Done.Clear();

        world.Move(claim, other);

        Assert.That(world.Host.Done, Is.EqualTo(["detach stick guest", "attach stick other"]));
        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([other]));
    }

    [Test]
    public void Plan_AttachWithMove_TakesOverTheClaim()
    {
        var other = world.Guest("other");
        var claim = world.Claim(stick, guest);

        var moved = world.Claim(stick, other, r => r.Move = true);

        Assert.That(moved, Is.EqualTo(claim));
        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([other]));
    }

    [Test]
    public void Plan_MoveWhileTheOldGuestStops_IsNotDelayed()
    {
        var other = world.Guest("other");
        var claim = world.Claim(stick, guest);
        world.Host.DetachHangs = true;
        world.Move(claim, other);

        world.Do(h => h.Stop(guest));

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([other]));
    }

    [Test]
    public void Plan_RemovalThatIsNeverDone_IsAskedAgain()
    {
        var claim = world.Claim(stick, guest);
        world.Host.DetachHangs = true;
        world.Release(claim);
        world.Host.Done.Clear();

        world.Advance(world.Limits.DetachPatience);

        Assert.That(world.Host.Done, Is.EqualTo(["detach stick guest"]));
        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Detaching));
    }

    [Test]
    public void Plan_ReleasedForOneAndClaimedForAnotherWhileLeaving_AttachesWhenItHasLeft()
    {
        var other = world.Guest("other");
        var claim = world.Claim(stick, guest);
        world.Host.DetachHangs = true;
        world.Release(claim);
        var second = world.Claim(stick, other);
        Assert.That(world.State.Claims[second].Failures, Is.Zero, "it was tried although it could not work");

        world.Do(h => h.DetachHangs = false);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([other]));
    }

    private static void UntilUnplug(CreateClaimRequest request) => request.Lifetime = Lifetime.UntilUnplug;

    private static void UntilGuestStops(CreateClaimRequest request) => request.Lifetime = Lifetime.UntilGuestStops;
}
