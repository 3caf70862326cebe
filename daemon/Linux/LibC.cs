// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace UsbHostd.Daemon.Linux;

/// <summary>The system calls that .NET has no plain door to. Each sets errno, read with Marshal.GetLastPInvokeError.</summary>
internal static unsafe partial class LibC
{
    public const int Eperm = 1;
    public const int Enoent = 2;
    public const int Esrch = 3;
    public const int Eintr = 4;
    public const int Eio = 5;
    public const int Eagain = 11;
    public const int Eacces = 13;
    public const int Ebusy = 16;
    public const int Enodev = 19;
    public const int Enobufs = 105;

    public const int ReadOnly = 0;
    public const int WriteOnly = 1;
    public const int ReadWrite = 2;
    public const int Exclusive = 0x80;
    public const int CloseOnExec = 0x80000;
    public const int NonBlocking = 0x800;

    public const short PollIn = 0x001;
    public const short PollPri = 0x002;
    public const short PollErr = 0x008;

    public const int AfNetlink = 16;
    public const int SockRaw = 3;
    public const int NetlinkRoute = 0;
    public const int MsgDontWait = 0x40;

    public const int AtCurrentFolder = -100;

    /// <summary>AT_STATX_DONT_SYNC: what the kernel knows, without asking a server that may hang.</summary>
    public const int StatxDontSync = 0x4000;

    private const ushort FileTypeMask = 0xf000;
    private const ushort CharacterDevice = 0x2000;
    private const ushort BlockDevice = 0x6000;

    /// <summary>struct statx of statx(2), as far as it is looked at.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(0x1c)]
        public ushort Mode;

        [FieldOffset(0x80)]
        public uint DeviceMajor;

        [FieldOffset(0x84)]
        public uint DeviceMinor;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct PollFd
    {
        public int Fd;
        public short Events;
        public short Returned;
    }

    /// <summary>struct sockaddr_nl of netlink(7).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct NetlinkAddress
    {
        public ushort Family;
        public ushort Pad;
        public uint Port;
        public uint Groups;
    }

    /// <summary>The device node at the end of a path; null where there is no such file, or it is no device node.</summary>
    public static DeviceNumber? DeviceAt(string path)
    {
        Statx found;
        return StatxAt(AtCurrentFolder, path, StatxDontSync, 0, &found) != 0
            ? null
            : (found.Mode & FileTypeMask) switch
            {
                CharacterDevice => new DeviceNumber('c', found.DeviceMajor, found.DeviceMinor),
                BlockDevice => new DeviceNumber('b', found.DeviceMajor, found.DeviceMinor),
                _ => null,
            };
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatxAt(int folder, string path, int flags, uint mask, Statx* found);

    /// <summary>The caller owns the descriptor; invalid on failure.</summary>
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(SafeFileHandle file, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(SafeFileHandle file, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "readlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint ReadLink(string path, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollFd* descriptors, nuint count, int milliseconds);

    /// <summary>The caller owns the descriptor; invalid on failure.</summary>
    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    public static partial SafeFileHandle EventFd(uint value, int flags);

    /// <summary>The caller owns the descriptor; invalid on failure.</summary>
    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    public static partial SafeFileHandle Socket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(SafeFileHandle socket, NetlinkAddress* address, uint length);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(SafeFileHandle socket, byte* buffer, nuint count, int flags);
}
