// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>A device that a guest has is not suspended by the host; afterwards it has the setting that it had before.</summary>
[TestFixture]
internal sealed class PowerTests : StickTest
{
    [Test]
    public void Claim_GuestRuns_KeepsTheDeviceAwake()
    {
        world.Claim(stick, guest);

        Assert.That(stick.MaySleep, Is.False);
    }

    [Test]
    public void Claim_GuestIsOff_LeavesTheSetting()
    {
        world.Do(h => h.Stop(guest));

        world.Claim(stick, guest);

        Assert.That(stick.MaySleep, Is.True);
    }

    [Test]
    public void Release_PutsTheSettingBack()
    {
        world.Release(world.Claim(stick, guest));

        Assert.That(stick.MaySleep, Is.True);
    }

    [Test]
    public void Stop_OfTheGuest_PutsTheSettingBack()
    {
        world.Claim(stick, guest);

        world.Do(h => h.Stop(guest));

        Assert.That(stick.MaySleep, Is.True);
    }

    [Test]
    public void Release_OfADeviceThatWasKeptAwakeBefore_LeavesItAwake()
    {
        stick.MaySleep = false;

        world.Release(world.Claim(stick, guest));

        Assert.That(stick.MaySleep, Is.False);
    }

    [Test]
    public void Crash_AndTheGuestStopsWhileLibvirtIsAway_PutsTheSettingBackOnceItIsThere()
    {
        world.Claim(stick, guest);
        world.Do(h => h.LoseLibvirt());
        world.Restart();
        world.Do(h => h.Stop(guest));

        world.Do(h => h.RegainLibvirt());

        Assert.That(stick.MaySleep, Is.True);
    }

    [Test]
    public void Crash_WhileAGuestHasIt_PutsTheSettingBackLater()
    {
        var claim = world.Claim(stick, guest);
        world.Restart();

        world.Release(claim);

        Assert.That(stick.MaySleep, Is.True);
    }

    [Test]
    public void Crash_AndTheGuestStoppedMeanwhile_PutsTheSettingBackAtTheStart()
    {
        world.Claim(stick, guest);
        world.Crash();
        world.Host.Stop(guest);

        world.Start();

        Assert.That(stick.MaySleep, Is.True);
    }

    [Test]
    public void Attach_BySomebodyElse_LeavesTheSetting()
    {
        world.Do(h => h.AttachForeign(guest, stick));

        Assert.That(stick.MaySleep, Is.True);
    }
}
