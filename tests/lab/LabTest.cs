// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework.Interfaces;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab;

/// <summary>What every lab test has: evidence when it fails, and empty ports and guests when it ends.</summary>
public abstract class LabTest
{
    private static readonly Lock s_notes = new();

    private HostVm? _furnished;

    protected static HostVm Host => Bed.Host;

    /// <summary>An L1 that runs, furnished as this kind of test needs it: a new one where the last was lost.</summary>
    [SetUp]
    public async Task HostRuns()
    {
        await Bed.ReadyAsync();
        if (!ReferenceEquals(_furnished, Host))
        {
            await FurnishAsync();
            _furnished = Host;
        }
    }

    [OneTimeTearDown]
    public async Task HostIsAsBefore()
    {
        if (_furnished is { IsLost: false })
        {
            await UnfurnishAsync();
        }
    }

    /// <summary>What all tests of a fixture need of their L1, done before the first one, and again where L1 is another one.</summary>
    protected virtual Task FurnishAsync() => Task.CompletedTask;

    /// <summary>Undoes it, once the last one is over.</summary>
    protected virtual Task UnfurnishAsync() => Task.CompletedTask;

    [TearDown]
    public async Task LeaveNothingBehind()
    {
        try
        {
            if (!Bed.IsLost)
            {
                await CleanAsync();
            }
        }
        catch (LabException) when (Bed.IsLost)
        {
            // And with it all that was plugged in.
        }
        catch
        {
            Note();
            throw;
        }

        if (TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Failed)
        {
            Note();
        }
    }

    private async Task CleanAsync()
    {
        if (TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Failed)
        {
            await KeepEvidenceAsync();
        }

        await CleanUpAsync();
        foreach (var plugged in Host.Plugged.AsEnumerable().Reverse().ToArray())
        {
            await plugged.RemoveAsync();
        }

        Host.Plugged.Clear();
    }

    /// <summary>For ./dev, which runs what failed again on a new bed: L1 fails by itself at times, and one that died has judged nothing.</summary>
    private static void Note()
    {
        var test = TestContext.CurrentContext.Test;
        var folder = Path.Combine(Repository.Root, "TestResults", "lab");
        Directory.CreateDirectory(folder);
        lock (s_notes)
        {
            File.AppendAllText(Path.Combine(folder, "failed.txt"), $"{test.ClassName}.{test.Name.Split('(')[0]}\n");
        }
    }

    /// <summary>What a kind of test must undo while its devices are still plugged in.</summary>
    protected virtual Task CleanUpAsync() => Task.CompletedTask;

    private static async Task KeepEvidenceAsync()
    {
        var test = TestContext.CurrentContext.Test;
        var folder = Path.Combine(Repository.Root, "TestResults", "lab", $"{test.ClassName}.{test.MethodName}");
        Directory.CreateDirectory(folder);
        var evidence = await Host.RunAsync("""
            cd /run/lab; for log in *.log; do echo "=== $log"; tail -n 200 "$log"; done
            echo "=== lsusb"; lsusb -t; echo "=== guests"; virsh -q list --all
            for guest in $(virsh -q list --name); do virsh -q dumpxml "$guest" | sed -n '/<hostdev/,/<\/hostdev/p'; done
            echo "=== kernel"; dmesg | tail -n 60
            """);
        var file = Path.Combine(folder, "l1.txt");
        await File.WriteAllTextAsync(file, evidence.Text);
        TestContext.AddTestAttachment(file, "what L1 had to say");
        TestContext.Out.WriteLine($"evidence: {file}");
    }
}
