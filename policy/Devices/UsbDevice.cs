// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Policy.Devices;

/// <summary>
/// One USB device as observed at one moment; immutable. Everything that the device says of itself (strings, descriptors) is
/// hostile input: bounded in length by the reader, never trusted, and escaped at each edge.
/// </summary>
public sealed record UsbDevice
{
    /// <summary>Below the sysfs root, for example <c>/devices/pci0000:00/0000:00:14.0/usb1/1-4</c>.</summary>
    public required string Syspath { get; init; }

    public required UsbId UsbId { get; init; }

    public required UsbAddress Address { get; init; }

    public required UsbPortPath PortPath { get; init; }

    public required PlugToken Plug { get; init; }

    /// <summary>Microseconds of CLOCK_MONOTONIC when udev was done with it; orders the arrival of twins.</summary>
    public ulong UsecInitialized { get; init; }

    public required UsbController Controller { get; init; }

    public UsbHalf Half { get; init; }

    public required DeviceKey PortKey { get; init; }

    /// <summary>The other half's key of the same physical port, where sysfs <c>peer</c> links tie the two.</summary>
    public DeviceKey? PeerPortKey { get; init; }

    /// <summary>Null where the device has no serial that could tell it apart.</summary>
    public DeviceKey? SerialKey { get; init; }

    /// <summary>iManufacturer, at most 126 characters, raw; null where the device gives none.</summary>
    public string? Manufacturer { get; init; }

    /// <summary>iProduct, at most 126 characters, raw; null where the device gives none.</summary>
    public string? Product { get; init; }

    /// <summary>iSerialNumber, at most 126 characters, raw; null where the device gives none.</summary>
    public string? Serial { get; init; }

    /// <summary>Vendor's name in the system's usb.ids; null where unknown.</summary>
    public string? VendorFromDatabase { get; init; }

    /// <summary>Product's name in the system's usb.ids; null where unknown.</summary>
    public string? ProductFromDatabase { get; init; }

    /// <summary>bcdDevice as a number, for example 0x0110 for 1.10.</summary>
    public ushort BcdDevice { get; init; }

    /// <summary>bcdUSB as a number, for example 0x0320.</summary>
    public ushort BcdUsb { get; init; }

    public UsbClass Class { get; init; }

    public UsbSpeed Speed { get; init; }

    /// <summary>ID_PATH of udev, for example <c>pci-0000:00:14.0-usb-0:4.2</c>; null where udev gives none.</summary>
    public string? IdPath { get; init; }

    /// <summary>Absolute usbfs node, for example <c>/dev/bus/usb/001/004</c>.</summary>
    public required string DeviceNode { get; init; }

    /// <summary>bConfigurationValue of the active configuration; 0 where it is not configured.</summary>
    public int ActiveConfiguration { get; init; }

    /// <summary>The <c>authorized</c> attribute of the device itself.</summary>
    public bool Authorized { get; init; } = true;

    /// <summary>
    /// Of a root hub: whether interfaces of devices that appear below it are authorised by themselves (<c>interface_authorized_default</c>).
    /// False for any other device, and before Linux 4.4.
    /// </summary>
    public bool AuthorizesInterfaces { get; init; }

    /// <summary>Interfaces of the active configuration as sysfs shows them, with driver and authorisation.</summary>
    public ImmutableArray<UsbInterface> Interfaces { get; init; } = [];

    /// <summary>Every interface and alternate setting of every configuration in the binary descriptors.</summary>
    public ImmutableArray<UsbInterfaceDescriptor> Descriptors { get; init; } = [];

    /// <summary>What is wrong with the descriptors, if anything ("truncated at 18 of 34 bytes"); null where they are sound.</summary>
    public string? DescriptorFault { get; init; }

    /// <summary>
    /// Classes of the interfaces as USBGuard lists them: one for each interface descriptor, in order, that is for every alternate
    /// setting of every configuration.
    /// </summary>
    public ImmutableArray<UsbClass> InterfaceTypes { get; init; } = [];

    /// <summary>As USBGuard computes it (<see cref="UsbGuardHash.Of"/>); null where USBGuard would refuse the descriptors.</summary>
    public string? Hash { get; init; }

    /// <summary>Hash of the hub it is plugged in; for a root hub that of its parent's path. Null where the hub has none.</summary>
    public string? ParentHash { get; init; }

    /// <summary>
    /// sysfs <c>connect_type</c> of its port: <c>hotplug</c>, <c>hardwired</c>, <c>not used</c> or <c>unknown</c>; null for root hubs
    /// and where the kernel has none (Documentation/ABI/testing/sysfs-bus-usb).
    /// </summary>
    public string? ConnectType { get; init; }

    /// <summary>Who uses it on the host; empty where nobody does.</summary>
    public ImmutableArray<HostUse> Uses { get; init; } = [];

    public bool IsRootHub => PortPath.IsRootHub;

    public bool IsHub => Class.Class == UsbClass.Hub || IsRootHub;

    /// <summary>Whether it may be a keyboard of the host's: then no two such devices leave the host at once.</summary>
    public bool IsInput => Uses.Any(u => u.Kind == HostUseKind.Input);

