// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Text;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Bench;

/// <summary>Parsing a long file of rules, beside usbguard-rule-parser on the same file.</summary>
internal static class RulesFigure
{
    private const string What = "parsing 10,000 rules";
    private const string Aim = "<= usbguard-rule-parser";
    private const int Rules = 10_000;
    private const int Rounds = 12;

    public static IEnumerable<Figure> Measure()
    {
        var file = Path.Combine(Path.GetTempPath(), $"usbhostd-bench-{Guid.NewGuid():n}.conf");
        var text = Generate();
        File.WriteAllText(file, text);
        try
        {
            var (checks, usbguard, whyNot) = Processes(file);
            yield return Beside($"{What}, in the process", InProcess(text), usbguard, whyNot, $"{text.Length / 1024} KiB; ours is the parser alone, the peer a process");
            yield return Beside($"{What}, usbhostctl policy-check", checks, usbguard, whyNot, "a process each, by turns, what they print to /dev/null");
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static Figure Beside(string what, List<TimeSpan> times, TimeSpan? peer, string whyNot, string note)
    {
        // The first ones are run before the compiler has done its best.
        var ours = Figures.Median(times.Skip(2));
        return new Figure(
            what,
            Figures.Time(ours),
            peer is { } them ? $"{Figures.Time(them)} usbguard-rule-parser" : whyNot,
            peer is null ? null : ours / peer,
            Aim,
            peer is null ? null : ours <= peer)
        {
            Notes = [note, $"the first one: {Figures.Time(times[0])}"],
        };
    }

    private static List<TimeSpan> InProcess(string text)
    {
        List<TimeSpan> times = [];
        for (var i = 0; i < Rounds; i++)
        {
            var start = Stopwatch.GetTimestamp();
            var taken = RuleParser.TryParse("bench", text, out var file, out var error);
            times.Add(Stopwatch.GetElapsedTime(start));
            if (!taken || file!.Rules.Length != Rules)
            {
                throw new InvalidOperationException(error?.Message ?? "rules were lost");
            }
        }

        return times;
    }

    private static (List<TimeSpan> Ours, TimeSpan? Peer, string WhyNot) Processes(string file)
    {
        List<TimeSpan> ours = [], peer = [];
        var whyNot = "";
        for (var i = 0; i < Rounds; i++)
        {
            var check = Timed(Checkout.Cli, "policy-check", file);
            ours.Add(check.ExitCode == 0 ? check.Took : throw new IOException(check.Text));
            var parse = whyNot.Length == 0 ? Timed("usbguard-rule-parser", "-f", file) : default;
            peer.Add(parse.Took);
            whyNot = parse.ExitCode == 0 ? whyNot : "usbguard-rule-parser: " + parse.Text.Trim();
        }

        return (ours, whyNot.Length == 0 ? Figures.Median(peer.Skip(2)) : null, whyNot);
    }

    private static (int ExitCode, string Text, TimeSpan Took) Timed(string program, params string[] arguments) =>
        Command.Run("sh", ["-c", "exec \"$0\" \"$@\" >/dev/null", program, .. arguments]);

    /// <summary>As generate-policy writes them, and as people do: one in ten with sets and conditions.</summary>
    private static string Generate()
    {
        var random = new Random(1);
        var text = new StringBuilder();
        Span<byte> hash = stackalloc byte[32];
        for (var i = 0; i < Rules; i++)
        {
            random.NextBytes(hash);
            var id = string.Create(CultureInfo.InvariantCulture, $"{random.Next(65536):x4}:{random.Next(65536):x4}");
            text.Append(i % 10 == 0
                ? $"block id {{ {id} 0951:* }} with-interface one-of {{ 08:*:* 03:01:01 }} if !allowed-matches(via-port \"1-{i % 9}\")\n"
                : $"allow id {id} serial \"S{i:d8}\" name \"Device {i % 40}\" hash \"{Convert.ToBase64String(hash)}\" parent-hash \"{Convert.ToBase64String(hash)}\" via-port \"1-{i % 14}\" with-interface {{ 08:06:50 03:01:01 }} with-connect-type \"hotplug\"\n");
        }

        return text.ToString();
    }
}
