// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Guests;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>What fails, what is tried again and when, and what others do behind our back.</summary>
[TestFixture]
internal sealed class FailureTests : StickTest
{
    private ClaimId claim;

    [Test]
    public void Plan_DetachedByHand_IsHeldAndStays()
    {
        claim = world.Claim(stick, guest);

        world.Do(h => h.DetachByHand(guest, stick));
        world.Restart();

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.DetachedByOther)));
        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    [Test]
    public void Plan_DetachedByHandThenRetry_Attaches()
    {
        claim = world.Claim(stick, guest);
        world.Do(h => h.DetachByHand(guest, stick));

        world.Retry(claim);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Plan_DetachedByHand_TheHostGetsItsDriversBack()
    {
        claim = world.Claim(stick, guest);

        world.Do(h => h.DetachByHand(guest, stick));

        Assert.That(stick.Drivers, Is.EqualTo(stick.HostDrivers));
    }

    [Test]
    public void Plan_DetachedByHandAfterAMoveThereAndBack_IsHeld()
    {
        var other = world.Guest("other");
        claim = world.Claim(stick, guest);
        world.Host.DetachHangs = true;
        world.Move(claim, other);
        world.Host.DetachHangs = false;
        world.Do(h => h.Restart(guest));
        world.Move(claim, guest);
        Assume.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));

        world.Do(h => h.DetachByHand(guest, stick));

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.DetachedByOther)));
    }

    [Test]
    public void Plan_RemovalFailedAndHappenedAllTheSame_IsOurs()
    {
        claim = world.Claim(stick, guest);
        Fail("detach", new GuestHostException(ClaimReason.AttachFailed, "Timed out during operation", transient: true));
        world.Host.SetDrivers(stick, "usb-storage");
        world.Settle();
        world.Advance(world.Limits.HostDriverPatience);
        Assume.That(world.Started, Has.Some.InstanceOf<HostAction.DetachDevice>());
        world.Host.Before = null;

        world.Do(h => h.DetachByHand(guest, stick));

        Assert.That(world.Stand(claim).Phase, Is.Not.EqualTo(ClaimPhase.Held));
    }

    [Test]
    public void Fold_FailureAfterFailure_WaitsLongerEachTime()
    {
        Fail("attach", new GuestHostException(ClaimReason.AttachFailed, "not found", transient: true));
        claim = world.Claim(stick, guest);
        var waits = new List<TimeSpan>();

        for (var i = 0; i < 4; i++)
        {
            waits.Add(world.State.Claims[claim].NotBefore!.Value - world.Time.GetUtcNow());
            world.Advance(waits[^1]);
        }

        Assert.That(waits, Is.Ordered.Ascending);
        Assert.That(waits.Zip(waits.Skip(1), (a, b) => b / a), Is.All.EqualTo(2).Within(0.01));
        Assert.That(world.State.Claims[claim].Failures, Is.EqualTo(5));
    }

    [Test]
    public void Fold_FailureThatTimeWontHeal_WaitsLongerThanATransientOne()
    {
        Fail("attach", new GuestHostException(ClaimReason.AttachFailed, "no", transient: false));
        claim = world.Claim(stick, guest);
        var patient = world.State.Claims[claim].NotBefore;

        Assert.That(patient - world.Time.GetUtcNow(), Is.GreaterThan(world.Limits.FirstRetry));
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attaching, ClaimReason.RetryLater)));
    }

    [TestCase("replug")]
    [TestCase("restart")]
    [TestCase("retry")]
    public void Plan_TooManyFailures_GivesUpUntilSomethingChanges(string change)
    {
        Fail("attach", new GuestHostException(ClaimReason.AttachFailed, "no", transient: false));
        claim = world.Claim(stick, guest);
        world.Advance(TimeSpan.FromHours(1));
        Assume.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.AttachFailed)));
        Assume.That(world.State.Claims[claim].Failures, Is.EqualTo(world.Limits.MostFailures));
        world.Host.Before = null;

        switch (change)
        {
            case "replug":
                world.Do(h => h.Replug(stick));
                break;
            case "restart":
                world.Do(h => h.Restart(guest));
                break;
            default:
                world.Retry(claim);
                break;
        }

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Plan_EffectThrows_CountsAsAFailure()
    {
        Fail("attach", new InvalidOperationException("a bug"));

        claim = world.Claim(stick, guest);

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attaching, ClaimReason.RetryLater)));
    }

    [Test]
    public void Fold_Flapping_PutsTheClaimInQuarantine()
    {
        claim = world.Claim(stick, guest);

        Flap();

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Quarantined)));
        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    [Test]
    public void Fold_QuarantineOverRestart_Stays()
    {
        claim = world.Claim(stick, guest);
        Flap();
        world.Advance(5);

        world.Restart();

        Assert.That(world.Stand(claim).Reason, Is.EqualTo(ClaimReason.Quarantined));
    }

    [Test]
    public void Plan_QuarantineThenRetry_Attaches()
    {
        claim = world.Claim(stick, guest);
        Flap();

        world.Retry(claim);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Plan_RestoreWhileAnotherDeviceHasTheNumber_TheWrongOneIsNotInTheGuest()
    {
        claim = world.Claim(stick, guest);
        var number = stick.Address.Device;
        world.Do(h => h.ManagedSave(guest));
        var twin = Some.Stick("S-2222", "twin");
        world.Do(h =>
        {
            h.Replug(stick, "1-5");
            h.Plug(twin, "1-6", number);
        });
        world.Host.Done.Clear();

        world.Do(h => h.Start(guest));

        Assert.That(world.Host.Done.Take(2), Is.EqualTo(["detach twin guest", "attach stick guest"]));
        Assert.That(world.Host.GuestsWith(twin), Is.Empty);
        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Plan_RestoreWithoutTheDevice_TheEmptyPlaceIsTakenOut()
    {
        claim = world.Claim(stick, guest);
        world.Do(h => h.ManagedSave(guest));
        world.Do(h => h.Pull(stick));

        world.Do(h => h.Start(guest));

        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void Plan_TransientGuestIsSavedAndRestored_TheDeviceThatQemuClosedIsAttachedAnew()
    {
        claim = world.Claim(stick, guest);
        SaveAndForget();

        world.Do(h => h.Restore(guest));
        world.Advance(world.Limits.HostDriverPatience);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
        Assert.That(world.State.Claims[claim].Failures, Is.Zero);
    }

    [Test]
    public void Plan_TransientGuestIsRestoredWhileLibvirtIsAway_TheDeviceThatQemuClosedIsAttachedAnew()
    {
        claim = world.Claim(stick, guest);
        SaveAndForget();
        world.Do(h => h.LoseLibvirt());
        world.Host.Restore(guest);

        world.Do(h => h.RegainLibvirt());
        world.Advance(world.Limits.HostDriverPatience);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Plan_GuestThatHasNotConfiguredItsDeviceIsSeenFirstByANewDaemon_IsLeftAlone()
    {
        claim = world.Claim(stick, guest);
        world.Do(h => h.SetState(guest, GuestState.Paused));
        world.Host.Done.Clear();

        world.Restart();
        world.Advance(world.Limits.HostDriverPatience);

        Assert.That(world.Host.Done, Is.Empty);
    }

    private void SaveAndForget() => world.Do(h =>
    {
        h.ManagedSave(guest);
        h.Undefine(guest);
    });

    private void Fail(string verb, Exception with) => world.Host.Before = v =>
    {
        if (v == verb)
        {
            throw with;
        }
    };

    private void Flap()
    {
        for (var i = 0; i <= world.Limits.FlapPlugs; i++)
        {
            world.Do(h => h.Replug(stick));
            world.Advance(world.Limits.FlapWindow / (world.Limits.FlapPlugs + 5));
        }
    }
}
