// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Errors;
using UsbHostd.Policy.Devices;
using UsbHostd.Tests.Reconcile.Sim;
using HostUse = UsbHostd.Policy.Devices.HostUse;

namespace UsbHostd.Tests.Reconcile;

/// <summary>What is refused, what waits, and what goes on by itself.</summary>
[TestFixture]
internal sealed class GuardTests : WorldTest
{
    private static readonly HostUse Mounted = new(HostUseKind.Mount, "/dev/sdb1 on /srv");

    [Test]
    public void Decide_Hub_Refuses()
    {
        var hub = world.Plugged(Some.Hub());

        Assert.That(Refusal(() => world.Claim(hub, guest)), Is.EqualTo(ErrorCode.ErrorIsHub));
    }

    [Test]
    public void Decide_RootHub_Refuses() => Assert.That(Refusal(() => world.Claim("port:usb1", guest)), Is.EqualTo(ErrorCode.ErrorIsHub));

    [Test]
    public void Decide_HubWithForce_Refuses()
    {
        var hub = world.Plugged(Some.Hub());

        Assert.That(Refusal(() => world.Claim(hub, guest, r => r.ForceReason = "why not")), Is.EqualTo(ErrorCode.ErrorIsHub));
    }

    [Test]
    public void Decide_HeldByAnotherGuest_RefusesNamingIt()
    {
        var stick = world.Plugged(Some.Stick());
        var claim = world.Claim(stick, guest);
        var other = world.Guest("other");

        var refused = Assert.Throws<HostException>(() => world.Claim(stick, other))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorHeldByGuest));
        Assert.That((refused.Claim!.Id, refused.Guest!.Name), Is.EqualTo((claim.ToString(), "guest")));
    }

    [Test]
    public void Decide_ClaimedWhileGuestIsOffAndDeviceAway_RefusesASecond()
    {
        var (off, other) = (world.Guest("off", running: false), world.Guest("other", running: false));
        world.Claim("serial:0951:1666:S-0001", off);

        Assert.That(Refusal(() => world.Claim("serial:0951:1666:S-0001", other)), Is.EqualTo(ErrorCode.ErrorHeldByGuest));
    }

    [Test]
    public void Decide_SameWishTwice_IsOneClaim()
    {
        var stick = world.Plugged(Some.Stick());
        var first = world.Claim(stick, guest);

        var second = world.Claim(stick, guest);

        Assert.That(second, Is.EqualTo(first));
    }

    [Test]
    public void Decide_HeldBySomebodyElse_Refuses()
    {
        var (stick, other) = (world.Plugged(Some.Stick()), world.Guest("other"));
        world.Do(h => h.AttachForeign(other, stick));

        Assert.That(Refusal(() => world.Claim(stick, guest)), Is.EqualTo(ErrorCode.ErrorHeldByOther));
    }

    [Test]
    public void Plan_HeldBySomebodyElse_WaitsUntouchedAndGoesOnWhenFree()
    {
        var other = world.Guest("other");
        var claim = world.Claim("serial:0951:1666:S-0001", guest);
        world.Host.SetState(guest, GuestState.Shutoff);
        world.Do(h => h.Stop(guest));
        var stick = world.Plugged(Some.Stick());
        world.Do(h => h.AttachForeign(other, stick));
        world.Do(h => h.Start(guest));
        Assume.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.HeldByOther)));
        Assume.That(world.Host.GuestsWith(stick), Is.EqualTo([other]));

        world.Do(h => h.DetachByHand(other, stick));

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Plan_ForeignAttachmentWithoutDrivers_IsNotOfferedToTheHost()
    {
        var stick = world.Plugged(Some.Dongle());
        var other = world.Guest("other");
        world.Claim(stick, world.Guest("off", running: false));
        world.Do(h => h.AttachForeign(other, stick));
        world.Host.SetDrivers(stick, null);
        world.Host.Done.Clear();

        world.Do(h => h.RescanDevices());

        Assert.That(world.Host.Done, Is.Empty);
    }

    [Test]
    public void Decide_Mounted_Refuses()
    {
        var stick = world.Plugged(Some.Stick());
        world.Do(h => h.Use(stick, Mounted));

        Assert.That(Refusal(() => world.Claim(stick, guest)), Is.EqualTo(ErrorCode.ErrorInUseByHost));
    }

    [Test]
    public void Decide_MountedWithForce_Attaches()
    {
        var stick = world.Plugged(Some.Stick());
        world.Do(h => h.Use(stick, Mounted));

        world.Claim(stick, guest, r => r.ForceReason = "rescue");

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Plan_MountedAfterTheClaim_WaitsAndGoesOnWhenUnmounted()
    {
        var claim = world.Claim("serial:0951:1666:S-0001", guest);
        var stick = Some.Stick();
        stick.Uses = [Mounted];
        world.Plugged(stick);
        Assume.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.InUseByHost)));

        world.Do(h => h.Use(stick));

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Decide_HeldOverUsbfs_RefusesNamingTheProcess()
    {
        var stick = world.Plugged(Some.Stick());
        world.Host.Holders = [new HostUse(HostUseKind.Process, "pcscd (pid 812) has /dev/bus/usb/001/004 open")];
        world.Do(h => h.SetDrivers(stick, UsbInterface.UsbfsDriver));

        var refused = Assert.Throws<HostException>(() => world.Claim(stick, guest))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorInUseByHost));
        Assert.That(refused.Message, Does.Contain("pcscd (pid 812)"));
    }

    [Test]
    public void Decide_NoController_Refuses()
    {
        var (stick, bare) = (world.Plugged(Some.Stick()), With(FakeGuest.None));

        Assert.That(Refusal(() => world.Claim(stick, bare)), Is.EqualTo(ErrorCode.ErrorNoController));
    }

    [Test]
    public void Decide_FullController_Refuses()
    {
        var full = With(FakeGuest.OnePort);
        world.Claim(world.Plugged(Some.Keyboard(), "1-1"), full);
        var stick = world.Plugged(Some.Stick(), "1-2");

        Assert.That(Refusal(() => world.Claim(stick, full)), Is.EqualTo(ErrorCode.ErrorNoFreePort));
    }

    [Test]
    public void Plan_FullController_GoesOnWhenAPortIsFree()
    {
        var full = With(FakeGuest.OnePort);
        var first = world.Claim(world.Plugged(Some.Keyboard(), "1-1"), full);
        var claim = world.Claim("serial:0951:1666:S-0001", full);
        var stick = world.Plugged(Some.Stick(), "1-2");
        Assume.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.NoFreePort)));

        world.Release(first);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([full]));
    }

    [Test]
    public void Decide_StreamsOnEhci_RefusesForSpeed()
    {
        var (disk, old) = (world.Plugged(Some.SuperSpeedDisk(), "2-3"), With(FakeGuest.Ehci));

        Assert.That(Refusal(() => world.Claim(disk, old)), Is.EqualTo(ErrorCode.ErrorSpeedMismatch));
    }

    [Test]
    public void Decide_HighSpeedStickOnEhci_Fits()
    {
        var (stick, old) = (world.Plugged(Some.Stick()), With(FakeGuest.Ehci));

        world.Claim(stick, old);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([old]));
    }

    [Test]
    public void Decide_OtherMode_Refuses()
    {
        var stick = world.Plugged(Some.Stick());

        Assert.That(Refusal(() => world.Claim(stick, guest, r => r.Mode = Mode.Spicevmc)), Is.EqualTo(ErrorCode.ErrorUnsupportedMode));
    }

    [Test]
    public void Decide_BarePortWithoutIds_Refuses() =>
        Assert.That(Refusal(() => world.Claim("port:1-3", guest)), Is.EqualTo(ErrorCode.ErrorInvalidArgument));

    [Test]
    public void Decide_UnknownDevice_Refuses() =>
        Assert.That(Refusal(() => world.Claim("serial:nobody", guest)), Is.EqualTo(ErrorCode.ErrorDeviceNotFound));

    [Test]
    public void Decide_RequestIdForAnotherGuest_Refuses()
    {
        var stick = world.Plugged(Some.Stick());
        var other = world.Guest("other");
        world.Claim(stick, guest, r => r.RequestId = "r1");

        Assert.That(Refusal(() => world.Claim(stick, other, r => r.RequestId = "r1")), Is.EqualTo(ErrorCode.ErrorRequestReused));
    }

    [Test]
    public void Plan_ClaimBySerialAndPortOfOneDevice_OnlyTheOlderGetsIt()
    {
        var (stick, other) = (Some.Stick(), world.Guest("other"));
        var first = world.Claim("serial:0951:1666:S-0001", guest);
        world.Advance(1);
        var second = world.Claim("port:1-4", other, r => r.FollowIds.Add(Some.StickId.ToString()));

        world.Plugged(stick);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
        Assert.That(world.Status(second).OtherClaim, Is.EqualTo(first));
        Assert.That(world.Stand(second), Is.EqualTo((ClaimPhase.WaitingForDevice, ClaimReason.HeldByGuest)));
    }

    [Test]
    public void Plan_OlderOfTwoClaimsReleased_TheOtherGetsTheDevice()
    {
        var (stick, other) = (Some.Stick(), world.Guest("other"));
        var first = world.Claim("serial:0951:1666:S-0001", guest);
        world.Advance(1);
        world.Claim("port:1-4", other, r => r.FollowIds.Add(Some.StickId.ToString()));
        world.Plugged(stick);

        world.Release(first);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([other]));
    }

    private FakeGuest With(System.Collections.Immutable.ImmutableArray<GuestUsbController> controllers)
    {
        var with = world.Host.Define("special", controllers);
        world.Do(h => h.Start(with));
        return with;
    }

    private static ErrorCode Refusal(Action act) => Assert.Throws<HostException>(() => act())!.Code;
}
