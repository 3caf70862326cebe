// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;

namespace UsbHostd.Daemon.Guests;

/// <summary>
/// When the QEMU of a running guest started. libvirt 9.0 tells this nowhere: neither the XML, nor <c>virsh domstats</c>, nor its events have a start
/// time or a process id, and processor times only grow. libvirt leaves each QEMU's process id in a file that all may read; the kernel tells
/// when that process started. The time of that file would do as well, but it follows the host's clock.
/// </summary>
/// <param name="folder">Where libvirt keeps <c>NAME.pid</c>; null where that is not known.</param>
/// <param name="proc">Usually <c>/proc</c>.</param>
internal sealed class QemuStartTimes(string? folder, string proc)
{
    /// <summary>As libvirt's QEMU driver has it for the whole host; other connections keep it elsewhere, or on another host.</summary>
    private const string SystemFolder = "/run/libvirt/qemu";

    /// <summary>A line of proc_pid_stat(5) has 52 numbers and a name of at most 64 bytes.</summary>
    private const int MostBytes = 4096;

    /// <summary>The place of starttime (22) behind the name (2).</summary>
    private const int StartTime = 22 - 3;

    public static QemuStartTimes For(string uri, string proc) =>
        new(uri is "qemu:///system" || uri.StartsWith("qemu:///system?", StringComparison.Ordinal) ? SystemFolder : null, proc);

    /// <summary>In clock ticks since the host's boot; null where it can't be read.</summary>
    public ulong? Of(string guest)
    {
        if (folder is null || guest.Contains('/') || Read(Path.Combine(folder, guest + ".pid")) is not { } file
            || !int.TryParse(file.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            || Read(Path.Combine(proc, pid.ToString(CultureInfo.InvariantCulture), "stat")) is not { } stat)
        {
            return null;
        }

        // The name is in parentheses and may have some itself.
        var numbers = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return numbers.Length > StartTime && ulong.TryParse(numbers[StartTime], NumberStyles.None, CultureInfo.InvariantCulture, out var started) ? started : null;
    }

    private static string? Read(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            var bytes = new byte[MostBytes];
            return Encoding.UTF8.GetString(bytes, 0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
