// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace UsbHostd.Tests.Dbus;

/// <summary>Programs of others, run as a user would.</summary>
internal static class Tool
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static Process Start(string program, params string[] arguments) => Start([], program, arguments);

    public static Process Start(IEnumerable<(string Name, string Value)> environment, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            Environment = { ["LC_ALL"] = "C.UTF-8" },
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    /// <summary>To its end.</summary>
    public static async Task<(int Exit, string Output, string Error)> RunAsync(string program, params string[] arguments)
    {
        using var process = Start(program, arguments);
        return await process.EndAsync();
    }

    /// <summary>What it exits with and has written, without any input.</summary>
    public static async Task<(int Exit, string Output, string Error)> EndAsync(this Process process)
    {
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Patience);
        return (process.ExitCode, await output, await error);
    }

    /// <summary>Lines of its output until one has all these texts.</summary>
    public static async Task<string> ReadUntilAsync(this Process process, params string[] texts)
    {
        var lines = new List<string>();
        while (await process.StandardOutput.ReadLineAsync().WaitAsync(Patience) is { } line)
        {
            lines.Add(line);
            if (texts.All(t => lines.Exists(l => l.Contains(t, StringComparison.Ordinal))))
            {
                return string.Join('\n', lines);
            }
        }

        throw new InvalidOperationException($"it ended before it said {string.Join(" and ", texts)}: {string.Join('\n', lines)}");
    }
}
