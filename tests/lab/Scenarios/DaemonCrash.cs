// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>The daemon dies and comes back: nothing in the guests moves, and nothing that happened meanwhile is missed.</summary>
public sealed class DaemonCrash : DaemonTest
{
    [TestCase(true, TestName = "Daemon_KilledAndStarted_ChangesNothing")]
    [TestCase(false, TestName = "Daemon_TerminatedAndStarted_ChangesNothing")]
    public async Task Daemon_EndedAndStarted_ChangesNothing(bool killed)
    {
        var guest = await Bed.AlphaAsync();
        var serial = killed ? "DC-1" : "DC-2";
        await (await QemuDevice.StickAsync(Host, serial)).PlugAsync("x0.5");
        var claim = await ClaimAndSeeAsync("serial:" + serial, guest, "46f4:0001:" + serial);
        var away = await ClaimAsync("serial:46f4:0001:DC-AWAY", guest);
        var list = await guest.UsbListAsync();
        var alias = await OursAsync(guest);

        await (killed ? Daemon.KillAsync() : Daemon.TerminateAsync());
        Assert.That(await OursAsync(guest), Is.EqualTo(alias), "the end of the daemon detaches nothing");
        await Daemon.StartAsync();

        await PhaseAsync(claim, Phase.Attached);
        await PhaseAsync(away, Phase.WaitingForDevice);
        Assert.That(await OursAsync(guest), Is.EqualTo(alias));
        Assert.That(await guest.HostdevsAsync(), Has.Count.EqualTo(1));
        Assert.That(await guest.UsbListAsync(), Is.EqualTo(list), "the list carries the guest's clock: an equal line means that nothing happened");
    }

