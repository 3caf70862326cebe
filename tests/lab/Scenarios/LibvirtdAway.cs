// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>libvirtd dies, restarts, or comes late; guests and claims outlive it.</summary>
public sealed class LibvirtdAway : DaemonTest
{
    [Test]
    public async Task Libvirtd_KilledWithPlugAndPullMeanwhile_CatchesUp()
    {
        var guest = await Bed.AlphaAsync();
        var leaver = await (await QemuDevice.StickAsync(Host, "LV-LEAVES")).PlugAsync("x0.5");
        var comer = await QemuDevice.StickAsync(Host, "LV-COMES");
        var leaving = await ClaimAndSeeAsync("serial:LV-LEAVES", guest, "46f4:0001:LV-LEAVES");
        var coming = await ClaimAsync("serial:46f4:0001:LV-COMES", guest);
        var mark = await guest.MarkAsync();

        await Bed.Libvirtd.KillAsync();
        await leaver.PullAsync();
        await comer.PlugAsync("x0.6");
        await PhaseAsync(coming, Phase.WaitingForGuest, Reason.LibvirtUnavailable);
        await Bed.Libvirtd.StartAsync();

        await guest.SeesAsync("46f4:0001:LV-COMES", mark);
        await guest.NoLongerSeesAsync("46f4:0001:LV-LEAVES", mark);
        await PhaseAsync(coming, Phase.Attached);
        await PhaseAsync(leaving, Phase.WaitingForDevice);
        Assert.That(await guest.HostdevsAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Libvirtd_Restarted_ChangesNothingInGuest()
    {
        var guest = await Bed.AlphaAsync();
        await (await QemuDevice.StickAsync(Host, "LV-STAYS")).PlugAsync("x0.7");
        var claim = await ClaimAndSeeAsync("serial:LV-STAYS", guest, "46f4:0001:LV-STAYS");
        var list = await guest.UsbListAsync();
        var alias = await OursAsync(guest);

        await Bed.Libvirtd.StopAsync();
        await Bed.Libvirtd.StartAsync();

        await PhaseAsync(claim, Phase.Attached, Reason.Unspecified);
        Assert.That(await OursAsync(guest), Is.EqualTo(alias));
        Assert.That(await guest.UsbListAsync(), Is.EqualTo(list), "the list carries the guest's clock: an equal line means that nothing happened");
    }

    [Test]
    public async Task Daemon_StartedBeforeLibvirtd_AttachesWhenItComes()
    {
        var guest = await Bed.AlphaAsync();
        await (await QemuDevice.StickAsync(Host, "LV-EARLY")).PlugAsync("x0.8");
        var claim = await ClaimAsync("serial:46f4:0001:LV-ABSENT", guest);
        await Daemon.TerminateAsync();
        await Bed.Libvirtd.StopAsync();

        await Daemon.StartAsync();
        var health = await Api.CallAsync<Health>("GetHealth", new GetHealthRequest());
        var early = await ClaimAsync("serial:LV-EARLY", guest);
        await PhaseAsync(early, Phase.WaitingForGuest, Reason.LibvirtUnavailable);
        var mark = await guest.MarkAsync();
        await Bed.Libvirtd.StartAsync();

        await guest.SeesAsync("46f4:0001:LV-EARLY", mark);
        await PhaseAsync(claim, Phase.WaitingForDevice);
        Assert.Multiple(() =>
        {
            Assert.That(health.LibvirtConnected, Is.False);
            Assert.That(health.LibvirtError, Is.Not.Empty);
        });
    }

    [Test]
    public async Task Libvirtd_StoppedBySignal_IsSaidEverywhereAndGoesOnAfterwards()
    {
        const int Unavailable = 9;
        const int TimedOut = 10;
        var guest = await Bed.AlphaAsync();
        await (await QemuDevice.StickAsync(Host, "LV-HANGS")).PlugAsync("x0.5");
        await DeviceAsync("serial:LV-HANGS");
        await HasSeenAsync(guest.Name);
        var mark = await guest.MarkAsync();

        await Bed.Libvirtd.PauseAsync();
        try
        {
            var attach = await Host.RunAsync($"{Harness.Daemon.Client} attach serial:LV-HANGS {guest.Name} --wait --timeout 5");
            var claim = await AnyClaimAsync("", Phase.Attaching, Reason.LibvirtUnavailable);
            var health = await Host.RunAsync($"{Harness.Daemon.Client} health");
            var version = await Host.RunAsync($"timeout 25 {Harness.Daemon.Client} version");
            Assert.Multiple(() =>
            {
                Assert.That((attach.ExitCode, version.ExitCode, health.ExitCode), Is.EqualTo((TimedOut, 0, Unavailable)), attach.Text + version.Text + health.Text);
                Assert.That(version.Text, Does.Contain("Hypervisor:"));
                Assert.That(health.Text, Does.Contain("not answering since "));
                Assert.That(claim.Message, Does.Contain("not answering since "));
            });
        }
        finally
        {
            await Bed.Libvirtd.ResumeAsync();
        }

        await guest.SeesAsync("46f4:0001:LV-HANGS", mark);
        await AnyClaimAsync("", Phase.Attached, Reason.Unspecified);
        Assert.That((await Api.CallAsync<Health>("GetHealth", new GetHealthRequest())).LibvirtConnected, Is.True);
    }
}
