// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace UsbHostd.Daemon.Usb;

/// <summary>Pure readers of the kernel's main routing tables. A line that makes no sense is passed over.</summary>
internal static class RouteTable
{
    // RTF_UP and RTF_REJECT of <linux/route.h>.
    private const uint Up = 0x0001;
    private const uint Reject = 0x0200;

    /// <summary>Interfaces that a default route of /proc/net/route leaves through.</summary>
    public static IEnumerable<string> ParseIpv4(string text)
    {
        foreach (var line in text.Split('\n').Skip(1))
        {
            // Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
            var fields = line.Split('\t', StringSplitOptions.TrimEntries);
            if (fields.Length >= 8 && fields[1] is "00000000" && fields[7] is "00000000" && IsUsed(fields[3]))
            {
                yield return fields[0];
            }
        }
    }

    /// <summary>
    /// Interfaces that a default route of /proc/net/ipv6_route leaves through; the kernel's own reject entry on <c>lo</c> is none.
    /// </summary>
    public static IEnumerable<string> ParseIpv6(string text)
    {
        foreach (var line in text.Split('\n'))
        {
            // destination length source length next-hop metric references use flags interface
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length >= 10 && fields[1] is "00" && !fields[0].AsSpan().ContainsAnyExcept('0') && IsUsed(fields[8])
                && fields[9] is not "lo")
            {
                yield return fields[9];
            }
        }
    }

    private static bool IsUsed(string flags) =>
        uint.TryParse(flags, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var bits) && (bits & (Up | Reject)) == Up;
}