    /// <summary>Whether a guest or a process has all of it: every interface is claimed over usbfs.</summary>
    public bool IsHeldOverUsbfs => !Interfaces.IsEmpty && Interfaces.All(i => i.Driver == UsbInterface.UsbfsDriver);

    /// <summary>Whether the binary descriptors could be read at all; what they say may be faulty all the same.</summary>
    public bool HasReadDescriptors { get; init; } = true;

    /// <summary>
    /// Within one plugging-in strings, descriptors and what is made of them don't change; those that can't be read right now (suspend, a
    /// reset under way) are as they were.
    /// </summary>
    public UsbDevice CompletedFrom(UsbDevice? before) => before is null || before.Plug != Plug
        ? this
        : this with
        {
            Serial = Serial ?? before.Serial,
            SerialKey = SerialKey ?? before.SerialKey,
            Manufacturer = Manufacturer ?? before.Manufacturer,
            Product = Product ?? before.Product,
            Speed = Speed == UsbSpeed.Unknown ? before.Speed : Speed,
            HasReadDescriptors = HasReadDescriptors || before.HasReadDescriptors,
            Descriptors = Descriptors.IsEmpty ? before.Descriptors : Descriptors,
            DescriptorFault = Descriptors.IsEmpty ? before.DescriptorFault : DescriptorFault,
            InterfaceTypes = HasReadDescriptors ? InterfaceTypes : before.InterfaceTypes,
            Hash = Misses(before) ? before.Hash : Hash,
            ParentHash = ParentHash ?? before.ParentHash,
            ConnectType = ConnectType ?? before.ConnectType,
        };

    /// <summary>Whether something that the hash is made of was there before and is not now.</summary>
    private bool Misses(UsbDevice before) =>
        (!HasReadDescriptors && before.HasReadDescriptors) || (Serial is null && before.Serial is not null) || (Product is null && before.Product is not null);

    /// <summary>Every key that a claim could follow this device by.</summary>
    public IEnumerable<DeviceKey> Keys
    {
        get
        {
            yield return PortKey;
            if (PeerPortKey is not null)
            {
                yield return PeerPortKey;
            }

            if (SerialKey is not null)
            {
                yield return SerialKey;
            }
        }
    }
}

/// <summary>bDeviceClass or bInterfaceClass with subclass and protocol.</summary>
public readonly record struct UsbClass(byte Class, byte Subclass, byte Protocol)
{
    public const byte Audio = 0x01;
    public const byte Hid = 0x03;
    public const byte MassStorage = 0x08;
    public const byte Hub = 0x09;

    /// <summary>As USBGuard writes it, for example <c>08:06:50</c>.</summary>
    public override string ToString() => $"{Class:x2}:{Subclass:x2}:{Protocol:x2}";
}

/// <summary>One interface of the active configuration.</summary>
/// <param name="Name">The kernel's name, for example <c>1-4:1.0</c>.</param>
/// <param name="Driver">The bound driver, for example <c>usb-storage</c>; <c>usbfs</c> while a process or QEMU holds it; null for none.</param>
/// <param name="Authorized">The interface's own <c>authorized</c> attribute (kernel 4.4 and later).</param>
public sealed record UsbInterface(string Name, int Number, UsbClass Class, string? Driver, bool Authorized)
{
    public const string UsbfsDriver = "usbfs";
}

/// <summary>One interface descriptor with its endpoints.</summary>
public sealed record UsbInterfaceDescriptor(
    int Configuration, int Number, int AlternateSetting, UsbClass Class, ImmutableArray<UsbEndpoint> Endpoints)
{
    public bool Equals(UsbInterfaceDescriptor? other) =>
        other is not null && Configuration == other.Configuration && Number == other.Number
        && AlternateSetting == other.AlternateSetting && Class == other.Class && Endpoints.AsSpan().SequenceEqual(other.Endpoints.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Configuration, Number, AlternateSetting, Class, Endpoints.Length);
}

/// <summary>One endpoint descriptor.</summary>
/// <param name="Address">bEndpointAddress, bit 7 set for IN.</param>
/// <param name="MaxPacketSize">wMaxPacketSize as given, that is with the transactions bits 11 and 12.</param>
/// <param name="MaxStreams">Bits 0 to 4 of the SuperSpeed companion's bmAttributes for bulk endpoints; 0 without a companion.</param>
public readonly record struct UsbEndpoint(byte Address, UsbTransferType Type, ushort MaxPacketSize, byte Interval, byte MaxStreams);

/// <summary>Bits 0 and 1 of bmAttributes.</summary>
public enum UsbTransferType
{
    Control = 0,
    Isochronous = 1,
    Bulk = 2,
    Interrupt = 3,
}

/// <summary>The negotiated speed, from sysfs <c>speed</c> in Mb/s: 1.5, 12, 480, 5000, 10000, 20000.</summary>
public enum UsbSpeed
{
    Unknown,
    Low,
    Full,
    High,
    Super,
    SuperPlus,
    SuperPlusX2,
}
