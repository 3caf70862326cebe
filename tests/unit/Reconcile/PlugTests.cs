// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

[TestFixture]
internal sealed class PlugTests : WorldTest
{
    [Test]
    public void Plan_ClaimAfterPlug_Attaches()
    {
        var stick = world.Plugged(Some.Stick());

        var claim = world.Claim(stick, guest);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attached, ClaimReason.None)));
    }

    [Test]
    public void Plan_PlugAfterClaim_Attaches()
    {
        var claim = world.Claim("serial:0951:1666:S-0001", guest);
        Assume.That(world.Stand(claim), Is.EqualTo((ClaimPhase.WaitingForDevice, ClaimReason.DeviceAbsent)));

        var stick = world.Plugged(Some.Stick());

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Plan_PlugBeforeGuestStarts_AttachesWhenItRuns()
    {
        var off = world.Guest("off", running: false);
        var stick = world.Plugged(Some.Stick());
        var claim = world.Claim(stick, off);
        Assume.That(world.Stand(claim), Is.EqualTo((ClaimPhase.WaitingForGuest, ClaimReason.GuestOff)));

        world.Do(h => h.Start(off));

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([off]));
    }

    [Test]
    public void Plan_ReplugWithNewAddress_DetachesThenAttaches()
    {
        var stick = world.Plugged(Some.Stick());
        world.Claim(stick, guest);
        world.Host.Done.Clear();

        world.Do(h => h.Replug(stick));

        Assert.That(world.Host.Done, Is.EqualTo(["detach stick guest", "attach stick guest"]));
        Assert.That(world.Host.Ours(), Has.Count.EqualTo(1));
    }

    [Test]
    public void Plan_PulledDevice_LeavesNoStaleHostdev()
    {
        var stick = world.Plugged(Some.Stick());
        var claim = world.Claim(stick, guest);

        world.Do(h => h.Pull(stick));

        Assert.That(guest.Hostdevs, Is.Empty);
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.WaitingForDevice, ClaimReason.DeviceAbsent)));
    }

    [Test]
    public void Assess_PulledDeviceStillInGuest_IsDetaching()
    {
        var stick = world.Plugged(Some.Stick());
        var claim = world.Claim(stick, guest);

        world.Host.Pull(stick);
        world.Turn();
        Assume.That(guest.Hostdevs, Has.Count.EqualTo(1));

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Detaching, ClaimReason.DeviceAbsent)));
    }

    [Test]
    public void Assess_ReleasedDeviceStillInGuestWithoutLibvirt_IsDetaching()
    {
        var stick = world.Plugged(Some.Stick());
        var claim = world.Claim(stick, guest);

        world.Do(h => h.LoseLibvirt());
        world.Release(claim);

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Detaching, ClaimReason.LibvirtUnavailable)));
    }

    [Test]
    public void Plan_SerialInOtherPort_Attaches()
    {
        var stick = world.Plugged(Some.Stick());
        world.Claim(stick, guest);

        world.Do(h => h.Replug(stick, "1-2"));

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Plan_ByPortInOtherPort_DoesNotAttach()
    {
        var stick = world.Plugged(Some.Stick(serial: null));
        var claim = world.Claim(stick, guest);

        world.Do(h => h.Replug(stick, "1-2"));

        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.WaitingForDevice, ClaimReason.DeviceAbsent)));
    }

    [Test]
    public void Plan_ByPortOnTheOtherHalfOfThePort_Attaches()
    {
        var stick = world.Plugged(Some.Stick(serial: null), "1-4");
        world.Claim(stick, guest);

        world.Do(h => h.Replug(stick, "2-4"));

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Plan_OtherDeviceOnAClaimedPort_IsLeftAlone()
    {
        var stick = world.Plugged(Some.Stick(serial: null));
        world.Claim(stick, guest);
        world.Do(h => h.Pull(stick));

        var keyboard = world.Plugged(Some.Keyboard());

        Assert.That(world.Host.GuestsWith(keyboard), Is.Empty);
    }

    [Test]
    public void Plan_ModeSwitchWithFollowedIds_Attaches()
    {
        var esp = world.Plugged(Some.Microcontroller());
        world.Claim(esp, guest, r => r.FollowIds.Add(Some.EspApp.ToString()));

        world.Do(h =>
        {
            h.Pull(esp);
            esp.UsbId = Some.EspApp;
            h.Plug(esp, "1-4");
        });

        Assert.That(world.Host.GuestsWith(esp), Is.EqualTo([guest]));
    }

    [Test]
    public void Plan_NumberReusedByAnotherDevice_TheOtherIsNeverInTheGuest()
    {
        var stick = world.Plugged(Some.Stick());
        world.Claim(stick, guest);
        var number = stick.Address.Device;
        var other = Some.Stick("S-9999", "other");

        world.Do(h =>
        {
            h.Pull(stick);
            h.Plug(other, "1-5", number);
        });

        Assert.That(world.Host.GuestsWith(other), Is.Empty);
        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void Plan_ClaimedDeviceGetsTheNumberOfAnothersStaleHostdev_WaitsAndAttaches()
    {
        var first = world.Plugged(Some.Stick("S-1111", "first"), "1-1");
        world.Claim(first, guest);
        var second = Some.Stick("S-2222", "second");
        world.Claim("serial:0951:1666:S-2222", guest);

        world.Do(h =>
        {
            var number = first.Address.Device;
            h.Pull(first);
            h.Plug(second, "1-2", number);
        });

        Assert.That(world.Host.GuestsWith(second), Is.EqualTo([guest]));
        Assert.That(world.Host.Ours(), Has.Count.EqualTo(1));
    }

    [Test]
    public void Plan_GuestRestarted_Attaches()
    {
        var stick = world.Plugged(Some.Stick());
        world.Claim(stick, guest);

        world.Do(h => h.Restart(guest));

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Plan_GuestRenamed_ChangesNothing()
    {
        var stick = world.Plugged(Some.Stick());
        var claim = world.Claim(stick, guest);
        world.Host.Done.Clear();

        world.Do(h => h.Rename(guest, "renamed"));

        Assert.That(world.Host.Done, Is.Empty);
        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Plan_GuestUndefinedAndDefinedAgain_ClaimWaits()
    {
        var stick = world.Plugged(Some.Stick());
        var claim = world.Claim(stick, guest);

        world.Do(h => h.Undefine(guest));

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.WaitingForGuest, ClaimReason.GuestUndefined)));
    }

    [Test]
    public void Plan_AttachRightAfterPlugFindsNothing_IsTriedAgainUntilItWorks()
    {
        world.Claim("serial:0951:1666:S-0001", guest);
        world.Host.NotFoundYet = 2;
        var stick = world.Plugged(Some.Stick());
        Assume.That(world.Host.GuestsWith(stick), Is.Empty);

        world.Advance(2);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Plan_FiftyReplugs_LeaveOneHostdev()
    {
        var stick = world.Plugged(Some.Stick());
        var claim = world.Claim(stick, guest);

        for (var i = 0; i < 50; i++)
        {
            world.Do(h => h.Replug(stick));
            world.Advance(3);
        }

        Assert.That(world.Host.Ours(), Has.Count.EqualTo(1));
        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }
}
