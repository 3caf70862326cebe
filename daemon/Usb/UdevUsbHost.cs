// SPDX-License-Identifier: Apache-2.0
using System.Threading.Channels;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Logging;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// The host's devices by udev and sysfs. One thread of its own, which blocks in poll(2) and is woken by changes only.
/// </summary>
internal sealed partial class UdevUsbHost : IUsbHost
{
    // So that a flood of events doesn't keep the first of them waiting.
    private const int MostAtOnce = 256;

    private readonly SysfsReader reader;
    private readonly Func<IUsbSignals> open;
    private readonly ILogger<UdevUsbHost> logger;
    private IUsbSignals? signals;
    private Thread? thread;

    public UdevUsbHost(UsbHostOptions options, ILogger<UdevUsbHost> logger)
        : this(options, new SysfsFiles(), () => new LinuxUsbSignals(options), logger)
    {
    }

    internal UdevUsbHost(UsbHostOptions options, ISysfsFiles files, Func<IUsbSignals> open, ILogger<UdevUsbHost> logger)
    {
        reader = new SysfsReader(options, files);
        this.open = open;
        this.logger = logger;
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The monitor can't be opened.</exception>
    public void Start(ChannelWriter<HostEvent> events)
    {
        if (thread is not null)
        {
            throw new InvalidOperationException("started twice");
        }

        signals = open();
        if (signals is LinuxUsbSignals { HasLargeBuffer: false })
        {
            LogSmallBuffer();
        }

        if (!reader.SeesHostMounts)
        {
            LogOwnMounts();
        }

        // A hostile device comes and goes as often as it likes.
        var observer = new UsbObserver(reader, events, new LimitedLogger(logger, TimeProvider.System));
        thread = new Thread(() => Run(signals, observer, events)) { IsBackground = true, Name = "usb" };
        thread.Start();
    }

    /// <summary>What is plugged in now, as far as udev is done with it.</summary>
    public IReadOnlyList<UsbDevice> ReadAll()
    {
        var tables = reader.NewTables();
        return [.. reader.List().Select(path => reader.Read(path, tables).Device).OfType<UsbDevice>()];
    }

    public UsbDevice? Read(string syspath) =>
        Devpath.IsSafe(syspath) ? reader.Read(syspath, reader.NewTables()).Device : null;

    public void Dispose()
    {
        signals?.Stop();
        thread?.Join();
        signals?.Dispose();
        signals = null;
    }

    private void Run(IUsbSignals from, UsbObserver observer, ChannelWriter<HostEvent> events)
    {
        try
        {
            observer.Enumerate();
            UsbSignal signal;
            while (!(signal = from.Wait()).HasFlag(UsbSignal.Stop))
            {
                Handle(signal, from, observer);
            }
        }
        catch (Exception e)
        {
            // Blind is worse than gone: the loop ends with this error, and the daemon is started again.
            LogStopped(e);
            events.TryComplete(e);
        }
    }

    private void Handle(UsbSignal signal, IUsbSignals from, UsbObserver observer)
    {
        if (signal.HasFlag(UsbSignal.Mounts) || signal.HasFlag(UsbSignal.Swaps))
        {
            observer.TakeMounts();
        }

        if (signal.HasFlag(UsbSignal.Routes))
        {
            observer.TakeRoutes();
        }

        if (signal.HasFlag(UsbSignal.Udev) && !Receive(from, observer))
        {
            LogOverflow();
            observer.Enumerate();
            return;
        }

        observer.Flush();
    }

    /// <summary>Takes what waits; false where events were lost.</summary>
    private static bool Receive(IUsbSignals from, UsbObserver observer)
    {
        for (var i = 0; i < MostAtOnce; i++)
        {
            var received = from.Receive();
            switch (received.Receipt)
            {
                case UdevReceipt.Event:
                    observer.Take(received.Event);
                    break;
                case UdevReceipt.Empty:
                    return true;
                case UdevReceipt.Overflow:
                    return false;
                default:
                    break;
            }
        }

        return true;
    }

    [LoggerMessage(1110, LogLevel.Warning, "udev events were lost: all devices are read afresh")]
    private partial void LogOverflow();

    [LoggerMessage(1111, LogLevel.Information,
        "the kernel grants a small udev buffer only; should a burst of events overflow it, all devices are read afresh")]
    private partial void LogSmallBuffer();

    [LoggerMessage(1113, LogLevel.Warning,
        "the first process's mounts can't be read (/proc/1/mountinfo): the guard sees those of the daemon's own namespace instead, and may miss others")]
    private partial void LogOwnMounts();

    [LoggerMessage(1112, LogLevel.Critical, "watching devices failed: the daemon ends, to be started again")]
    private partial void LogStopped(Exception e);
}
