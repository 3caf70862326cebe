// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>While the guest of a claimed device is off, programs of the host leave the device alone; while the guest has it, the host lets it not sleep.</summary>
public sealed class HostKeepsOff : DaemonTest
{
    private const string Rules = "/run/udev/rules.d/61-usbhostd.rules";

    [TestCase("acm", "tty", "ID_MM_DEVICE_IGNORE=1", "ID_MM_PORT_IGNORE=1")]
    [TestCase("ecm", "net", "ID_MM_DEVICE_IGNORE=1", "NM_UNMANAGED=1")]
    public async Task ClaimedDevice_GuestOff_IsMarkedUntilItIsReleased(string function, string subsystem, params string[] marks)
    {
        var driver = function == "acm" ? "cdc_acm" : "cdc_ether";
        Assume.That((await Host.RunAsync($"modprobe -a {driver} usb_f_{function}")).ExitCode, Is.Zero, "L1's kernel has no such modules");
        var serial = $"HK-{function}";
        var guest = new GuestVm(Host, "iota", "--firmware");
        try
        {
            await guest.DefineAsync();
            var claim = await ClaimAsync($"serial:303a:4001:{serial}", guest);
            await RulesReadAsync(serial);
            var gadget = await Gadget.PlugAsync(Host, "303a:4001", serial, controller: 1, function);
            await PhaseAsync(claim, Phase.WaitingForGuest);
            var claimed = await PropertiesAsync(gadget, subsystem);

            await gadget.PullAsync();
            await ReleaseAsync(claim);
            await RulesReadAsync(serial, there: false);
            await gadget.ReplugAsync(1);
            var released = await PropertiesAsync(gadget, subsystem);

            foreach (var mark in marks)
            {
                Assert.That((claimed.Contains(mark, StringComparison.Ordinal), released.Contains(mark, StringComparison.Ordinal)), Is.EqualTo((true, false)), mark);
            }
        }
        finally
        {
            await guest.RemoveAsync();
        }
    }

    [Test]
    public async Task SerialPortThatIsThere_Claimed_IsMarkedWithoutAnotherPlug()
    {
        var guest = new GuestVm(Host, "iota", "--firmware");
        try
        {
            await guest.DefineAsync();
            var gadget = await Gadget.PlugAsync(Host, "303a:4002", "HK-there", controller: 1);
            await PropertiesAsync(gadget, "tty");
            await Host.DoAsync("udevadm monitor --udev --property --subsystem-match=tty >/run/lab/monitor.log 2>&1 & echo $! >/run/lab/monitor.pid");

            var mark = await Host.MarkAsync("/run/lab/monitor.log");
            await ClaimAsync("serial:303a:4002:HK-there", guest);

            await Host.WaitLineAsync("/run/lab/monitor.log", "^ID_MM_PORT_IGNORE=1", mark, Within.Moments);
        }
        finally
        {
            await Host.RunAsync("kill $(cat /run/lab/monitor.pid)");
            await guest.RemoveAsync();
        }
    }

    [Test]
    public async Task LentDevice_IsAwake_AndHasItsOwnSettingBackAfterARelease()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "HK-power")).PlugAsync("x0.6");
        var power = $"/sys/bus/usb/devices/{stick.PortPath}/power/control";
        await Host.DoAsync($"echo auto >{power}");

        var claim = await ClaimAndSeeAsync("serial:HK-power", guest, "46f4:0001:HK-power");
        await Host.WaitValueAsync(power, "^on$");
        await Daemon.KillAsync();
        await Daemon.StartAsync();
        await PhaseAsync(claim, Phase.Attached);
        await ReleaseAsync(claim);

        await Host.WaitValueAsync(power, "^auto$");
    }

    /// <summary>By itself udevd looks for new rules every three seconds at most.</summary>
    private static async Task RulesReadAsync(string serial, bool there = true)
    {
        await Host.WaitValueAsync(Rules, there ? serial : $"^(?![\\s\\S]*{serial})");
        await Host.DoAsync("udevadm control --reload");
    }

    /// <summary>What udev knows of the node that the host's driver has made.</summary>
    private static Task<string> PropertiesAsync(Gadget gadget, string subsystem) => Host.DoAsync($$"""
        for i in $(seq 200); do
            for node in /sys/bus/usb/devices/{{gadget.PortPath}}:1.0/{{subsystem}}/*; do [ -e $node ] && udevadm settle && udevadm info -q property -p $node && exit; done
            udevadm settle
        done
        exit 1
        """);
}
