// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace UsbHostd.Daemon.Linux;

/// <summary>Type and number of a device node.</summary>
/// <param name="Type"><c>b</c> for block devices, <c>c</c> for character devices.</param>
internal readonly record struct DeviceNumber(char Type, uint Major, uint Minor)
{
    /// <param name="type"><c>b</c> or <c>c</c>.</param>
    /// <param name="text">sysfs <c>dev</c>, as <c>8:16</c>.</param>
    public static DeviceNumber? Parse(char type, string text) =>
        text.Trim().Split(':') is [var major, var minor]
        && uint.TryParse(major, NumberStyles.None, CultureInfo.InvariantCulture, out var a) && uint.TryParse(minor, NumberStyles.None, CultureInfo.InvariantCulture, out var b)
            ? new DeviceNumber(type, a, b)
            : null;
}
