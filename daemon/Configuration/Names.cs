// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;

namespace UsbHostd.Daemon.Configuration;

/// <summary>What somebody may have meant by a name that there isn't.</summary>
internal static class Names
{
    /// <summary>"expected X" with the nearest known name, or with all of them where none is near.</summary>
    public static string Expected(string found, IEnumerable<string> known, string format)
    {
        var shape = CompositeFormat.Parse(format);
        var ordered = known.Select(name => (Name: name, Distance: Distance(found, name))).OrderBy(n => n.Distance).ToList();
        var near = ordered[0].Distance <= Math.Max(2, ordered[0].Name.Length / 3) ? ordered.Take(1) : ordered.OrderBy(n => n.Name, StringComparer.Ordinal);
        var names = near.Select(n => string.Format(CultureInfo.InvariantCulture, shape, n.Name)).ToList();
        return names.Count == 1 ? $"expected {names[0]} perhaps" : $"expected one of {string.Join(", ", names)}";
    }

    /// <summary>Letters to put in, take out or change (Levenshtein), case aside.</summary>
    public static int Distance(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var change = diagonal + (char.ToLowerInvariant(left[i - 1]) == char.ToLowerInvariant(right[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
