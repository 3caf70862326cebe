// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>Who drives the interfaces: the guest while it has the device, the host's drivers afterwards.</summary>
[TestFixture]
internal sealed class HandBackTests : StickTest
{
    private ClaimId claim;

    [Test]
    public void Plan_HostDriverStaysBound_IsTakenOutAndTriedAgain()
    {
        world.Host.DriversStay = true;
        claim = world.Claim(stick, guest);
        Assume.That(world.Status(claim).Reason, Is.EqualTo(ClaimReason.HostDriverBound));
        world.Host.DriversStay = false;

        world.Advance(world.Limits.HostDriverPatience * 3);

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attached, ClaimReason.None)));
    }

    [Test]
    public void Plan_PausedGuest_HasTheDeviceUnconfigured()
    {
        world.Do(h => h.SetState(guest, GuestState.Paused));

        claim = world.Claim(stick, guest);

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attached, ClaimReason.GuestNotConfigured)));
    }

    [Test]
    public void Plan_GuestUnbindsItsDevice_IsNotAttachedAgain()
    {
        claim = world.Claim(stick, guest);
        world.Host.Done.Clear();

        world.Do(h => h.SetDrivers(stick, null));
        world.Advance(1);

        Assert.That(world.Host.Done, Is.Empty);
        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Plan_QemuKilled_TheHostGetsItsDriversBackWhenTheKernelHasThem()
    {
        claim = world.Claim(stick, guest);
        Action moment = () => { };

        world.Do(h => moment = h.Kill(guest));
        Assume.That(world.Host.Done, Has.None.StartsWith("offer"));
        world.Do(_ => moment());

        Assert.That(stick.Drivers, Is.EqualTo(stick.HostDrivers));
    }

    [Test]
    public void Plan_QemuKilledWhileTheDaemonWasDown_TheHostGetsItsDriversBack()
    {
        claim = world.Claim(stick, guest);
        world.Crash();
        world.Host.Kill(guest)();

        world.Start();

        Assert.That(stick.Drivers, Is.EqualTo(stick.HostDrivers));
    }

    [Test]
    public void Plan_DeviceNoDriverWants_IsOfferedOnce()
    {
        var dongle = world.Plugged(Some.Dongle(), "1-7");
        var release = world.Claim(dongle, guest);
        world.Host.Done.Clear();

        world.Release(release);
        world.Do(h => h.SetDrivers(dongle, null));
        world.Advance(60);

        Assert.That(world.Host.Done.Count(d => d == "offer dongle"), Is.EqualTo(1));
    }
}
