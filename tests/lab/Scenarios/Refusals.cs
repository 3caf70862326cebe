// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>What must not be given is refused, with its reason.</summary>
public sealed class Refusals : DaemonTest
{
    [Test]
    public async Task Hub_IsRefused()
    {
        var guest = await Bed.AlphaAsync();
        var hub = await QemuDevice.Hub(Host).PlugAsync("x0.13");

        var refusal = await RefusalAsync(() => ClaimAsync("port:" + hub.PortPath, guest, r => r.ForceReason = "even by force"));

        Assert.That(refusal.Code, Is.EqualTo(ErrorCode.ErrorIsHub));
        Assert.That(refusal.Hint, Is.Not.Empty);
    }

    [Test]
    public async Task RootHub_IsRefused()
    {
        var guest = await Bed.AlphaAsync();

        var refusal = await RefusalAsync(() => ClaimAsync("port:usb7", guest, r => r.ForceReason = "even by force"));

        Assert.That(refusal.Code, Is.EqualTo(ErrorCode.ErrorIsHub));
    }

    [Test]
    public async Task MountedStick_IsRefusedUntilItIsUnmounted()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "RF-1")).PlugAsync("x0.5");
        await MountAsync(stick);
        await InUseAsync(stick, true);

        var refusal = await RefusalAsync(() => ClaimAsync("serial:RF-1", guest));
        await Host.DoAsync("umount /run/lab/mnt");
        await InUseAsync(stick, false);
        await ClaimAndSeeAsync("serial:RF-1", guest, "46f4:0001:RF-1");

        Assert.That(refusal.Code, Is.EqualTo(ErrorCode.ErrorInUseByHost));
        Assert.That(refusal.Message, Does.Contain("/run/lab/mnt"));
    }

    [Test]
    public async Task ClaimedStick_MountedBeforeItsGuestStarts_WaitsForUnmount()
    {
        var guest = new GuestVm(Host, "zeta", "--firmware");
        try
        {
            await guest.DefineAsync();
            var stick = await (await QemuDevice.StickAsync(Host, "RF-2")).PlugAsync("x0.6");
            var claim = await ClaimAsync("serial:RF-2", guest);
            await PhaseAsync(claim, Phase.WaitingForGuest);
            await MountAsync(stick);
            await guest.StartAsync();

            await PhaseAsync(claim, Phase.Failed, Reason.InUseByHost);
            Assert.That(await guest.HostdevsAsync(), Is.Empty);
            await Host.DoAsync("umount /run/lab/mnt");
            await PhaseAsync(claim, Phase.Attached);
        }
        finally
        {
            await Host.RunAsync("umount /run/lab/mnt");
            await guest.RemoveAsync();
        }
    }

    [Test]
    public async Task ClaimedStick_IsMarkedForUdisksToIgnore()
    {
        var guest = new GuestVm(Host, "eta", "--firmware");
        try
        {
            await guest.DefineAsync();
            var stick = await QemuDevice.StickAsync(Host, "RF-3");
            var claim = await ClaimAsync("serial:46f4:0001:RF-3", guest);
            await Host.WaitValueAsync("/run/udev/rules.d/61-usbhostd.rules", "RF-3");
            await Host.DoAsync("udevadm control --reload"); // by itself udevd looks for new rules every three seconds at most
            await stick.PlugAsync("x0.7");
            await PhaseAsync(claim, Phase.WaitingForGuest);

            var disk = await DiskAsync(stick);
            Assert.That(await Host.DoAsync($"udevadm settle; udevadm info -q property {disk}"), Does.Contain("UDISKS_IGNORE=1"));
        }
        finally
        {
            await guest.RemoveAsync();
        }
    }

    [Test]
    public async Task SecondGuest_IsRefusedNamingTheFirst()
    {
        var alpha = await Bed.AlphaAsync();
        var beta = await Bed.BetaAsync();
        await (await QemuDevice.StickAsync(Host, "RF-4")).PlugAsync("x0.8");
        var claim = await ClaimAndSeeAsync("serial:RF-4", alpha, "46f4:0001:RF-4");

        var refusal = await RefusalAsync(() => ClaimAsync("serial:RF-4", beta));

        Assert.That(refusal.Code, Is.EqualTo(ErrorCode.ErrorHeldByGuest));
        Assert.That(refusal.Claim.Id, Is.EqualTo(claim.Id));
        Assert.That(refusal.Message, Does.Contain(alpha.Name));
        Assert.That(await beta.HostdevsAsync(), Is.Empty);
    }

    [TestCase("--usb none", ErrorCode.ErrorNoController, 0)]
    [TestCase("--usb full", ErrorCode.ErrorNoFreePort, 2)]
    public async Task Guest_WithoutRoom_IsRefused(string shape, ErrorCode expected, int fits)
    {
        var guest = new GuestVm(Host, "theta", "--firmware " + shape);
        try
        {
            await guest.EnsureRunningAsync();
            for (var i = 0; i <= fits; i++)
            {
                await Gadget.PlugAsync(Host, "303a:1001", $"RF-5{i}", i);
            }

            for (var i = 0; i < fits; i++)
            {
                await PhaseAsync(await ClaimAsync($"serial:RF-5{i}", guest), Phase.Attached);
            }

            var refusal = await RefusalAsync(() => ClaimAsync($"serial:RF-5{fits}", guest));

            Assert.That(refusal.Code, Is.EqualTo(expected));
            Assert.That(refusal.Hint, Is.Not.Empty);
        }
        finally
        {
            await guest.RemoveAsync();
        }
    }

    /// <summary>QEMU's hub runs at full speed. QEMU refuses the device there only once the host's driver has let go of it.</summary>
    [Test]
    public async Task IsochronousDevice_OnlyPortsOfAHubFree_IsRefusedAndKeepsItsDriver()
    {
        var guest = new GuestVm(Host, "kappa", "--firmware --usb hub");
        try
        {
            await guest.EnsureRunningAsync();
            var sound = await Gadget.PlugAsync(Host, "303a:5001", "RF-7", controller: 4, "uac1");
            await Host.DriverIsAsync(sound.PortPath, "snd-usb-audio");
            var bound = await SoundCardAsync(sound);

            var refusal = await RefusalAsync(() => ClaimAsync("serial:RF-7", guest));

            Assert.Multiple(() =>
            {
                Assert.That(refusal.Code, Is.EqualTo(ErrorCode.ErrorNoFreePort));
                Assert.That(refusal.Message, Does.Contain("hub"));
            });
            Assert.That((await DeviceAsync("serial:RF-7")).SpeedMbps, Is.EqualTo(480));
            Assert.That(await guest.HostdevsAsync(), Is.Empty);
            Assert.That(await SoundCardAsync(sound), Is.EqualTo(bound), "the driver let go, and made another card afterwards");
            await Gadget.PlugAsync(Host, "303a:5002", "RF-8", controller: 0);
            await PhaseAsync(await ClaimAsync("serial:RF-8", guest), Phase.Attached);
        }
        finally
        {
            await guest.RemoveAsync();
        }
    }

    /// <summary>The card that the driver has made, by a number that sysfs gives to no second folder.</summary>
    private static async Task<string> SoundCardAsync(Gadget sound)
    {
        var card = $"/sys/bus/usb/devices/{sound.PortPath}:1.0/sound/card*";
        return await Host.DoAsync($"for i in $(seq 200); do stat -c '%n %i' {card} 2>/dev/null && exit; udevadm settle; done; exit 1");
    }

    /// <summary>libvirt alone would take the first controller, on which a stick runs at 12 Mb/s.</summary>
    [Test]
    public async Task Guest_WithAnOldControllerToo_GetsAStickOnTheNewOne()
    {
        var guest = new GuestVm(Host, "iota", "--firmware --usb mixed");
        try
        {
            await guest.EnsureRunningAsync();
            await (await QemuDevice.StickAsync(Host, "RF-6")).PlugAsync("x0.8");

            await PhaseAsync(await ClaimAsync("serial:RF-6", guest), Phase.Attached);

            var hostdev = (await guest.HostdevsAsync()).Single();
            Assert.That((string?)hostdev.Elements("address").Single(a => (string?)a.Attribute("type") == "usb").Attribute("bus"), Is.EqualTo("1"));
        }
        finally
        {
            await guest.RemoveAsync();
        }
    }

    [Test]
    public async Task Socket_OpensForTheGroupOnly()
    {
        const string Connect = "/usr/bin/python3 -S -c \"import socket; socket.socket(socket.AF_UNIX).connect('/run/usbhostd/api.sock')\"";

        var member = await Host.RunAsync(Connect, user: "labmember");
        var stranger = await Host.RunAsync(Connect, user: "labstranger");

        Assert.Multiple(() =>
        {
            Assert.That(member.ExitCode, Is.Zero, member.Text);
            Assert.That(stranger.Text, Does.Contain("PermissionError"));
        });
    }

    internal static Task<string> DiskAsync(QemuDevice stick) => Host.DoAsync($$"""
        for i in $(seq 200); do
            for disk in /sys/bus/usb/devices/{{stick.PortPath}}:1.0/host*/target*/*/block/sd*; do [ -b /dev/${disk##*/} ] && echo /dev/${disk##*/} && exit; done
            udevadm settle
        done
        exit 1
        """);

    internal static async Task MountAsync(QemuDevice stick)
    {
        var disk = await DiskAsync(stick);
        await Host.DoAsync($"mkdir -p /run/lab/mnt; mkfs.ext4 -q -F {disk} && mount {disk} /run/lab/mnt");
    }
}
