// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Threading.Channels;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Linux;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// Notices that somebody let go of a device. The kernel suppresses the uevents of interfaces that are claimed and released over usbfs
/// (drivers/usb/core/devio.c), so a process that ends, a QEMU that was killed among them, changes drivers in silence; but its
/// descriptor is closed, and that inotify(7) tells.
/// </summary>
internal sealed partial class DeviceNodeWatch : IDisposable
{
    /// <summary>At least so much time is between two looks.</summary>
    private const int LeastMilliseconds = 20;

    private readonly string folder;
    private readonly string sysfs;
    private readonly Func<string, UsbDevice?> read;
    private readonly Func<HostState> state;
    private readonly ILogger<DeviceNodeWatch> log;
    private readonly Dictionary<int, int> buses = [];
    private readonly INotify inotify = new();
    private Thread? thread;

    /// <param name="read">Reads the device at a path below the sysfs root afresh.</param>
    /// <param name="state">What is known now: only a device that somebody holds, or that was lent to a guest, is looked at.</param>
    /// <exception cref="IOException">The kernel grants no inotify instance.</exception>
    public DeviceNodeWatch(UsbHostOptions options, Func<string, UsbDevice?> read, Func<HostState> state, ILogger<DeviceNodeWatch> log)
    {
        folder = Path.Combine(options.Dev, "bus", "usb");
        sysfs = options.Sysfs;
        this.read = read;
        this.state = state;
        this.log = log;
    }

    public void Start(ChannelWriter<HostEvent> events)
    {
        WatchBuses();
        thread = new Thread(() => Run(events)) { IsBackground = true, Name = "usb-nodes" };
        thread.Start();
    }

    public void Dispose()
    {
        inotify.Stop();
        thread?.Join();
        inotify.Dispose();
    }

    private void Run(ChannelWriter<HostEvent> events)
    {
        try
        {
            while (inotify.Wait(-1))
            {
                foreach (var path in Closed().Where(IsOfInterest).Select(PathOf).OfType<string>())
                {
                    if (read(path) is { } device && !IsKnown(device))
                    {
                        events.TryWrite(new HostEvent.DeviceReread(device));
                    }
                }

                // Any local user may open and close a node as often as he likes: many closings are one look.
                if (!inotify.Wait(LeastMilliseconds, onlyStop: true))
                {
                    return;
                }
            }
        }
        catch (Exception e)
        {
            Stopped(log, e);
            events.TryComplete(e);
        }
    }

    private bool IsOfInterest(UsbAddress address)
    {
        var known = state();
        return known.DevicesByAddress[address].Any(path => known.Devices.TryGetValue(path, out var device)
            && (known.Lent.ContainsKey(device.Plug) || device.Interfaces.Any(i => i.Driver == UsbInterface.UsbfsDriver)));
    }

    private bool IsKnown(UsbDevice device) =>
        state().Devices.TryGetValue(device.Syspath, out var known) && known.Plug == device.Plug
        && known.Interfaces.SequenceEqual(device.Interfaces);

    /// <summary>Devices of which a descriptor was closed; all of them where the kernel lost count.</summary>
    private HashSet<UsbAddress> Closed()
    {
        var closed = new HashSet<UsbAddress>();
        foreach (var (watch, mask, name) in inotify.Read())
        {
            if ((mask & INotify.Overflow) != 0)
            {
                closed.UnionWith(AllNodes());
            }
            else if ((mask & INotify.Create) != 0 && (mask & INotify.IsDirectory) != 0)
            {
                WatchBuses();
            }
            else if (buses.TryGetValue(watch, out var bus) && Number(name) is { } device)
            {
                closed.Add(new UsbAddress(bus, device));
            }
        }

        return closed;
    }

    private void WatchBuses()
    {
        if (inotify.Add(folder, INotify.Create) < 0)
        {
            NoNodes(log, folder);
            return;
        }

        foreach (var path in Directory.EnumerateDirectories(folder))
        {
            if (Number(Path.GetFileName(path)) is { } bus && inotify.Add(path, INotify.CloseWrite | INotify.CloseNoWrite) is var watch and >= 0)
            {
                buses[watch] = bus;
            }
        }
    }

    private IEnumerable<UsbAddress> AllNodes() =>
        from bus in Directory.EnumerateDirectories(folder)
        from node in Directory.EnumerateFiles(bus)
        let number = Number(Path.GetFileName(bus))
        let device = Number(Path.GetFileName(node))
        where number is not null && device is not null
        select new UsbAddress(number.Value, device.Value);

    /// <summary>By the node's number, 189:((bus - 1) * 128 + device - 1) (Documentation/admin-guide/devices.txt).</summary>
    private string? PathOf(UsbAddress address)
    {
        var link = Path.Combine(sysfs, "dev", "char", $"189:{((address.Bus - 1) * 128) + address.Device - 1}");
        try
        {
            return File.ResolveLinkTarget(link, returnFinalTarget: true)?.FullName is { } target && target.StartsWith(sysfs, StringComparison.Ordinal)
                ? target[sysfs.Length..]
                : null;
        }
        catch (IOException)
        {
            // It is gone: its own uevent says so.
            return null;
        }
    }

    private static int? Number(string name) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;

    [LoggerMessage(1130, LogLevel.Critical, "Device nodes can't be watched any more; usbhostd stops, systemd starts it again. Guests keep their devices")]
    private static partial void Stopped(ILogger logger, Exception e);

    [LoggerMessage(1131, LogLevel.Warning, "{Folder} can't be watched: a device that a process lets go of is noticed later, at its next event")]
    private static partial void NoNodes(ILogger logger, string folder);
}
