// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>A device goes, comes back, and is in its guest again.</summary>
public sealed class Replug : DaemonTest
{
    [Test]
    public async Task Claim_OfPluggedStick_IsReadInGuest()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "RP-1", "first-bytes-here")).PlugAsync("x0.5");
        var mark = await guest.MarkAsync();

        var claim = await ClaimAndSeeAsync("serial:RP-1", guest, "46f4:0001:RP-1");

        await guest.ReadsDiskAsync("first-bytes-here", mark);
        await Host.DriverIsAsync(stick.PortPath, "usbfs");
        Assert.Multiple(() =>
        {
            Assert.That(claim.Follow, Is.EqualTo(Follow.Serial));
            Assert.That(claim.Guest.Name, Is.EqualTo(guest.Name));
        });
        Assert.That(await OursAsync(guest), Has.Count.EqualTo(1));
        Assert.That((await guest.PersistentXmlAsync()).Descendants("hostdev"), Is.Empty, "the persistent XML must not be pinned");
    }

    [Test]
    public async Task Claim_BeforePlug_TakesStickWhenItComes()
    {
        var guest = await Bed.AlphaAsync();
        var claim = await ClaimAsync("serial:46f4:0001:RP-2", guest);
        await PhaseAsync(claim, Phase.WaitingForDevice, Reason.DeviceAbsent);
        var mark = await guest.MarkAsync();

        await (await QemuDevice.StickAsync(Host, "RP-2")).PlugAsync("x0.6");

        await guest.SeesAsync("46f4:0001:RP-2", mark);
        await PhaseAsync(claim, Phase.Attached);
    }

    [Test]
    public async Task Replug_WithNewDeviceNumber_ComesBackIntoGuest()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "RP-3")).PlugAsync("x0.7");
        var claim = await ClaimAndSeeAsync("serial:RP-3", guest, "46f4:0001:RP-3");
        var mark = await guest.MarkAsync();

        await stick.PullAsync();
        await guest.NoLongerSeesAsync("46f4:0001:RP-3", mark);
        await PhaseAsync(claim, Phase.WaitingForDevice, Reason.DeviceAbsent);
        Assert.That(await guest.HostdevsAsync(), Is.Empty, "the dead hostdev must be gone");
        await stick.PlugAsync("x0.7");

        await guest.SeesAsync("46f4:0001:RP-3", mark);
        await PhaseAsync(claim, Phase.Attached);
        Assert.That(await guest.HostdevsAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Replug_WithoutPause_ComesBackIntoGuest()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "RP-4")).PlugAsync("x0.8");
        var claim = await ClaimAndSeeAsync("serial:RP-4", guest, "46f4:0001:RP-4");
        var before = (await GetClaimAsync(claim)).Plug;
        var mark = await guest.MarkAsync();

        await stick.PullAsync();
        await stick.PlugAsync("x0.8");

        await guest.NoLongerSeesAsync("46f4:0001:RP-4", mark);
        await guest.SeesAsync("46f4:0001:RP-4", mark);
        var after = await PhaseAsync(claim, Phase.Attached);
        Assert.That(after.Plug, Is.Not.EqualTo(before));
        Assert.That(await guest.HostdevsAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Replug_IntoAnotherController_IsFollowedBySerial()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "RP-5")).PlugAsync("x0.9");
        var claim = await ClaimAndSeeAsync("serial:RP-5", guest, "46f4:0001:RP-5");
        var mark = await guest.MarkAsync();

        await stick.PullAsync();
        await guest.NoLongerSeesAsync("46f4:0001:RP-5", mark);
        await stick.PlugAsync("x1.4");

        await guest.SeesAsync("46f4:0001:RP-5", mark);
        var after = await PhaseAsync(claim, Phase.Attached);
        Assert.That((await DeviceAsync("id:" + after.DeviceId)).Port, Is.EqualTo(stick.PortPath));
    }

    [Test]
    public async Task Replug_IntoAnotherPort_IsNotFollowedByClaimOfPort()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "RP-6")).PlugAsync("x0.10");
        var claim = await ClaimAndSeeAsync("serial:RP-6", guest, "46f4:0001:RP-6", r => r.Follow = Follow.Port);
        var mark = await guest.MarkAsync();

        await stick.PullAsync();
        await PhaseAsync(claim, Phase.WaitingForDevice, Reason.DeviceAbsent);
        await stick.PlugAsync("x0.11");
        await Host.DriverIsAsync(stick.PortPath, "usb-storage");
        Assert.That((await GetClaimAsync(claim)).Phase, Is.EqualTo(Phase.WaitingForDevice));
        await stick.PullAsync();
        await stick.PlugAsync("x0.10");

        await guest.SeesAsync("46f4:0001:RP-6", mark);
    }

    [Test]
    public async Task ModeSwitch_OnSamePort_IsFollowed()
    {
        var guest = await Bed.AlphaAsync();
        var application = await Gadget.PlugAsync(Host, "303a:1001", serial: null, controller: 0);
        var claim = await ClaimAndSeeAsync("port:5-1", guest, "303a:1001:", r => r.FollowIds.Add("303a:4001"));
        var mark = await guest.MarkAsync();

        await application.RemoveAsync();
        await Gadget.PlugAsync(Host, "303a:4001", serial: null, controller: 0);

        await guest.SeesAsync("303a:4001:", mark);
        await PhaseAsync(claim, Phase.Attached);
        Assert.That(await guest.HostdevsAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Stranger_OnClaimedPort_StaysOutside()
    {
        var guest = await Bed.AlphaAsync();
        var claimed = await Gadget.PlugAsync(Host, "303a:1001", serial: null, controller: 0);
        var claim = await ClaimAndSeeAsync("port:5-1", guest, "303a:1001:");

        await claimed.RemoveAsync();
        var stranger = await Gadget.PlugAsync(Host, "0525:a4a7", serial: null, controller: 0);

        await Host.DriverIsAsync(stranger.PortPath, "cdc_acm");
        await PhaseAsync(claim, Phase.WaitingForDevice);
        Assert.That(await guest.HostdevsAsync(), Is.Empty);
    }

    [Test]
    public async Task Release_HandsStickBackToHostDriver()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "RP-7")).PlugAsync("x0.12");
        await Host.DriverIsAsync(stick.PortPath, "usb-storage");
        var claim = await ClaimAndSeeAsync("serial:RP-7", guest, "46f4:0001:RP-7");
        var mark = await guest.MarkAsync();

        await ReleaseAsync(claim);

        await guest.NoLongerSeesAsync("46f4:0001:RP-7", mark);
        await Host.DriverIsAsync(stick.PortPath, "usb-storage");
        Assert.That(await ClaimsAsync(), Is.Empty);
    }
}
