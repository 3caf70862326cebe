// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab;

/// <summary>The bed by itself, without the daemon: what the other tests stand on, and what stock libvirt does.</summary>
public sealed class BedTests : LabTest
{
    [Test]
    public async Task Bed_CommandThatFails_TellsStatusAndOutput()
    {
        var output = await Host.RunAsync("echo heard; exit 7");

        Assert.That(output, Is.EqualTo(new Output(7, "heard\n")));
    }

    [Test]
    public async Task Bed_GroupLibvirt_OpensDoorOfLibvirt()
    {
        var member = await Host.RunAsync("virsh -q -c qemu:///system uri", user: "usbhostd");
        var stranger = await Host.RunAsync("virsh -q -c qemu:///system uri", user: "labstranger");

        Assert.Multiple(() =>
        {
            Assert.That(member.ExitCode, Is.Zero, member.Text);
            Assert.That(stranger.ExitCode, Is.Not.Zero, stranger.Text);
        });
    }

    [Test]
    public async Task Bed_LineThatNeverComes_FailsWithinItsTime()
    {
        await Host.DoAsync("echo something >/run/lab/lines.txt");

        Assert.That(
            () => Host.WaitLineAsync("/run/lab/lines.txt", "nothing", 0, TimeSpan.FromSeconds(1)),
            Throws.TypeOf<LabException>().With.Message.Contains("nothing"));
    }

    /// <summary>Also shows that two runs fit beside each other on one machine.</summary>
    [Test]
    public async Task Bed_WhenL1Dies_FailsAtOnceWithItsLastLines()
    {
        await using var second = await HostVm.BootAsync();
        var running = second.DoAsync("sleep 300", TimeSpan.FromMinutes(5));

        await second.Qmp.ExecuteAsync("quit", []);

        Assert.That(() => running.WaitAsync(Within.Moments), Throws.TypeOf<LabException>().With.Message.Contains("READY"));
    }

    [Test]
    public async Task Plug_Stick_AppearsWithSerialAndDriver()
    {
        var stick = await (await QemuDevice.StickAsync(Host, "SER-A")).PlugAsync("x0.5");

        await Host.DriverIsAsync("2-5", "usb-storage");
        Assert.That(stick.PortPath, Is.EqualTo("2-5"));
        Assert.That(await Host.DoAsync("cat /sys/bus/usb/devices/2-5/serial"), Is.EqualTo("SER-A"));
    }

    [Test]
    public async Task Plug_StickAgain_HasNewDeviceNumber()
    {
        var stick = await (await QemuDevice.StickAsync(Host, "SER-A")).PlugAsync("x1.3");
        var before = await stick.DeviceNumberAsync();

        await stick.PullAsync();
        await stick.PlugAsync("x1.3");

        Assert.That(await stick.DeviceNumberAsync(), Is.GreaterThan(before));
    }

    [Test]
    public async Task Plug_Gadgets_HaveIdentitiesAskedFor()
    {
        var nameless = await Gadget.PlugAsync(Host, "303a:1001", serial: null, controller: 0);
        var named = await Gadget.PlugAsync(Host, "303a:1001", "G2", controller: 1);

        Assert.That(await Host.DoAsync($"cat /sys/bus/usb/devices/{nameless.PortPath}/id{{Vendor,Product}}"), Is.EqualTo("303a\n1001"));
        Assert.That(await Host.DoAsync($"ls /sys/bus/usb/devices/{nameless.PortPath}/"), Does.Not.Contain("serial"));
        Assert.That(await Host.DoAsync($"cat /sys/bus/usb/devices/{named.PortPath}/serial"), Is.EqualTo("G2"));
    }

