// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// What udev stored of a device once its rules had run: one file each under /run/udev/data, <c>I:</c> the time stamp, <c>E:</c> a
/// property (sd-device's device_update_db). Read as files so that devices found at start and later go the same way.
/// </summary>
internal sealed class UdevDatabase(UsbHostOptions options, ISysfsFiles files)
{
    private const int MostBytes = 64 * 1024;

    /// <summary>Whether udevd is at work; without it no device would ever be initialised.</summary>
    public bool IsRunning => Directory.Exists($"{options.Run}/udev/data") || File.Exists($"{options.Run}/udev/control");

    /// <summary>Properties, with <c>USEC_INITIALIZED</c> among them; empty where udev has nothing (yet).</summary>
    /// <param name="kind"><c>c</c> for character devices, <c>b</c> for block devices.</param>
    /// <param name="number">major:minor.</param>
    public Dictionary<string, string> Read(char kind, string number)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        if (number.Length == 0 || files.Read($"{options.Run}/udev/data/{kind}{number}", MostBytes, out var content) != 0)
        {
            return result;
        }

        foreach (var line in Encoding.UTF8.GetString(content).Split('\n'))
        {
            if (line.StartsWith("I:", StringComparison.Ordinal))
            {
                result["USEC_INITIALIZED"] = line[2..];
            }
            else if (line.StartsWith("E:", StringComparison.Ordinal) && line.IndexOf('=', StringComparison.Ordinal) is > 2 and var at)
            {
                result[line[2..at]] = line[(at + 1)..];
            }
        }

        return result;
    }
}
