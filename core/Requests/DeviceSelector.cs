// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Requests;

/// <summary>
/// DEVICE as people write it: <c>id:d…</c>, <c>port:1-4.2</c>, <c>serial:…</c>, <c>usb:0951:1666</c>, or a value without prefix,
/// which must mean one device in one way only. What a device says of itself can therefore never pass for another kind of name.
/// </summary>
public static class DeviceSelector
{
    /// <summary>All that a text can mean among the devices that are there, in the order of their ports.</summary>
    public static ImmutableArray<UsbDevice> Match(HostState state, string text)
    {
        var found = Meant(state, text);
        return found.Length < 2 ? found : [.. found.OrderBy(d => d.PortPath)];
    }

    private static ImmutableArray<UsbDevice> Meant(HostState state, string text)
    {
        if (text.StartsWith("id:", StringComparison.Ordinal))
        {
            return ById(state, text[3..]);
        }

        if (text.StartsWith("port:", StringComparison.Ordinal))
        {
            return ByPort(state, text[5..]);
        }

        if (text.StartsWith("serial:", StringComparison.Ordinal))
        {
            return BySerial(state, text[7..]);
        }

        if (text.StartsWith("usb:", StringComparison.Ordinal))
        {
            return ByUsbId(state, text[4..]);
        }

        return [.. ById(state, text).Concat(ByPort(state, text)).Concat(BySerial(state, text)).Concat(ByUsbId(state, text))
            .Concat(ByLabel(state, text)).DistinctBy(d => d.Syspath, StringComparer.Ordinal)];
    }

    /// <summary>
    /// A key for a device that is away: by the id it had, by <c>serial:0951:1666:SERIAL</c>, or by its port. Null where the text
    /// does not say enough.
    /// </summary>
    public static AbsentDevice? MatchAbsent(HostState state, string text)
    {
        var id = text.StartsWith("id:", StringComparison.Ordinal) ? text[3..] : text;
        if (DeviceId.TryParse(id, out var deviceId) && state.Remembered.TryGetValue(deviceId, out var known))
        {
            return new AbsentDevice(
                known.Key.Kind == FollowKind.Serial && !state.SharedSerials.Contains(known.Key) ? known.Key : null, known.PortKey, known.UsbId);
        }

        if (text.StartsWith("serial:", StringComparison.Ordinal))
        {
            return AbsentSerial(state, text[7..]);
        }

        return text.StartsWith("port:", StringComparison.Ordinal) && UsbPortPath.TryParse(text[5..], out var path)
            && KeyOfPort(state, path) is { } port
            ? new AbsentDevice(null, port, null)
            : null;
    }

    private static AbsentDevice? AbsentSerial(HostState state, string serial)
    {
        if (serial.Length > 10 && serial[9] == ':' && UsbId.TryParse(serial[..9], out var usbId) && DeviceKey.IsUsableSerial(serial[10..]))
        {
            return new AbsentDevice(DeviceKey.Serial(usbId, serial[10..]), null, usbId);
        }

        var known = state.Remembered.Values.Where(d => d.Key.Kind == FollowKind.Serial && d.Serial == serial).Take(2).ToList();
        return known.Count == 1 ? new AbsentDevice(known[0].Key, known[0].PortKey, known[0].UsbId) : null;
    }

    /// <summary>The key of a port that may be empty now; null where no such bus is there.</summary>
    private static DeviceKey? KeyOfPort(HostState state, UsbPortPath path)
    {
        var root = state.Devices.Values.FirstOrDefault(d => d.IsRootHub && d.PortPath.Bus == path.Bus);
        return root is null || path.IsRootHub ? null : DeviceKey.Port(root.Controller, root.Half, path.Chain);
    }

    private static ImmutableArray<UsbDevice> ById(HostState state, string text)
    {
        if (!DeviceId.TryParse(text, out var id))
        {
            return [];
        }

        // Twins share the serial that one of them is named by: both are meant, so that neither is picked by chance.
        var found = state.Device(id);
        return found is null ? []
            : found.SerialKey is { } serial && DeviceId.Of(serial, found.UsbId) == id ? [.. state.DevicesWith(serial)]
            : [found];
    }

    private static ImmutableArray<UsbDevice> ByPort(HostState state, string text) =>
        UsbPortPath.TryParse(text, out var path) ? [.. state.Devices.Values.Where(d => d.PortPath == path)] : [];

    private static ImmutableArray<UsbDevice> BySerial(HostState state, string text)
    {
        var qualified = text.Length > 10 && text[9] == ':' && UsbId.TryParse(text[..9], out _);
        return text.Length == 0
            ? []
            : [.. state.Devices.Values.Where(d => d.Serial == text || (qualified && $"{d.UsbId}:{d.Serial}".Equals(text, StringComparison.OrdinalIgnoreCase)))];
    }

    private static ImmutableArray<UsbDevice> ByUsbId(HostState state, string text) =>
        UsbId.TryParse(text, out var usbId) ? [.. state.Devices.Values.Where(d => d.UsbId == usbId)] : [];

    private static ImmutableArray<UsbDevice> ByLabel(HostState state, string text) =>
        [.. state.Labels.Where(l => string.Equals(l.Value, text, StringComparison.Ordinal)).Select(l => state.Device(l.Key)).OfType<UsbDevice>()];
}

/// <summary>What is known of a device that is away.</summary>
/// <param name="UsbId">Null for a bare port.</param>
public sealed record AbsentDevice(DeviceKey? Serial, DeviceKey? Port, UsbId? UsbId);
