// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>A guest goes, comes back, and has its devices again.</summary>
public sealed class GuestLifecycle : DaemonTest
{
    [Test]
    public async Task Guest_DestroyedAndStarted_HasItsStickAgain()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "GL-1")).PlugAsync("x0.5");
        var claim = await ClaimAndSeeAsync("serial:GL-1", guest, "46f4:0001:GL-1");

        await guest.DestroyAsync();
        await PhaseAsync(claim, Phase.WaitingForGuest, Reason.GuestOff);
        await Host.DriverIsAsync(stick.PortPath, "usb-storage");
        var mark = await guest.MarkAsync();
        await guest.StartAsync();

        await guest.SeesAsync("46f4:0001:GL-1", mark);
        await PhaseAsync(claim, Phase.Attached);
        Assert.That(await OursAsync(guest), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Guest_Rebooted_KeepsItsStickAndItsAttachment()
    {
        var guest = await Bed.AlphaAsync();
        await (await QemuDevice.StickAsync(Host, "GL-2")).PlugAsync("x0.6");
        var claim = await ClaimAndSeeAsync("serial:GL-2", guest, "46f4:0001:GL-2");
        var alias = await OursAsync(guest);
        var mark = await guest.MarkAsync();

        await guest.RebootAsync();

        await guest.SeesAsync("46f4:0001:GL-2", mark);
        await PhaseAsync(claim, Phase.Attached);
        Assert.That(await OursAsync(guest), Is.EqualTo(alias));
    }

    [Test]
    public async Task Guest_Renamed_IsStillTheOne()
    {
        var guest = new GuestVm(Host, "delta", "--firmware");
        try
        {
            await guest.DefineAsync();
            await (await QemuDevice.StickAsync(Host, "GL-3")).PlugAsync("x0.7");
            var claim = await ClaimAsync("serial:GL-3", guest);
            await PhaseAsync(claim, Phase.WaitingForGuest, Reason.GuestOff);

            await guest.RenameAsync("delta-renamed");
            await guest.StartAsync();

            claim = await PhaseAsync(claim, Phase.Attached);
            Assert.That(claim.Guest.Name, Is.EqualTo("delta-renamed"));
            Assert.That(await OursAsync(guest), Has.Count.EqualTo(1));
        }
        finally
        {
            await guest.RemoveAsync();
        }
    }

    [Test]
    public async Task Guest_UndefinedAndDefinedAgain_IsKnownByItsUuid()
    {
        var guest = new GuestVm(Host, "epsilon", "--firmware --uuid 6f1e2d3c-0000-4000-8000-0000000000e5");
        try
        {
            await guest.DefineAsync();
            await (await QemuDevice.StickAsync(Host, "GL-4")).PlugAsync("x0.8");
            var claim = await ClaimAsync("serial:GL-4", guest);
            await PhaseAsync(claim, Phase.WaitingForGuest, Reason.GuestOff);

            await guest.UndefineAsync();
            await PhaseAsync(claim, Phase.WaitingForGuest, Reason.GuestUndefined);
            await guest.DefineAsync();
            await guest.StartAsync();

            await PhaseAsync(claim, Phase.Attached);
        }
        finally
        {
            await guest.RemoveAsync();
        }
    }

    /// <summary>Alias, plug and number are all still right after the restore, and yet QEMU does not have the device open.</summary>
    [Test]
    public async Task ManagedSave_ThenRestore_HasItsStickAgain()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "GL-5")).PlugAsync("x0.11");
        var claim = await ClaimAndSeeAsync("serial:GL-5", guest, "46f4:0001:GL-5");
        var mark = await guest.MarkAsync();

        await guest.ManagedSaveAsync();
        await PhaseAsync(claim, Phase.WaitingForGuest);
        await guest.StartAsync();

        await guest.NoLongerSeesAsync("46f4:0001:GL-5", mark);
        await guest.SeesAsync("46f4:0001:GL-5", mark);
        await PhaseAsync(claim, Phase.Attached);
        await Host.DriverIsAsync(stick.PortPath, "usbfs");
        Assert.That(await guest.HostdevsAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task ManagedSave_ThenNumberTakenByAnother_RestoresWithRightDeviceOnly()
    {
        var guest = await Bed.AlphaAsync();
        await Host.RewindNumbersAsync();
        var right = await (await QemuDevice.StickAsync(Host, "GL-RIGHT")).PlugAsync("x1.3");
        var number = await right.DeviceNumberAsync();
        var claim = await ClaimAndSeeAsync("serial:GL-RIGHT", guest, "46f4:0001:GL-RIGHT");

        await guest.ManagedSaveAsync();
        await PhaseAsync(claim, Phase.WaitingForGuest);
        await right.PullAsync();
        await Host.RewindNumbersAsync();
        var wrong = await (await QemuDevice.StickAsync(Host, "GL-WRONG")).PlugAsync("x1.5");
        Assume.That(await wrong.DeviceNumberAsync(), Is.EqualTo(number));
        await right.PlugAsync("x1.3");
        var mark = await guest.MarkAsync();
        await guest.StartAsync();

        await guest.SeesAsync("46f4:0001:GL-RIGHT", mark);
        await guest.NoLongerSeesAsync("46f4:0001:GL-WRONG", mark);
        claim = await PhaseAsync(claim, Phase.Attached);
        Assert.That((await DeviceAsync("id:" + claim.DeviceId)).Port, Is.EqualTo(right.PortPath));
        Assert.That(await guest.HostdevsAsync(), Has.Count.EqualTo(1));
        await Host.DriverIsAsync(wrong.PortPath, "usb-storage");
    }

    [Test]
    public async Task GuestStart_AttachesBeforeTheGuestRuns()
    {
        var guest = await Bed.AlphaAsync();
        await (await QemuDevice.StickAsync(Host, "GL-6")).PlugAsync("x0.9");
        var claim = await ClaimAndSeeAsync("serial:GL-6", guest, "46f4:0001:GL-6");
        await guest.DestroyAsync();
        await PhaseAsync(claim, Phase.WaitingForGuest, Reason.GuestOff);
        const string Events = "/run/lab/guest-start-events.log";
        await Host.DoAsync($"setsid stdbuf -oL virsh event --domain {guest.Name} --all --loop >{Events} 2>&1 </dev/null & echo $! >/run/lab/events.pid");
        var mark = await guest.MarkAsync();

        await Api.CallAsync<Guest>("StartGuest", new StartGuestRequest { Guest = guest.Name });

        await guest.SeesAsync("46f4:0001:GL-6", mark, Within.Boot);
        await Host.DoAsync("kill -INT $(cat /run/lab/events.pid)");
        var events = await Host.DoAsync($"cat {Events}");
        var attached = events.IndexOf("device-added", StringComparison.Ordinal);
        var resumed = events.IndexOf("Resumed", StringComparison.Ordinal);
        Assert.That(attached, Is.Positive.And.LessThan(resumed), events);
    }

    [Test]
    public async Task Qemu_KilledWithSigkill_GivesStickBackToHostDriver()
    {
        var guest = await Bed.GammaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "GL-7")).PlugAsync("x0.10");
        var claim = await ClaimAndSeeAsync("serial:GL-7", guest, "46f4:0001:GL-7");

        await guest.KillQemuAsync();

        await PhaseAsync(claim, Phase.WaitingForGuest, Reason.GuestOff);
        await Host.DriverIsAsync(stick.PortPath, "usb-storage");
    }
}
