// SPDX-License-Identifier: Apache-2.0
using System.ComponentModel;
using System.Diagnostics;

namespace UsbHostd.Bench;

/// <summary>Another program, run to its end.</summary>
internal static class Command
{
    public static (int ExitCode, string Text, TimeSpan Took) Run(string program, IEnumerable<string> arguments, Action<IDictionary<string, string?>>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        environment?.Invoke(start.Environment);
        var began = Stopwatch.GetTimestamp();
        try
        {
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync();
            var text = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, text + error.Result, Stopwatch.GetElapsedTime(began));
        }
        catch (Win32Exception e)
        {
            return (127, e.Message, TimeSpan.Zero);
        }
    }
}
