// SPDX-License-Identifier: Apache-2.0
using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using NUnit.Framework;

namespace UsbHostd.Tests.Rules;

/// <summary>Debian's usbguard-rule-parser, asked what it thinks of a rule. Without it these tests fail: they would show nothing.</summary>
internal static class UsbguardRuleParser
{
    private const string IsMissing = "usbguard-rule-parser does not run: ./dev test installs it; by hand: apt-get install --no-install-recommends usbguard";

    private const string JudgeEach = "for rule; do usbguard-rule-parser -- \"$rule\" >/dev/null 2>&1; echo $?; done";

    /// <summary>Whether it takes each rule, given as its argument: a process a rule, all from one shell.</summary>
    public static IReadOnlyList<bool> Judge(IReadOnlyList<string> rules)
    {
        var (_, output) = Run("sh", ["-c", "usbguard-rule-parser --help >/dev/null && " + JudgeEach, "sh", .. rules]);
        var taken = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(code => code == "0").ToList();
        return taken.Count == rules.Count ? taken : throw new AssertionException(IsMissing);
    }

    /// <summary>Whether it takes a file, and the lines that it prints the rules as.</summary>
    public static (bool Taken, IReadOnlyList<string> Printed) Read(ReadOnlySpan<byte> file)
    {
        var path = Path.Combine(Path.GetTempPath(), $"usbhostd-rules-{Guid.NewGuid():n}.conf");
        File.WriteAllBytes(path, file);
        var (exitCode, output) = Run("usbguard-rule-parser", ["-f", path]);
        File.Delete(path);
        const string Printed = "OUTPUT: ";
        return (exitCode == 0, [.. output.Split('\n').Where(line => line.StartsWith(Printed, StringComparison.Ordinal)).Select(line => line[Printed.Length..])]);
    }

    private static (int ExitCode, string Output) Run(string program, string[] arguments)
    {
        // Standard error goes where the tests' goes: nobody has to empty a second pipe.
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, StandardOutputEncoding = Encoding.Latin1 };

        // Its times of day depend on the zone.
        start.Environment["TZ"] = "UTC";
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output);
        }
        catch (Win32Exception e)
        {
            throw new AssertionException(IsMissing, e);
        }
    }
}
