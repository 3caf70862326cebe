// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>
/// Controllers x1 and dummy_hcd.0 are jailed. A monitor of the kernel's own events runs all the time: a block or input device that is there
/// for a moment only does not escape it.
/// </summary>
public sealed class Jail : DaemonTest
{
    private const string Configuration = "/etc/usbhostd/usbhostd.conf";
    private const string Witness = "/run/lab/jail-events.log";
    private const string Notify = "/run/lab/notify.sock";

    private static string s_x1 = "";

    protected override async Task FurnishAsync()
    {
        await Daemon.StartOverAsync();
        s_x1 = await ControllerAsync("usb4");
        await ConfigureAsync($"controllers = {s_x1} dummy_hcd.0");
        await Host.DoAsync($"setsid stdbuf -oL udevadm monitor --kernel --subsystem-match=block --subsystem-match=input >{Witness} 2>&1 </dev/null & echo $! >/run/lab/witness.pid");
    }

    protected override async Task UnfurnishAsync()
    {
        await Host.RunAsync($"kill $(cat /run/lab/witness.pid); rm -f {Configuration}");
        await Host.RunAsync($"{Repository.Bed}/usbhostd term");
        await Daemon.StartOverAsync();
    }

    [TearDown]
    public async Task NothingEverAppeared()
    {
        var seen = await Host.DoAsync($"udevadm settle; grep -E ' add .*/({s_x1}|dummy_hcd.0)/.*/(block|input)/' {Witness} || true");
        await Host.DoAsync($": >{Witness}");
        Assert.That(seen, Is.Empty, "the host got a block or input device of a jailed device");
    }

