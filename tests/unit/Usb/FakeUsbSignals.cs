// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using UsbHostd.Daemon.Usb;

namespace UsbHostd.Tests.Usb;

/// <summary>What the kernel would wake us for, said by the test.</summary>
internal sealed class FakeUsbSignals : IUsbSignals
{
    private readonly BlockingCollection<UsbSignal> signals = [];
    private readonly ConcurrentQueue<UdevReceived> received = [];
    private volatile Exception? broken;

    public void Raise(UsbSignal signal) => signals.Add(signal);

    public void Raise(params UdevEvent[] events)
    {
        foreach (var e in events)
        {
            received.Enqueue(new UdevReceived(UdevReceipt.Event, e));
        }

        Raise(UsbSignal.Udev);
    }

    /// <summary>The next receive fails with this errno.</summary>
    public void Fail(int errno)
    {
        received.Enqueue(UdevReceived.OfError(errno));
        Raise(UsbSignal.Udev);
    }

    /// <summary>Waiting fails from now on.</summary>
    public void Break(Exception error)
    {
        broken = error;
        Raise(UsbSignal.None);
    }

    public UsbSignal Wait()
    {
        var signal = signals.Take();
        return broken is null ? signal : throw broken;
    }

    public UdevReceived Receive() => received.TryDequeue(out var next) ? next : new UdevReceived(UdevReceipt.Empty);

    public void Stop() => Raise(UsbSignal.Stop);

    public void Dispose() => signals.Dispose();
}
