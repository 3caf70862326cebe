// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace UsbHostd.Bench;

/// <summary>One line of the table.</summary>
/// <param name="Ratio">Ours to the peer's, or whatever the aim is about; null where there is none.</param>
/// <param name="Met">Null where nothing is aimed at, or nothing could be measured.</param>
internal sealed record Figure(string What, string Ours, string Peer, double? Ratio, string Aim, bool? Met)
{
    /// <summary>What could not be measured here, and why.</summary>
    public static Figure Skipped(string what, string aim, string why) => new(what, "-", why, null, aim, null);

    /// <summary>Anonymous and resident sizes, times: what stands behind the line.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    public IReadOnlyList<string> Cells =>
    [
        What, Ours, Peer, Ratio?.ToString("0.00", CultureInfo.InvariantCulture) ?? "-", Aim, Met switch { true => "met", false => "MISSED", null => "-" },
    ];
}

internal static class Figures
{
    public static string Time(TimeSpan time) => time.TotalMilliseconds switch
    {
        >= 10 and var ms => ms.ToString("0", CultureInfo.InvariantCulture) + " ms",
        >= 1 and var ms => ms.ToString("0.0", CultureInfo.InvariantCulture) + " ms",
        var ms => (ms * 1000).ToString("0.0", CultureInfo.InvariantCulture) + " us",
    };

    public static string Size(long kibibytes) => (kibibytes / 1024.0).ToString("0.0", CultureInfo.InvariantCulture) + " MiB";

    public static TimeSpan Median(IEnumerable<TimeSpan> times) => TimeSpan.FromTicks(Median(times.Select(t => t.Ticks)));

    public static long Median(IEnumerable<long> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }

    public static void Write(TextWriter to, IReadOnlyList<Figure> figures)
    {
        string[] heads = ["what", "ours", "peer", "ratio", "aim", ""];
        var rows = figures.Select(f => f.Cells).Prepend(heads).ToList();
        var widths = Enumerable.Range(0, heads.Length).Select(i => rows.Max(r => r[i].Length)).ToList();
        foreach (var row in rows)
        {
            to.WriteLine(string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd());
        }

        foreach (var figure in figures.Where(f => f.Notes.Count > 0))
        {
            to.WriteLine();
            to.WriteLine($"{figure.What}:");
            foreach (var note in figure.Notes)
            {
                to.WriteLine("  " + note);
            }
        }
    }
}
