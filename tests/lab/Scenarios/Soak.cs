// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>Again and again: no comeback is missed, and nothing piles up.</summary>
public sealed class Soak : DaemonTest
{
    private const int Cycles = 50;
    private const int Warm = 10;

    [Test]
    public async Task Replug_FiftyTimes_ComesBackFiftyTimesAndLeaksNothing()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "SOAK")).PlugAsync("x0.14");
        var claim = await ClaimAndSeeAsync("serial:SOAK", guest, "46f4:0001:SOAK");
        var (early, late) = (new Health(), new Health());

        for (var cycle = 1; cycle <= Cycles; cycle++)
        {
            var mark = await guest.MarkAsync();
            await stick.PullAsync();
            await guest.NoLongerSeesAsync("46f4:0001:SOAK", mark);
            await stick.PlugAsync("x0.14");
            await guest.SeesAsync("46f4:0001:SOAK", mark);
            await PhaseAsync(claim, Phase.Attached, Reason.Unspecified);
            if (cycle is Warm or Cycles)
            {
                late = await CollectedAsync();
                early = cycle == Warm ? late : early;
            }
        }

        TestContext.Out.WriteLine($"heap {early.HeapBytes} to {late.HeapBytes} bytes, descriptors {early.OpenDescriptors} to {late.OpenDescriptors}");
        Assert.That(await guest.HostdevsAsync(), Has.Count.EqualTo(1));
        Assert.That(late.HeapBytes, Is.LessThanOrEqualTo(early.HeapBytes * 1.05), "forced-GC heap");
        Assert.That(late.OpenDescriptors, Is.EqualTo(early.OpenDescriptors), await Host.DoAsync($"ls -l /proc/{await Daemon.PidAsync()}/fd"));
    }

    /// <summary>How much is in use once garbage is collected.</summary>
    private static async Task<Health> CollectedAsync()
    {
        var mark = await Host.MarkAsync(Harness.Daemon.Log);
        await Host.DoAsync($"kill -USR2 {await Daemon.PidAsync()}");
        await Host.WaitLineAsync(Harness.Daemon.Log, "Garbage collected", mark, Within.Moments);
        return await Api.CallAsync<Health>("GetHealth", new GetHealthRequest());
    }
}
