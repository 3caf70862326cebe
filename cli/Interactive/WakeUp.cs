// SPDX-License-Identifier: Apache-2.0
using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace UsbHostd.Cli.Interactive;

/// <summary>Ends a wait in poll(2) from another thread: an eventfd(2).</summary>
internal sealed partial class WakeUp : IDisposable
{
    // bits/eventfd.h.
    private const int CloseOnExec = 0x80000;

    private readonly SafeFileHandle handle;

    public WakeUp()
    {
        var descriptor = EventFd(0, CloseOnExec);
        handle = descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw new IOException("eventfd: " + new Win32Exception().Message);
    }

    public int Descriptor => (int)handle.DangerousGetHandle();

    public void Set() => _ = Write(handle, BitConverter.GetBytes(1UL), sizeof(ulong));

    public void Dispose() => handle.Dispose();

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial int EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(SafeFileHandle descriptor, ReadOnlySpan<byte> value, nuint count);
}