    [Test]
    public async Task AttachByHand_Stick_IsReadByGuest()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "SER-HAND", "read-by-the-guest")).PlugAsync("x0.6");
        var mark = await guest.MarkAsync();

        var attach = await guest.AttachByHandAsync(stick.PortPath);

        Assert.That(attach.ExitCode, Is.Zero, attach.Text);
        await guest.SeesAsync("46f4:0001:SER-HAND", mark);
        await guest.ReadsDiskAsync("read-by-the-gues", mark);
        await Host.DriverIsAsync(stick.PortPath, "usbfs");
        await guest.DetachAllByHandAsync();
        await guest.NoLongerSeesAsync("46f4:0001:SER-HAND", mark);
    }

    /// <summary>What the daemon is for: libvirt alone keeps the dead hostdev, and the stick that comes back stays outside.</summary>
    [Test]
    public async Task PullAndReplug_ByLibvirtAlone_LeavesStaleHostdevAndStickOutside()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "SER-STALE")).PlugAsync("x0.7");
        await guest.AttachByHandAsync(stick.PortPath);
        await guest.SeesAsync("46f4:0001:SER-STALE");

        await stick.PullAsync();
        await stick.PlugAsync("x0.7");
        await Host.DriverIsAsync(stick.PortPath, "usb-storage");

        Assert.That(await guest.HostdevsAsync(), Has.Count.EqualTo(1));
        await guest.DetachAllByHandAsync();
        Assert.That(await guest.HostdevsAsync(), Is.Empty);
    }

    [Test]
    public async Task Reboot_OfGuest_ListsItsDevicesAgain()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "SER-BOOT")).PlugAsync("x0.8");
        await guest.AttachByHandAsync(stick.PortPath);
        await guest.SeesAsync("46f4:0001:SER-BOOT");
        var mark = await guest.MarkAsync();

        await guest.RebootAsync();

        await guest.SeesAsync("46f4:0001:SER-BOOT", mark);
        await guest.DetachAllByHandAsync();
    }

    [TestCase("--usb none", "no USB bus support")]
    [TestCase("--usb full", "No free USB ports")]
    public async Task Shape_WithoutRoom_RefusesThirdDevice(string shape, string message)
    {
        var guest = new GuestVm(Host, "shaped", $"--firmware {shape}");
        try
        {
            await guest.EnsureRunningAsync();
            Output last = new(0, "");
            for (var i = 0; i < 3 && last.ExitCode == 0; i++)
            {
                var gadget = await Gadget.PlugAsync(Host, "303a:1001", $"S{i}", i);
                last = await guest.AttachByHandAsync(gadget.PortPath);
            }

            Assert.That(last.Text, Does.Contain(message));
        }
        finally
        {
            await guest.RemoveAsync();
        }
    }

    [Test]
    public async Task Libvirtd_KilledAndStarted_KeepsGuestRunning()
    {
        var guest = await Bed.BetaAsync();

        await Bed.Libvirtd.KillAsync();
        var without = await Host.RunAsync("timeout 10 virsh -q -c qemu:///system list");
        await Bed.Libvirtd.StartAsync();

        Assert.That(without.ExitCode, Is.Not.Zero);
        Assert.That(await Host.DoAsync("virsh -q list --name"), Does.Contain(guest.Name));
    }

    [Test]
    public async Task RewindNumbers_LetsAnotherStickTakeTheNumber()
    {
        await Host.RewindNumbersAsync();
        var first = await (await QemuDevice.StickAsync(Host, "SER-1")).PlugAsync("x1.5");
        var number = await first.DeviceNumberAsync();

        await first.PullAsync();
        await Host.RewindNumbersAsync();
        var second = await (await QemuDevice.StickAsync(Host, "SER-2")).PlugAsync("x1.6");

        Assert.That(await second.DeviceNumberAsync(), Is.EqualTo(number));
    }

    /// <summary>
    /// Why a restored guest needs its devices attached anew, even the right ones in their old places: QEMU 7.2 comes out of a restore with its
    /// hostdev object, and libvirt with its entry, but the device is never opened again.
    /// </summary>
    [Test]
    public async Task ManagedSaveAndRestore_ByLibvirtAlone_LeavesGuestWithoutItsStick()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "SER-SAVED")).PlugAsync("x0.9");
        await guest.AttachByHandAsync(stick.PortPath);
        await guest.SeesAsync("46f4:0001:SER-SAVED");

        var mark = await guest.MarkAsync();
        await guest.ManagedSaveAsync();
        await guest.StartAsync();

        await guest.NoLongerSeesAsync("46f4:0001:SER-SAVED", mark);
        Assert.That(await guest.HostdevsAsync(), Has.Count.EqualTo(1));
        await Host.DriverIsAsync(stick.PortPath, "usb-storage");
        await guest.DetachAllByHandAsync();
    }

    [Test]
    public async Task Qemu_Killed_EndsGuest()
    {
        var guest = await Bed.BetaAsync();

        await guest.KillQemuAsync();

        await Host.WaitValueAsync($"/run/libvirt/qemu/{guest.Name}.pid", "^$");
        Assert.That(await Host.DoAsync("virsh -q list --name"), Does.Not.Contain(guest.Name));
    }
}
