// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using System.Collections.Immutable;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Policy.Devices;

/// <summary>
/// A device as sysfs and udev give it, unread: whoever gathered it has looked up files and links and judged nothing.
/// </summary>
public sealed record SysfsAttributes
{
    /// <summary>Below the sysfs root, for example <c>/devices/pci0000:00/0000:00:14.0/usb1/1-4</c>.</summary>
    public required string Devpath { get; init; }

    /// <summary>Contents of attribute files by name; those that are not there, or could not be read, are missing.</summary>
    public required IReadOnlyDictionary<string, byte[]> Attributes { get; init; }

    /// <summary>udev's properties, of which <c>ID_PATH</c> and <c>USEC_INITIALIZED</c> are looked at.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = FrozenDictionary<string, string>.Empty;

    public ImmutableArray<SysfsInterface> Interfaces { get; init; } = [];

    public required SysfsRootHub RootHub { get; init; }

    /// <summary>Where the <c>peer</c> link of the device's port points; null where there is none.</summary>
    public SysfsPeer? Peer { get; init; }

    /// <summary>
    /// Hash of the hub that the device is plugged in (<see cref="UsbGuardHash.Of"/>); null for a root hub, or where the hub could not be
    /// read to its end.
    /// </summary>
    public string? ParentHash { get; init; }

    /// <summary>Content of the port's <c>connect_type</c>; null where there is none.</summary>
    public byte[]? ConnectType { get; init; }

    /// <summary>/proc/sys/kernel/random/boot_id without the line end.</summary>
    public required string BootId { get; init; }

    /// <summary>Where device nodes are, <c>/dev</c> but for tests.</summary>
    public string DeviceFolder { get; init; } = "/dev";

    public string? VendorFromDatabase { get; init; }

    public string? ProductFromDatabase { get; init; }

    public ImmutableArray<HostUse> Uses { get; init; } = [];
}

/// <summary>An interface's folder, for example <c>1-4:1.0</c>.</summary>
/// <param name="Driver">Name of the driver that the <c>driver</c> link points to; null without one.</param>
public sealed record SysfsInterface(string Name, IReadOnlyDictionary<string, byte[]> Attributes, string? Driver);

/// <summary>The root hub that a device hangs below.</summary>
/// <param name="Controller">Its parent.</param>
/// <param name="Speed">Its <c>speed</c> attribute, which tells the two halves of a controller apart; null where unread.</param>
public sealed record SysfsRootHub(UsbController Controller, byte[]? Speed);

/// <summary>The other half of a physical port.</summary>
/// <param name="PortName">The port's name, for example <c>usb2-port4</c> or <c>2-4-port1</c>.</param>
public sealed record SysfsPeer(string PortName, SysfsRootHub RootHub);
