using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>Again and again: no comeback is missed, and nothing piles up.</summary>
public sealed class Soak : DaemonTest
{
    private const int Cycles = 50;

    [Test]
    public async Task Replug_FiftyTimes_ComesBackFiftyTimesAndLeaksNothing()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "SOAK")).PlugAsync("x0.14");
        var claim = await ClaimAndSeeAsync("serial:SOAK", guest, "46f4:0001:SOAK");
        var descriptors = 0;

        for (var cycle = 1; cycle <= Cycles; cycle++)
        {
            var mark = await guest.MarkAsync();
            await stick.PullAsync();
            await guest.NoLongerSeesAsync("46f4:0001:SOAK", mark);
            await stick.PlugAsync("x0.14");
            await guest.SeesAsync("46f4:0001:SOAK", mark);
            await PhaseAsync(claim, Phase.Attached);
            if (cycle == 10)
            {
                descriptors = await DescriptorsAsync();
            }
        }

        Assert.That(await DescriptorsAsync(), Is.EqualTo(descriptors), await Host.DoAsync($"ls -l /proc/{await Daemon.PidAsync()}/fd"));
        Assert.That(await guest.HostdevsAsync(), Has.Count.EqualTo(1));
    }

    private static async Task<int> DescriptorsAsync() =>
        int.Parse(await Host.DoAsync($"ls /proc/{await Daemon.PidAsync()}/fd | wc -l"), provider: null);
}
