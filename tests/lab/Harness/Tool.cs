// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace UsbHostd.Lab.Harness;

/// <summary>Programs of the outer machine, run at low priority.</summary>
internal static class Tool
{
    public static async Task RunAsync(params string[] command)
    {
        var start = new ProcessStartInfo("nice", command)
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        // What the surrounding `dotnet test` has set for its own build would misdirect a build within it.
        foreach (var key in start.Environment.Keys.Where(k => k.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(key);
        }

        using var process = Process.Start(start) ?? throw new LabException($"cannot run {command[0]}");
        var texts = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync()).ConfigureAwait(false);
        await process.WaitForExitAsync().ConfigureAwait(false);
        if (process.ExitCode != 0)
        {
            throw new LabException($"{string.Join(' ', command)}: exit status {process.ExitCode}\n{string.Concat(texts)}");
        }
    }
}
