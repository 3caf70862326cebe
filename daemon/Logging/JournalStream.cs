// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Runtime.InteropServices;

namespace UsbHostd.Daemon.Logging;

/// <summary>
/// Tells whether the journal reads what this process writes. systemd puts the device and the inode of the stream into
/// <c>JOURNAL_STREAM</c>, for example <c>9:1234567</c> (systemd.exec(5)). A child may inherit the variable and write elsewhere.
/// </summary>
internal static unsafe partial class JournalStream
{
    public const string Variable = "JOURNAL_STREAM";

    // <fcntl.h>, <linux/stat.h>
    private const int EmptyPath = 0x1000;
    private const uint BasicStats = 0x7ff;

    /// <summary>Whether the file behind a descriptor is the one that the variable names.</summary>
    /// <param name="stream">The variable's value; null where it is not set.</param>
    public static bool IsJournal(int descriptor, string? stream)
    {
        if (stream?.Split(':') is not [var device, var inode]
            || !ulong.TryParse(device, NumberStyles.None, CultureInfo.InvariantCulture, out var wantedDevice)
            || !ulong.TryParse(inode, NumberStyles.None, CultureInfo.InvariantCulture, out var wantedInode))
        {
            return false;
        }

        Statx found;
        return Read(descriptor, "", EmptyPath, BasicStats, &found) == 0 && found.Inode == wantedInode && DeviceOf(found) == wantedDevice;
    }

    /// <summary>The number that stat(2) gives, as makedev(3) makes it.</summary>
    private static ulong DeviceOf(Statx found)
    {
        ulong major = found.DeviceMajor, minor = found.DeviceMinor;
        return ((major & 0xfffff000) << 32) | ((major & 0xfff) << 8) | ((minor & 0xffffff00) << 12) | (minor & 0xff);
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Read(int folder, string path, int flags, uint mask, Statx* found);

    // struct statx of statx(2): the same on every architecture, unlike struct stat.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }
}
