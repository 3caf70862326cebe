using System.Diagnostics.CodeAnalysis;

namespace UsbHostd.Policy.Identity;

/// <summary>
/// The kernel's name of a position, for example <c>1-4.2</c>: bus, then the chain of ports. A root hub is <c>usb1</c> in sysfs
/// and has an empty chain here (Documentation/driver-api/usb/usb.rst).
/// </summary>
public readonly record struct UsbPortPath(int Bus, string Chain)
{
    public bool IsRootHub => Chain.Length == 0;

    /// <summary>Reads <c>1-4.2</c> or <c>usb1</c>; depth is at most 7 tiers, each port 1 to 255.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out UsbPortPath path)
    {
        path = default;
        if (string.IsNullOrEmpty(text))
        {
            return false;
        }

        if (text.StartsWith("usb", StringComparison.Ordinal))
        {
            if (!TryNumber(text.AsSpan(3), 999, out var rootBus))
            {
                return false;
            }

            path = new UsbPortPath(rootBus, "");
            return true;
        }

        var dash = text.IndexOf('-', StringComparison.Ordinal);
        if (dash <= 0 || !TryNumber(text.AsSpan(0, dash), 999, out var bus))
        {
            return false;
        }

        var tiers = 0;
        foreach (var tier in text.AsSpan(dash + 1).Split('.'))
        {
            if (++tiers > 7 || !TryNumber(text.AsSpan(dash + 1)[tier], 255, out _))
            {
                return false;
            }
        }

        path = new UsbPortPath(bus, text[(dash + 1)..]);
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<char> text, int most, out int value)
    {
        value = 0;
        if (text.IsEmpty || text.Length > 3 || text[0] == '0')
        {
            return false;
        }

        foreach (var c in text)
        {
            if (!char.IsAsciiDigit(c))
            {
                return false;
            }

            value = (value * 10) + (c - '0');
        }

        return value <= most;
    }

    public override string ToString() => IsRootHub ? $"usb{Bus}" : $"{Bus}-{Chain}";
}
