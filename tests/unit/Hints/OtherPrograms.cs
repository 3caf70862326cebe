// SPDX-License-Identifier: Apache-2.0
using System.ComponentModel;
using System.Diagnostics;
using NUnit.Framework;

namespace UsbHostd.Tests.Hints;

/// <summary>Commands of hints that are not ours: the program knows their verb and options. They are not run, as they would change this host.</summary>
internal static class OtherPrograms
{
    public static void Check(string[] words)
    {
        words = words[0] == "sudo" ? words[1..] : words;
        var help = words[0] == "virsh" ? Output("virsh", "help", words[1]) : Output(words[0], "--help");
        foreach (var word in words.Skip(1).Where(w => w.StartsWith('-')))
        {
            foreach (var option in word.StartsWith("--", StringComparison.Ordinal) ? [word] : word.Skip(1).Select(letter => $"-{letter}"))
            {
                Assert.That(help, Does.Match($@"(?m)(^|[\s,\[]){option}\b"), $"{words[0]} has no such option");
            }
        }

        if (words[0] == "systemctl")
        {
            Assert.That(help, Does.Match($@"(?m)^\s+{words[1]}\s"), "systemctl has no such verb");
        }
    }

    /// <summary>What virsh needs of a command, without a libvirt: it counts and names the arguments before it connects.</summary>
    public static string Output(string program, params string[] args)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, args)
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment = { ["PATH"] = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin", ["LC_ALL"] = "C", ["SYSTEMD_PAGER"] = "" },
            })!;
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.That(process.ExitCode, Is.Zero, error.Result);
            return output;
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException($"{program} can't be run, and hints name it: ./dev test installs it", e);
        }
    }
}
