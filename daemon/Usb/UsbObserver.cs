// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Threading.Channels;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// Turns what happened into what is true now. Used by one thread. Its memory of devices only saves work: who is to be looked at
/// again when something changes that names no device.
/// </summary>
internal sealed partial class UsbObserver(SysfsReader reader, ChannelWriter<HostEvent> events, ILogger logger)
{
    /// <summary>What the monitor lets through: devices and interfaces, and what drivers make of them.</summary>
    public static ImmutableArray<string> Subsystems { get; } = ["usb", "block", "net", "input"];

    private readonly Dictionary<string, Known> known = new(StringComparer.Ordinal);
    private readonly List<string> dirty = [];
    private bool blocksDirty;
    private bool routesDirty;
    private bool keyboardsDirty;

    private sealed record Known(UsbDevice Device, DeviceChildren Children);

    /// <summary>Reads everything afresh and says so in one event.</summary>
    public void Enumerate()
    {
        var paths = reader.List();
        reader.PrefetchNames(paths);
        var tables = reader.NewTables();
        var before = new Dictionary<string, Known>(known, StringComparer.Ordinal);
        known.Clear();
        dirty.Clear();
        blocksDirty = routesDirty = keyboardsDirty = false;
        foreach (var path in paths)
        {
            if (Look(path, before.GetValueOrDefault(path), tables) is { } seen)
            {
                known[path] = seen;
            }
        }

        events.TryWrite(new HostEvent.DevicesEnumerated([.. known.Values.Select(k => k.Device)]));
        LogEnumerated(known.Count);
    }

    /// <summary>
    /// Notes what an event touches; <see cref="Flush"/> then looks at each device once. What the event says happened is not believed:
    /// a remove may be older than what an enumeration has found in the same place since.
    /// </summary>
    public void Take(in UdevEvent happened)
    {
        var device = Devpath.UsbDeviceOf(happened.Devpath);
        switch (happened.Subsystem)
        {
            case "block":
                blocksDirty |= device is null;
                break;
            case "net":
                routesDirty = true;
                break;
            case "input":
                keyboardsDirty = true;
                break;
        }

        if (device is not null && !dirty.Contains(device))
        {
            dirty.Add(device);
        }
    }

    public void TakeMounts() => blocksDirty = true;

    public void TakeRoutes() => routesDirty = true;

    /// <summary>Writes what is true now of all that was touched.</summary>
    public void Flush()
    {
        var tables = reader.NewTables();
        foreach (var path in dirty)
        {
            var before = known.GetValueOrDefault(path);
            var now = Look(path, before, tables);
            if (before is not null && before.Device.Plug != now?.Device.Plug)
            {
                Forget(path);
            }

            if (now is not null)
            {
                known[path] = now;
                events.TryWrite(new HostEvent.DevicePresent(now.Device));
            }
        }

        LookAtUses(tables);
        dirty.Clear();
        blocksDirty = routesDirty = keyboardsDirty = false;
    }

    private void LookAtUses(HostTables tables)
    {
        if (!blocksDirty && !routesDirty && !keyboardsDirty)
        {
            return;
        }

        foreach (var (path, before) in known.ToList())
        {
            if (dirty.Contains(path) || !IsTouched(before.Children))
            {
                continue;
            }

            var uses = reader.UsesOf(path, before.Children, tables);
            if (!uses.SequenceEqual(before.Device.Uses))
            {
                var now = before with { Device = before.Device with { Uses = uses } };
                known[path] = now;
                events.TryWrite(new HostEvent.DevicePresent(now.Device));
            }
        }
    }

    private bool IsTouched(DeviceChildren children) =>
        (blocksDirty && !children.Blocks.IsEmpty) || (routesDirty && !children.Networks.IsEmpty)
        || (keyboardsDirty && !children.Inputs.IsEmpty);

    private Known? Look(string path, Known? before, HostTables tables)
    {
        var reading = reader.Read(path, tables);
        switch (reading.Presence)
        {
            case DevicePresence.Present:
            case DevicePresence.Partial when before?.Device.Plug == reading.Device!.Plug:
                return new Known(reading.Device!.CompletedFrom(before?.Device), reading.Children);
            case DevicePresence.Partial:
                LogUnreadable(path, reading.Why ?? "");
                return null;
            case DevicePresence.Unreadable:
                LogUnreadable(path, reading.Why ?? "");
                return before;
            case DevicePresence.NotReady:
                LogNotReady(path, reading.Why ?? "");
                return null;
            default:
                return null;
        }
    }

    private void Forget(string path)
    {
        keyboardsDirty |= known.Remove(path, out var before) && !before.Children.Inputs.IsEmpty;
        events.TryWrite(new HostEvent.DeviceGone(path));
    }

    [LoggerMessage(1101, LogLevel.Information, "{Count} USB devices found")]
    private partial void LogEnumerated(int count);

    [LoggerMessage(1102, LogLevel.Warning, "USB device at {Syspath} can't be read: {Why}. It is read again with its next event")]
    private partial void LogUnreadable(string syspath, string why);

    [LoggerMessage(1103, LogLevel.Debug, "USB device at {Syspath} is left out for now: {Why}")]
    private partial void LogNotReady(string syspath, string why);
}
