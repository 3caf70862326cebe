// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Policy.Rules;

/// <summary>What rules see of a device. A text that the device does not give is empty, as in USBGuard.</summary>
public sealed record RuleSubject
{
    public required UsbId Id { get; init; }

    /// <summary>iProduct, raw, less what USBGuard takes from its end (<see cref="UsbGuardHash.Trimmed(string)"/>).</summary>
    public string Name { get; init; } = "";

    public string Hash { get; init; } = "";

    public string ParentHash { get; init; } = "";

    /// <summary>iSerialNumber, in the same way.</summary>
    public string Serial { get; init; } = "";

    /// <summary>The kernel's name: <c>1-4.2</c>, <c>usb1</c>.</summary>
    public string ViaPort { get; init; } = "";

    /// <summary>In the order of the descriptors, as USBGuard lists them.</summary>
    public ImmutableArray<UsbClass> Interfaces { get; init; } = [];

    public string ConnectType { get; init; } = "";

    public int Bus { get; init; }

    /// <summary>Name of the root hub's parent device, for example <c>0000:02:01.0</c>.</summary>
    public string Controller { get; init; } = "";

    /// <summary>udev's ID_PATH.</summary>
    public string IdPath { get; init; } = "";

    /// <summary>Whether no rule can tell the two apart.</summary>
    public bool IsSameAs(RuleSubject other) => Interfaces.AsSpan().SequenceEqual(other.Interfaces.AsSpan()) && this with { Interfaces = other.Interfaces } == other;

    /// <summary>What is seen of this device.</summary>
    public static RuleSubject Of(UsbDevice device) => new()
    {
        Id = device.UsbId,
        Name = UsbGuardHash.Trimmed(device.Product),
        Hash = device.Hash ?? "",
        ParentHash = device.ParentHash ?? "",
        Serial = UsbGuardHash.Trimmed(device.Serial),
        ViaPort = device.PortPath.ToString(),
        Interfaces = device.InterfaceTypes,
        ConnectType = device.ConnectType ?? "",
        Bus = device.Address.Bus,
        Controller = device.Controller.Name,
        IdPath = device.IdPath ?? "",
    };
}
