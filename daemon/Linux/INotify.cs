// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace UsbHostd.Daemon.Linux;

/// <summary>What happened in a watched folder.</summary>
/// <param name="Watch">What <see cref="INotify.Add"/> gave for the folder; -1 with <see cref="INotify.Overflow"/>.</param>
/// <param name="Mask">One of the event bits, and <see cref="INotify.IsDirectory"/>.</param>
/// <param name="Name">The file in the folder.</param>
internal readonly record struct INotifyEvent(int Watch, uint Mask, string Name);

/// <summary>
/// inotify(7), for a thread that waits. .NET's own watcher does not tell when a writer has closed a file, nor when a reader has.
/// </summary>
internal sealed unsafe partial class INotify : IDisposable
{
    // <sys/inotify.h>
    public const uint Modify = 0x2;
    public const uint Attributes = 0x4;
    public const uint CloseWrite = 0x8;
    public const uint CloseNoWrite = 0x10;
    public const uint MovedFrom = 0x40;
    public const uint MovedTo = 0x80;
    public const uint Create = 0x100;
    public const uint Delete = 0x200;

    /// <summary>The kernel lost count: anything may have happened.</summary>
    public const uint Overflow = 0x4000;
    public const uint IsDirectory = 0x40000000;
    private const uint OnlyDirectory = 0x01000000;

    private readonly SafeFileHandle stop;
    private readonly SafeFileHandle inotify;
    private readonly byte[] buffer = new byte[16 * 1024];

    /// <exception cref="IOException">The kernel grants no instance.</exception>
    public INotify()
    {
        stop = Open(LibC.EventFd(0, LibC.CloseOnExec | LibC.NonBlocking), "eventfd");
        inotify = Open(Init(LibC.CloseOnExec | LibC.NonBlocking), "inotify_init1");
    }

    /// <summary>Watches a folder; once more, with another mask, where it is watched already.</summary>
    /// <returns>The watch; negative where it can't be watched, with errno set.</returns>
    public int Add(string folder, uint mask) => AddWatch(inotify, folder, mask | OnlyDirectory);

    /// <summary>Waits for an event, without end with -1.</summary>
    /// <param name="onlyStop">Wakes for <see cref="Stop"/> alone.</param>
    /// <returns>False when it is time to stop.</returns>
    public bool Wait(int milliseconds, bool onlyStop = false)
    {
        var waited = stackalloc LibC.PollFd[2]
        {
            new() { Fd = (int)stop.DangerousGetHandle(), Events = LibC.PollIn },
            new() { Fd = (int)inotify.DangerousGetHandle(), Events = LibC.PollIn },
        };
        while (LibC.Poll(waited, onlyStop ? 1u : 2u, milliseconds) < 0)
        {
            if (Marshal.GetLastPInvokeError() is var errno and not LibC.Eintr)
            {
                throw new IOException($"poll: {Marshal.GetPInvokeErrorMessage(errno)}");
            }
        }

        return waited[0].Returned == 0;
    }

    /// <summary>What has happened and was not read yet. For the thread that waits.</summary>
    public List<INotifyEvent> Read()
    {
        nint length;
        fixed (byte* start = buffer)
        {
            length = LibC.Read(inotify, start, (nuint)buffer.Length);
        }

        // struct inotify_event: wd, mask, cookie, len, name[len].
        var events = new List<INotifyEvent>();
        for (var at = 0; at + 16 <= length;)
        {
            var watch = BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(at));
            var mask = BinaryPrimitives.ReadUInt32LittleEndian(buffer.AsSpan(at + 4));
            var size = (int)BinaryPrimitives.ReadUInt32LittleEndian(buffer.AsSpan(at + 12));
            events.Add(new INotifyEvent(watch, mask, Encoding.UTF8.GetString(buffer, at + 16, size).TrimEnd('\0')));
            at += 16 + size;
        }

        return events;
    }

    /// <summary>Ends the wait of the thread, now and from now on.</summary>
    public void Stop()
    {
        var one = 1UL;
        _ = LibC.Write(stop, (byte*)&one, sizeof(ulong));
    }

    /// <summary>Once the thread has ended.</summary>
    public void Dispose()
    {
        inotify.Dispose();
        stop.Dispose();
    }

    private static SafeFileHandle Open(SafeFileHandle handle, string what) =>
        handle.IsInvalid ? throw new IOException($"{what}: {Marshal.GetLastPInvokeErrorMessage()}") : handle;

    [LibraryImport("libc", EntryPoint = "inotify_init1", SetLastError = true)]
    private static partial SafeFileHandle Init(int flags);

    [LibraryImport("libc", EntryPoint = "inotify_add_watch", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddWatch(SafeFileHandle inotify, string path, uint mask);
}
