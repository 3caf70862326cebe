// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>What a guest, a loop device or a program on the host has open stays with it, and is given on once it is let go.</summary>
public sealed class HostUseInLab : DaemonTest
{
    private const string Written = "written-by-alpha";

    /// <summary>The worst that could happen: two guests that write to one disk.</summary>
    [Test]
    public async Task RawDiskOfARunningGuest_IsRefusedToAnotherNamingIt()
    {
        var alpha = await Bed.AlphaAsync();
        var beta = await Bed.BetaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "HU-1", "raw-disk-of-lab-")).PlugAsync("x0.5");
        var disk = await Refusals.DiskAsync(stick);
        var mark = await alpha.MarkAsync();
        await Host.DoAsync($"virsh -q attach-disk {alpha.Name} {disk} sdz --targetbus usb --sourcetype block --driver qemu --subdriver raw --live");
        try
        {
            await alpha.ReadsDiskAsync("raw-disk-of-lab-", mark);

            var refusal = await RefusalAsync(() => ClaimAsync("serial:46f4:0001:HU-1", beta));
            await WriteAsync(alpha, disk);

            Assert.That(refusal.Code, Is.EqualTo(ErrorCode.ErrorInUseByHost));
            Assert.That(refusal.Message, Does.Contain($"guest {alpha.Name}"));
            Assert.That(refusal.Hint, Does.Contain("virsh detach-disk"));
            Assert.That(await beta.HostdevsAsync(), Is.Empty);
            Assert.That((await DeviceAsync("serial:46f4:0001:HU-1")).Uses.Any(u => u.Guarded), Is.True, "it is not listed as free");
            Assert.That(await Host.DoAsync($"dd if={disk} bs=512 count=1 iflag=direct status=none | head -c {Written.Length}"), Is.EqualTo(Written));
        }
        finally
        {
            await Host.RunAsync($"virsh -q detach-disk {alpha.Name} sdz --live");
        }

        await alpha.NoLongerHoldsAsync("sdz");
        await PhaseAsync(await ClaimAsync("serial:46f4:0001:HU-1", beta), Phase.Attached);
    }

    [Test]
    public async Task DiskThatTheDefinitionOfAGuestNames_IsRefusedUntilItIsEdited()
    {
        var alpha = await Bed.AlphaAsync();
        var owner = new GuestVm(Host, "kappa", "--firmware");
        try
        {
            await owner.DefineAsync();
            var stick = await (await QemuDevice.StickAsync(Host, "HU-2")).PlugAsync("x0.6");
            var disk = await Refusals.DiskAsync(stick);
            var link = (await Host.DoAsync($"udevadm settle; for l in /dev/disk/by-id/*HU-2*; do [ \"$(readlink -f $l)\" = {disk} ] && echo $l; done | head -1")).Trim();
            await Host.DoAsync($"virsh -q attach-disk kappa {link} sdz --targetbus usb --sourcetype block --config");
            await RenamedAsync(owner, "kappa-with-disk");

            var refusal = await RefusalAsync(() => ClaimAsync("serial:46f4:0001:HU-2", alpha));
            await Host.DoAsync($"virsh -q detach-disk {owner.Name} sdz --config");
            await RenamedAsync(owner, "kappa-without");
            await ClaimAndSeeAsync("serial:46f4:0001:HU-2", alpha, "46f4:0001:HU-2");

            Assert.That(refusal.Code, Is.EqualTo(ErrorCode.ErrorInUseByHost));
            Assert.That(refusal.Message, Does.Contain("kappa-with-disk").And.Contain(link));
        }
        finally
        {
            await owner.RemoveAsync();
        }
    }

    /// <summary>The daemon reads a definition after the event of its change; a new name on the daemon's feed shows that it did.</summary>
    private static async Task RenamedAsync(GuestVm guest, string name)
    {
        await guest.RenameAsync(name);
        await HasSeenAsync(name);
    }

    [Test]
    public async Task LoopMountOfAStick_HoldsTheClaimUntilItIsTakenDown()
    {
        var guest = new GuestVm(Host, "lambda", "--firmware");
        try
        {
            await guest.DefineAsync();
            var stick = await (await QemuDevice.StickAsync(Host, "HU-3")).PlugAsync("x0.7");
            var claim = await ClaimAsync("serial:46f4:0001:HU-3", guest);
            await PhaseAsync(claim, Phase.WaitingForGuest);
            var disk = await Refusals.DiskAsync(stick);
            await Host.DoAsync($"modprobe loop; mkfs.ext4 -q -F {disk} && losetup /dev/loop5 {disk} && mkdir -p /run/lab/loop && mount /dev/loop5 /run/lab/loop");
            await InUseAsync(stick, true);
            await guest.StartAsync();

            var refused = await PhaseAsync(claim, Phase.Failed, Reason.InUseByHost);
            await Host.DoAsync("umount /run/lab/loop");
            await Host.WaitValueAsync("/sys/block/loop5/loop/backing_file", disk);
            Assert.That(await guest.HostdevsAsync(), Is.Empty, "the loop device alone counts");
            await Host.DoAsync("losetup -d /dev/loop5");

            await PhaseAsync(claim, Phase.Attached);
            Assert.That(refused.Message, Does.Contain("/run/lab/loop"));
        }
        finally
        {
            await Host.RunAsync("umount /run/lab/loop; losetup -d /dev/loop5");
            await guest.RemoveAsync();
        }
    }

    [Test]
    public async Task DiskOpenInAProgram_FailsNamingItAndGoesOnWhenItEnds()
    {
        var alpha = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "HU-4")).PlugAsync("x0.8");

        await HeldAsync(alpha, await Refusals.DiskAsync(stick), "serial:46f4:0001:HU-4", "46f4:0001:HU-4");
    }

    [Test]
    public async Task SerialPortOpenInAProgram_FailsNamingItAndGoesOnWhenItEnds()
    {
        var alpha = await Bed.AlphaAsync();
        var port = await Gadget.PlugAsync(Host, "303a:4001", "HU-5", controller: 1);
        var tty = (await Host.DoAsync($"for i in $(seq 200); do [ -d /sys/bus/usb/devices/{port.PortPath}:1.0/tty ] && break; udevadm settle; done; "
            + $"udevadm settle; echo /dev/$(ls /sys/bus/usb/devices/{port.PortPath}:1.0/tty)")).Trim();

        await HeldAsync(alpha, tty, "serial:HU-5", "303a:4001:HU-5");
    }

    /// <summary>A program on the host has the node open while a guest is to get the device, and ends then.</summary>
    private static async Task HeldAsync(GuestVm guest, string node, string device, string seenAs)
    {
        // A tty without a carrier would keep a shell waiting in open(2).
        var pid = (await Host.DoAsync($$"""
            /usr/bin/python3 -S -c '
            import os, sys
            os.set_inheritable(os.open(sys.argv[1], os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY), True)
            os.execlp("sleep", "sleep", "1000")' {{node}} >/dev/null 2>&1 & echo $!
            """)).Trim();
        try
        {
            await Host.WaitValueAsync($"/proc/{pid}/comm", "sleep");
            var mark = await guest.MarkAsync();
            var claim = await ClaimAsync(device, guest);

            var refused = await PhaseAsync(claim, Phase.Failed, Reason.InUseByHost);
            Assert.That(await guest.HostdevsAsync(), Is.Empty);
            await Host.DoAsync($"kill {pid}");

            await guest.SeesAsync(seenAs, mark);
            await PhaseAsync(claim, Phase.Attached);
            Assert.That(refused.Message, Does.Contain($"sleep (pid {pid}) has {node} open"));
        }
        finally
        {
            await Host.RunAsync($"kill {pid}");
        }
    }

    /// <summary>As the guest's own writing: through the QEMU that has the disk.</summary>
    private static Task<string> WriteAsync(GuestVm guest, string disk) => Host.DoAsync($$"""
        device=$(virsh qemu-monitor-command {{guest.Name}} '{"execute":"query-block"}' | /usr/bin/python3 -S -c '
        import json, sys
        print(next(d["qdev"] for d in json.load(sys.stdin)["return"] if sys.argv[1] in d.get("inserted", {}).get("file", "")))' {{disk}})
        printf %s {{Written}} >/run/lab/written; truncate -s 512 /run/lab/written
        virsh qemu-monitor-command {{guest.Name}} --hmp "qemu-io -d $device \"write -s /run/lab/written 0 512\""
        """);
}
