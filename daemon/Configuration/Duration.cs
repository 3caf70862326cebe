// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace UsbHostd.Daemon.Configuration;

/// <summary>A whole number and its unit, <c>ms</c>, <c>s</c> or <c>min</c>: <c>200ms</c>, <c>10 s</c>. The unit is never left out.</summary>
internal static class Duration
{
    private static readonly (string Unit, double Milliseconds)[] Units = [("ms", 1), ("min", 60_000), ("s", 1000)];

    public static bool TryParse(string text, out TimeSpan time)
    {
        time = default;
        foreach (var (unit, milliseconds) in Units)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal))
            {
                var ok = int.TryParse(text.AsSpan(0, text.Length - unit.Length).TrimEnd(), NumberStyles.None, CultureInfo.InvariantCulture, out var number);
                time = TimeSpan.FromMilliseconds(number * milliseconds);
                return ok;
            }
        }

        return false;
    }

    public static string Show(TimeSpan time)
    {
        var milliseconds = (long)time.TotalMilliseconds;
        return milliseconds % 1000 != 0 ? $"{milliseconds}ms"
            : milliseconds % 60_000 != 0 || milliseconds == 0 ? $"{milliseconds / 1000}s"
            : $"{milliseconds / 60_000}min";
    }
}
