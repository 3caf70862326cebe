// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;

namespace UsbHostd.Policy.Identity;

/// <summary>
/// The kernel's name of a position, for example <c>1-4.2</c>: bus, then the chain of ports. A root hub is <c>usb1</c> in sysfs
/// and has an empty chain here (Documentation/driver-api/usb/usb.rst).
/// </summary>
public readonly record struct UsbPortPath(int Bus, string Chain) : IComparable<UsbPortPath>
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

    /// <summary>By bus, then by ports as people count: 1-4.2 before 1-4.10, and a hub before what is behind it.</summary>
    public int CompareTo(UsbPortPath other)
    {
        if (Bus != other.Bus)
        {
            return Bus.CompareTo(other.Bus);
        }

        var (a, b) = (Chain.Split('.'), other.Chain.Split('.'));
        for (var i = 0; i < Math.Min(a.Length, b.Length); i++)
        {
            var order = a[i].Length != b[i].Length ? a[i].Length.CompareTo(b[i].Length) : string.CompareOrdinal(a[i], b[i]);
            if (order != 0)
            {
                return order;
            }
        }

        return a.Length.CompareTo(b.Length);
    }

    public static bool operator <(UsbPortPath left, UsbPortPath right) => left.CompareTo(right) < 0;

    public static bool operator >(UsbPortPath left, UsbPortPath right) => left.CompareTo(right) > 0;

    public static bool operator <=(UsbPortPath left, UsbPortPath right) => left.CompareTo(right) <= 0;

    public static bool operator >=(UsbPortPath left, UsbPortPath right) => left.CompareTo(right) >= 0;

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
