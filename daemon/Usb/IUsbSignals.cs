// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Daemon.Linux;

namespace UsbHostd.Daemon.Usb;

/// <summary>What the kernel and udev wake us for. One thread waits and receives; any may stop it.</summary>
internal interface IUsbSignals : IDisposable
{
    /// <summary>Blocks until something happened, without a time limit.</summary>
    UsbSignal Wait();

    /// <summary>The next device event, without blocking.</summary>
    UdevReceived Receive();

    /// <summary>Makes <see cref="Wait"/> return <see cref="UsbSignal.Stop"/> from now on.</summary>
    void Stop();
}

[Flags]
internal enum UsbSignal
{
    None = 0,

    /// <summary>udev has events.</summary>
    Udev = 1,

    /// <summary>Something was mounted or unmounted.</summary>
    Mounts = 2,

    /// <summary>Swap was switched on or off.</summary>
    Swaps = 4,

    /// <summary>A route or a link changed.</summary>
    Routes = 8,

    Stop = 16,
}

/// <summary>What came of one attempt to receive.</summary>
internal readonly record struct UdevReceived(UdevReceipt Receipt, UdevEvent Event = default)
{
    /// <summary>What the errno of a failed receive means for us (recv(2), netlink(7)).</summary>
    public static UdevReceived OfError(int errno) => new(errno switch
    {
        LibC.Enobufs => UdevReceipt.Overflow,
        LibC.Eagain => UdevReceipt.Empty,
        _ => UdevReceipt.Skipped,
    });
}

internal enum UdevReceipt
{
    Event,

    /// <summary>Nothing more is waiting.</summary>
    Empty,

    /// <summary>The kernel dropped events (ENOBUFS): what we know may be stale.</summary>
    Overflow,

    /// <summary>Interrupted, or a message that libudev would not take; more may wait behind it.</summary>
    Skipped,
}

/// <summary>One event of udev, after its rules have run.</summary>
/// <param name="Action">add, remove, change, bind, unbind, move, online, offline.</param>
/// <param name="Devpath">Below the sysfs root. All that identifies the device: the rest is absent on remove.</param>
internal readonly record struct UdevEvent(string Action, string Devpath, string Subsystem, string? Devtype);