    [Test]
    public async Task Stick_Jailed_WorksInTheGuestAndNeverOnTheHost()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "JL-1", "jailed-stick-1--")).PlugAsync("x1.5");
        await AuthorizedAsync(stick, "0");

        var mark = await guest.MarkAsync();
        var claim = await ClaimAndSeeAsync("serial:JL-1", guest, "46f4:0001:JL-1");
        await guest.ReadsDiskAsync("jailed-stick-1--", mark);
        await Host.DriverIsAsync(stick.PortPath, "usbfs");

        await ReleaseAsync(claim);
        await guest.NoLongerSeesAsync("46f4:0001:JL-1", mark);
        await AuthorizedAsync(stick, "0");
        await Host.DriverIsAsync(stick.PortPath, "");
    }

    [Test]
    public async Task Keyboard_Jailed_NeverTypesOnTheHost()
    {
        var guest = await Bed.AlphaAsync();
        var keyboard = await Gadget.PlugAsync(Host, "1d6b:0104", "JL-KBD", controller: 0, "hid");
        await AuthorizedAsync(keyboard, "0");

        var claim = await ClaimAndSeeAsync("serial:JL-KBD", guest, "1d6b:0104:JL-KBD");

        await ReleaseAsync(claim);
        await AuthorizedAsync(keyboard, "0");
    }

    [Test]
    public async Task Replug_Jailed_ComesBackIntoTheGuest()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "JL-2")).PlugAsync("x1.6");
        var claim = await ClaimAndSeeAsync("serial:JL-2", guest, "46f4:0001:JL-2");
        var mark = await guest.MarkAsync();

        await stick.PullAsync();
        await stick.PlugAsync("x1.6");

        await guest.SeesAsync("46f4:0001:JL-2", mark);
        await PhaseAsync(claim, Phase.Attached, Reason.Unspecified);
    }

    /// <summary>QEMU resets the device and hands it back to the kernel's drivers before anybody hears of the guest's end.</summary>
    [Test]
    public async Task Guest_DestroyedAndStarted_NoDriverInBetween()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "JL-3")).PlugAsync("x1.7");
        var claim = await ClaimAndSeeAsync("serial:JL-3", guest, "46f4:0001:JL-3");

        await guest.DestroyAsync();
        await PhaseAsync(claim, Phase.WaitingForGuest, Reason.GuestOff);
        await AuthorizedAsync(stick, "0");
        var mark = await guest.MarkAsync();
        await guest.StartAsync();

        await guest.SeesAsync("46f4:0001:JL-3", mark);
        await PhaseAsync(claim, Phase.Attached);
    }

    [Test]
    public async Task Qemu_KilledWithSigkill_NoDriver()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "JL-4")).PlugAsync("x1.8");
        var claim = await ClaimAndSeeAsync("serial:JL-4", guest, "46f4:0001:JL-4");

        await guest.KillQemuAsync();

        await PhaseAsync(claim, Phase.WaitingForGuest, Reason.GuestOff);
        await AuthorizedAsync(stick, "0");
        await Host.DriverIsAsync(stick.PortPath, "");
    }

    [Test]
    public async Task Daemon_Killed_JailStaysClosed()
    {
        var guest = await Bed.AlphaAsync();
        await Daemon.KillAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "JL-5")).PlugAsync("x1.9");
        await Host.DoAsync("udevadm settle");
        await Host.DriverIsAsync(stick.PortPath, "");

        await Daemon.StartAsync();

        await ClaimAndSeeAsync("serial:JL-5", guest, "46f4:0001:JL-5");
    }

    /// <summary>The guest has ended, and its device is still authorised.</summary>
    [Test]
    public async Task Daemon_KilledBeforeItConfines_ConfinesWhenItIsBack()
    {
        var guest = await Bed.AlphaAsync();
        await Daemon.KillAsync();
        await Daemon.StartAsync(Fault("ApplyJail:before"));
        var stick = await (await QemuDevice.StickAsync(Host, "JL-10")).PlugAsync("x1.13");
        var claim = await ClaimAndSeeAsync("serial:JL-10", guest, "46f4:0001:JL-10");

        await guest.DestroyAsync();
        await Daemon.DiesAsync();
        await Daemon.StartAsync();

        await AuthorizedAsync(stick, "0");
        await Host.DriverIsAsync(stick.PortPath, "");
        await PhaseAsync(claim, Phase.WaitingForGuest, Reason.GuestOff);
    }

    /// <summary>The service manager keeps the port held: here its stand-in.</summary>
    [Test]
    public async Task Daemon_KilledAndThenTheGuestDestroyed_NoDriver()
    {
        var guest = await Bed.AlphaAsync();
        await Daemon.KillAsync();
        await Host.DoAsync($"setsid {Repository.Bed}/fdkeeper {Notify} >/run/lab/fdkeeper.log 2>&1 </dev/null & echo $! >/run/lab/fdkeeper.pid");
        await Host.WaitLineAsync("/run/lab/fdkeeper.log", "ready", 0, Within.Moments);
        await Daemon.StartAsync($"NOTIFY_SOCKET={Notify}");
        var stick = await (await QemuDevice.StickAsync(Host, "JL-6")).PlugAsync("x1.10");
        var claim = await ClaimAndSeeAsync("serial:JL-6", guest, "46f4:0001:JL-6");

        await Daemon.KillAsync();
        await guest.DestroyAsync();
        await Host.DoAsync("udevadm settle");
        await Host.DriverIsAsync(stick.PortPath, "");
        await Daemon.StartAsync();

        await AuthorizedAsync(stick, "0");
        await PhaseAsync(claim, Phase.WaitingForGuest, Reason.GuestOff);
        await Host.DoAsync("kill $(cat /run/lab/fdkeeper.pid)");
    }

    [Test]
    public async Task Daemon_Terminated_GivesPriorSettingsBackAndTouchesNoGuest()
    {
        var guest = await Bed.AlphaAsync();
        await Host.DoAsync("[ $(cat /sys/bus/usb/devices/usb4/interface_authorized_default) = 0 ]");
        var stick = await (await QemuDevice.StickAsync(Host, "JL-7")).PlugAsync("x1.11");
        await ClaimAndSeeAsync("serial:JL-7", guest, "46f4:0001:JL-7");
        var list = await guest.UsbListAsync();

        await Daemon.TerminateAsync();

        Assert.That(await Host.DoAsync("cat /sys/bus/usb/devices/usb[345]/interface_authorized_default"), Is.EqualTo("1\n1\n1"));
        await Host.DriverIsAsync(stick.PortPath, "usbfs");
        Assert.That(await guest.UsbListAsync(), Is.EqualTo(list));
        await Daemon.StartAsync();
        Assert.That(await Host.DoAsync("cat /sys/bus/usb/devices/usb[345]/interface_authorized_default"), Is.EqualTo("0\n0\n0"));
    }

    [Test]
    public async Task Hub_Jailed_WorksWithADeviceBehindIt()
    {
        var guest = await Bed.AlphaAsync();
        var hub = await QemuDevice.Hub(Host).PlugAsync("x1.12");
        await Host.DriverIsAsync(hub.PortPath, "hub");
        var keyboard = await QemuDevice.Keyboard(Host).PlugAsync("x1.12.2");
        await AuthorizedAsync(keyboard, "0");

        var claim = await ClaimAsync("port:" + keyboard.PortPath, guest);
        await PhaseAsync(claim, Phase.Attached, Reason.Unspecified); // that is, the guest has configured it
    }

    [Test]
    public async Task OtherController_IsLeftAlone()
    {
        var stick = await (await QemuDevice.StickAsync(Host, "JL-8")).PlugAsync("x0.5");

        await Host.DriverIsAsync(stick.PortPath, "usb-storage");
    }

    [Test]
    public async Task UsbGuard_Active_DaemonRefusesToStart()
    {
        await Daemon.TerminateAsync();
        await Host.DoAsync("cp /bin/sleep /run/lab/usbguard-daemon; setsid /run/lab/usbguard-daemon 600 >/dev/null 2>&1 </dev/null & echo $! >/run/lab/usbguard.pid");
        var log = await Host.MarkAsync(Daemon.Log);

        await Daemon.BeginAsync();
        await Daemon.DiesAsync();

        await Host.WaitLineAsync(Daemon.Log, "usbguard-daemon runs \\(pid [0-9]+\\)", log, Within.Moments);
        await Host.DoAsync("[ $(cat /sys/bus/usb/devices/usb4/interface_authorized_default) = 1 ]; kill $(cat /run/lab/usbguard.pid)");
    }

    [Test]
    public async Task MountedStickBehindIt_DaemonRefusesToStart()
    {
        await Daemon.TerminateAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "JL-9")).PlugAsync("x0.6");
        await Refusals.MountAsync(stick);
        var log = await Host.MarkAsync(Daemon.Log);
        try
        {
            await ConfigureAsync($"controllers = {await ControllerAsync("usb2")}");
            await Daemon.BeginAsync();
            await Daemon.DiesAsync();
        }
        finally
        {
            await Host.RunAsync("umount /run/lab/mnt");
            await ConfigureAsync($"controllers = {s_x1} dummy_hcd.0");
        }

        await Host.WaitLineAsync(Daemon.Log, "46f4:0001 at 2-6 .*: a file system on it is mounted \\(/dev/sd[a-z]+ on /run/lab/mnt\\)", log, Within.Moments);
    }

    private static Task<string> ConfigureAsync(string jail) =>
        Host.DoAsync($"mkdir -p /etc/usbhostd; printf '[jail]\\n%s\\n' '{jail}' >{Configuration}");

    private static Task<string> ControllerAsync(string rootHub) =>
        Host.DoAsync($"basename \"$(dirname \"$(readlink -f /sys/bus/usb/devices/{rootHub})\")\"");

    private static Task<string> AuthorizedAsync(IPlugged device, string value) =>
        Host.WaitValueAsync($"/sys/bus/usb/devices/{device.PortPath}:1.0/authorized", $"^{value}$");
}