    [Test]
    public async Task Replug_WhileDaemonIsDown_IsMadeUpFor()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "DC-3")).PlugAsync("x0.6");
        var claim = await ClaimAndSeeAsync("serial:DC-3", guest, "46f4:0001:DC-3");
        var mark = await guest.MarkAsync();

        await Daemon.KillAsync();
        await stick.PullAsync();
        await stick.PlugAsync("x0.6");
        await Daemon.StartAsync();

        await guest.NoLongerSeesAsync("46f4:0001:DC-3", mark);
        await guest.SeesAsync("46f4:0001:DC-3", mark);
        await PhaseAsync(claim, Phase.Attached);
        Assert.That(await guest.HostdevsAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task NumberReusedByAnother_WhileDaemonIsDown_StaysOutside()
    {
        var guest = await Bed.AlphaAsync();
        await Host.RewindNumbersAsync();
        var ours = await (await QemuDevice.StickAsync(Host, "DC-OURS")).PlugAsync("x1.6");
        var number = await ours.DeviceNumberAsync();
        var claim = await ClaimAndSeeAsync("serial:DC-OURS", guest, "46f4:0001:DC-OURS");
        var mark = await guest.MarkAsync();

        await Daemon.KillAsync();
        await ours.PullAsync();
        await Host.RewindNumbersAsync();
        var other = await (await QemuDevice.StickAsync(Host, "DC-OTHER")).PlugAsync("x1.7");
        Assume.That(await other.DeviceNumberAsync(), Is.EqualTo(number));
        await Daemon.StartAsync();

        // The guest may have lost it at the pull, and the claim waits before libvirt has told of the guest: neither says that the daemon has acted.
        await guest.NoLongerSeesAsync("46f4:0001:DC-OURS", mark);
        await guest.NoLongerHoldsAsync();
        await PhaseAsync(claim, Phase.WaitingForDevice);
        await Host.DriverIsAsync(other.PortPath, "usb-storage");
        await ours.PlugAsync("x1.6");
        await guest.SeesAsync("46f4:0001:DC-OURS", mark);
        await guest.NoLongerSeesAsync("46f4:0001:DC-OTHER", mark);
    }

    [Test]
    public async Task Database_DeletedWhileGuestHoldsStick_IsRecoveredAndDetachesNothing()
    {
        var guest = await Bed.AlphaAsync();
        await (await QemuDevice.StickAsync(Host, "DC-4")).PlugAsync("x0.7");
        await ClaimAndSeeAsync("serial:DC-4", guest, "46f4:0001:DC-4");
        var list = await guest.UsbListAsync();
        var alias = await OursAsync(guest);

        await Daemon.KillAsync();
        await Daemon.WipeAsync();
        await Daemon.StartAsync();

        var recovered = await AnyClaimAsync(id: "", Phase.Held, Reason.Recovered);
        Assert.That(await ClaimsAsync(), Has.Count.EqualTo(1));
        Assert.That(recovered.Origin, Is.EqualTo(Origin.RecoveredClaim));
        Assert.That(await OursAsync(guest), Is.EqualTo(alias));
        Assert.That(await guest.UsbListAsync(), Is.EqualTo(list));
    }

    [Test]
    public async Task Database_DeletedAndStickPulledWhileDaemonIsDown_LeavesNothingOfItAndItsNumberIsFree()
    {
        var guest = await Bed.AlphaAsync();
        await Host.RewindNumbersAsync();
        var ours = await (await QemuDevice.StickAsync(Host, "DC-LOST")).PlugAsync("x1.6");
        var number = await ours.DeviceNumberAsync();
        await ClaimAndSeeAsync("serial:DC-LOST", guest, "46f4:0001:DC-LOST");

        await Daemon.KillAsync();
        await Daemon.WipeAsync();
        await ours.PullAsync();
        await Daemon.StartAsync();

        await guest.NoLongerHoldsAsync(Alias);
        Assert.That(await guest.HostdevsAsync(), Is.Empty);
        await Host.RewindNumbersAsync();
        var other = await (await QemuDevice.StickAsync(Host, "DC-NEXT")).PlugAsync("x1.7");
        Assume.That(await other.DeviceNumberAsync(), Is.EqualTo(number));
        await ClaimAndSeeAsync("serial:DC-NEXT", guest, "46f4:0001:DC-NEXT");
        Assert.That(await guest.HostdevsAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Database_DeletedAndStickPulledWhileItsClaimIsHeld_LeavesNothingInGuest()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "DC-HELD")).PlugAsync("x0.7");
        await ClaimAndSeeAsync("serial:DC-HELD", guest, "46f4:0001:DC-HELD");
        await Daemon.KillAsync();
        await Daemon.WipeAsync();
        await Daemon.StartAsync();
        var recovered = await AnyClaimAsync(id: "", Phase.Held, Reason.Recovered);
        var mark = await guest.MarkAsync();

        await stick.PullAsync();

        await guest.NoLongerSeesAsync("46f4:0001:DC-HELD", mark);
        await guest.NoLongerHoldsAsync(Alias);
        await PhaseAsync(recovered, Phase.Held, Reason.Recovered);
    }

    [Test]
    public async Task Daemon_HasTheCapabilitiesOfItsUnitAndNoMore()
    {
        // Numbers of linux/capability.h.
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal) { ["CAP_DAC_OVERRIDE"] = 1, ["CAP_SYS_PTRACE"] = 19 };
        var unit = await File.ReadAllLinesAsync(Path.Combine(Repository.Root, "contrib", "systemd", "usbhostd.service"));
        var named = unit.Single(l => l.StartsWith("AmbientCapabilities=", StringComparison.Ordinal)).Split('=')[1].Split(' ');
        var mask = named.Aggregate(0UL, (sum, name) => sum | (1UL << numbers[name]));

        var status = await Host.DoAsync($"cat /proc/{await Daemon.PidAsync()}/status");

        foreach (var set in new[] { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" })
        {
            Assert.That(status, Does.Contain($"{set}:\t{mask:x16}"), set);
        }

        var user = await Host.DoAsync("id -u usbhostd");
        Assert.That(status, Does.Contain($"Uid:\t{user}\t{user}\t{user}\t{user}"));
        Assert.That(status, Does.Contain("NoNewPrivs:\t1"));
    }
}
