// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Presentation;

/// <summary>What tells a device apart from others of its kind, also while it is away: its serial and its port.</summary>
public static class DeviceMark
{
    /// <summary>
    /// A claim's device in a sentence: <c>DataTraveler 3.0 (serial 4C53…)</c> or <c>DataTraveler 3.0 (port 1-4.2)</c>, by what the claim follows.
    /// </summary>
    public static string Named(HostState state, Claim claim, UsbDevice? device) =>
        $"{StatusText.DeviceName(state, claim, device)} ({Of(state, claim.Follows)})";

    /// <summary>As the device gives it, or gave it last; empty where none is known.</summary>
    public static string SerialOf(HostState state, DeviceKey follows, ImmutableArray<UsbId> ids, UsbDevice? device) =>
        device is not null ? device.Serial ?? "" : follows.SerialText ?? LastIn(state, follows, ids)?.Serial ?? "";

    /// <summary>
    /// The port that the device is in, <c>1-4.2</c>. While it is away: the one that is followed, else the one that it was in last. Empty where none
    /// is known.
    /// </summary>
    public static string PortOf(HostState state, DeviceKey follows, ImmutableArray<UsbId> ids, UsbDevice? device) =>
        device is not null ? device.PortPath.ToString()
        : follows.Kind == FollowKind.Port ? TextOf(state, follows)
        : Remembered(state, follows, ids) is { } known ? TextOf(state, known.PortKey)
        : "";

    /// <summary>The kernel's name of a port, as its bus is numbered now; the key where there is no such bus.</summary>
    public static string TextOf(HostState state, DeviceKey port)
    {
        // "port pci 0000:00:14.0 usb2 4.2"
        var parts = port.Text.Split(' ');
        var half = parts[3] == "usb3" ? UsbHalf.Usb3 : UsbHalf.Usb2;
        var root = state.DevicesWith(DeviceKey.Port(new UsbController(parts[1], parts[2]), half, "")).FirstOrDefault();
        return root is null ? string.Join(' ', parts[1..]) : new UsbPortPath(root.PortPath.Bus, parts[4]).ToString();
    }

    private static string Of(HostState state, DeviceKey follows) => follows.SerialText is { } serial ? $"serial {serial}" : $"port {TextOf(state, follows)}";

    private static RememberedDevice? Remembered(HostState state, DeviceKey serial, ImmutableArray<UsbId> ids) =>
        ids.Select(id => state.Remembered.GetValueOrDefault(DeviceId.Of(serial, id))).FirstOrDefault(known => known is not null);

    private static RememberedDevice? LastIn(HostState state, DeviceKey port, ImmutableArray<UsbId> ids) =>
        state.Remembered.Values.Where(known => known.PortKey == port && ids.Contains(known.UsbId)).MaxBy(known => known.LastSeen);
}
