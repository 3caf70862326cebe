// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Policy.Devices;

/// <summary>A device, or why there is none.</summary>
/// <param name="Reason">Set where <paramref name="Device"/> is null.</param>
public readonly record struct UsbDeviceReading(UsbDevice? Device, string? Reason);

/// <summary>The one way from raw attributes to a device, for those that are there at start and for those that come later.</summary>
public static class UsbDeviceReader
{
    /// <summary>The most characters that a string descriptor can hold: 255 bytes, two of them header, in UTF-16.</summary>
    public const int MostCharacters = 126;

    /// <summary>
    /// Reads what is there. Only what identity needs must be: the ids, the numbers, a kernel name and udev's time stamp; without
    /// any of them there is no device yet, or no longer. Never throws, whatever the device says of itself.
    /// </summary>
    public static UsbDeviceReading Read(SysfsAttributes raw)
    {
        if (!UsbPortPath.TryParse(Name(raw.Devpath), out var port))
        {
            return new UsbDeviceReading(null, $"{Name(raw.Devpath)} is no name of a USB device");
        }

        if (!TryHex(raw.Attributes, "idVendor", out var vendor) || !TryHex(raw.Attributes, "idProduct", out var product))
        {
            return new UsbDeviceReading(null, "idVendor or idProduct is missing");
        }

        if (!TryDecimal(raw.Attributes, "busnum", out var bus) || !TryDecimal(raw.Attributes, "devnum", out var number)
            || bus is < 1 or > 999 || number is < 1 or > 999)
        {
            return new UsbDeviceReading(null, "busnum or devnum is missing");
        }

        if (!raw.Properties.TryGetValue("USEC_INITIALIZED", out var since)
            || !ulong.TryParse(since, NumberStyles.None, CultureInfo.InvariantCulture, out var usec))
        {
            return new UsbDeviceReading(null, "udev has not initialised it yet");
        }

        var id = new UsbId(vendor, product);
        return new UsbDeviceReading(Build(raw, port, id, new UsbAddress(bus, number), usec), null);
    }

    private static UsbDevice Build(SysfsAttributes raw, UsbPortPath port, UsbId id, UsbAddress address, ulong usec)
    {
        var attributes = raw.Attributes;
        var half = HalfOf(raw.RootHub);
        var serial = DeviceString(attributes, "serial");
        var descriptors = UsbDescriptors.Parse(attributes.GetValueOrDefault("descriptors"));
        var interfaces = raw.Interfaces.Select(InterfaceOf).OfType<UsbInterface>().OrderBy(i => i.Number).ToImmutableArray();
        return new UsbDevice
        {
            Syspath = raw.Devpath,
            UsbId = id,
            Address = address,
            PortPath = port,
            Plug = PlugToken.Of(raw.BootId, raw.Devpath, usec),
            UsecInitialized = usec,
            Controller = raw.RootHub.Controller,
            Half = half,
            PortKey = DeviceKey.Port(raw.RootHub.Controller, half, port.Chain),
            PeerPortKey = PeerOf(raw.Peer),
            SerialKey = DeviceKey.IsUsableSerial(serial) ? DeviceKey.Serial(id, serial!) : null,
            Manufacturer = DeviceString(attributes, "manufacturer"),
            Product = DeviceString(attributes, "product"),
            Serial = serial,
            VendorFromDatabase = raw.VendorFromDatabase,
            ProductFromDatabase = raw.ProductFromDatabase,
            BcdDevice = TryHex(attributes, "bcdDevice", out var bcdDevice) ? bcdDevice : (ushort)0,
            BcdUsb = Version(attributes),
            Class = ClassOf(attributes, "bDeviceClass", "bDeviceSubClass", "bDeviceProtocol"),
            Speed = SpeedOf(Ascii(attributes, "speed")),
            IdPath = raw.Properties.GetValueOrDefault("ID_PATH"),
            DeviceNode = $"{raw.DeviceFolder}/{address.DeviceNode}",
            ActiveConfiguration = TryDecimal(attributes, "bConfigurationValue", out var active) ? active : 0,
            Authorized = IsAuthorized(attributes),
            AuthorizesInterfaces = port.IsRootHub && Ascii(attributes, "interface_authorized_default") == "1",
            Interfaces = interfaces,
            HasReadDescriptors = attributes.ContainsKey("descriptors"),
            Descriptors = descriptors.Interfaces,
            DescriptorFault = descriptors.Fault,
            InterfaceTypes = InterfaceTypesOf(attributes, descriptors, interfaces),
            Hash = UsbGuardHash.Of(attributes),
            ParentHash = port.IsRootHub ? UsbGuardHash.OfPath(Parent(raw.Devpath)) : raw.ParentHash,
            ConnectType = ConnectTypeOf(raw.ConnectType),
            Uses = raw.Uses,
        };
    }

    /// <summary>Where USBGuard would refuse the descriptors: all that could be read of them, and what the kernel made of them.</summary>
    private static ImmutableArray<UsbClass> InterfaceTypesOf(
        IReadOnlyDictionary<string, byte[]> attributes, UsbDescriptors descriptors, ImmutableArray<UsbInterface> interfaces)
    {
        if (UsbGuardHash.TryRead(attributes.GetValueOrDefault("descriptors"), out var types))
        {
            return types;
        }

        var read = descriptors.Interfaces.Select(i => i.Class).ToList();
        return [.. read, .. interfaces.Select(i => i.Class).Except(read)];
    }

    private static string? ConnectTypeOf(byte[]? content)
    {
        var text = UsbGuardHash.Trimmed(content);
        return text.IsEmpty || text.Length > MostCharacters ? null : Encoding.ASCII.GetString(text);
    }

    private static UsbInterface? InterfaceOf(SysfsInterface raw) =>
        TryHex(raw.Attributes, "bInterfaceNumber", out var number)
            ? new UsbInterface(
                raw.Name, number, ClassOf(raw.Attributes, "bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol"), raw.Driver,
                IsAuthorized(raw.Attributes))
            : null;

    /// <summary>
    /// Reads <c>usb2-port4</c> or <c>2-4-port1</c> and gives the key that a device in that port would have.
    /// </summary>
    private static DeviceKey? PeerOf(SysfsPeer? peer)
    {
        var split = peer?.PortName.LastIndexOf("-port", StringComparison.Ordinal) ?? -1;
        if (peer is null || split < 0 || !UsbPortPath.TryParse(peer.PortName[..split], out var hub))
        {
            return null;
        }

        var number = peer.PortName[(split + 5)..];
        var path = hub.IsRootHub ? $"{hub.Bus}-{number}" : $"{hub}.{number}";
        return UsbPortPath.TryParse(path, out var port)
            ? DeviceKey.Port(peer.RootHub.Controller, HalfOf(peer.RootHub), port.Chain)
            : null;
    }

    private static UsbHalf HalfOf(SysfsRootHub hub) =>
        SpeedOf(hub.Speed is null ? "" : Encoding.ASCII.GetString(hub.Speed).Trim()) >= UsbSpeed.Super ? UsbHalf.Usb3 : UsbHalf.Usb2;

    /// <summary>Mb/s as drivers/usb/core/sysfs.c writes it.</summary>
    private static UsbSpeed SpeedOf(string text) => text switch
    {
        "1.5" => UsbSpeed.Low,
        "12" => UsbSpeed.Full,
        "480" => UsbSpeed.High,
        "5000" => UsbSpeed.Super,
        "10000" => UsbSpeed.SuperPlus,
        "20000" => UsbSpeed.SuperPlusX2,
        _ => UsbSpeed.Unknown,
    };

    private static UsbClass ClassOf(IReadOnlyDictionary<string, byte[]> attributes, string major, string minor, string protocol) =>
        new(Byte(attributes, major), Byte(attributes, minor), Byte(attributes, protocol));

    private static byte Byte(IReadOnlyDictionary<string, byte[]> attributes, string name) =>
        TryHex(attributes, name, out var value) && value <= byte.MaxValue ? (byte)value : (byte)0;

    /// <summary>Kernels before 4.4 have no such attribute on interfaces: everything is authorised there.</summary>
    private static bool IsAuthorized(IReadOnlyDictionary<string, byte[]> attributes) =>
        !TryDecimal(attributes, "authorized", out var value) || value != 0;

    /// <summary><c>version</c> is written as <c>" 2.00"</c>: two hex numbers of a byte each.</summary>
    private static ushort Version(IReadOnlyDictionary<string, byte[]> attributes)
    {
        var text = Ascii(attributes, "version");
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        return dot > 0
            && byte.TryParse(text.AsSpan(0, dot), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var major)
            && byte.TryParse(text.AsSpan(dot + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var minor)
            ? (ushort)((major << 8) | minor)
            : (ushort)0;
    }

    /// <summary>
    /// A string of the device's own: raw data, with invalid UTF-8 replaced by U+FFFD. sysfs adds one line end, and just that one is
    /// taken away.
    /// </summary>
    private static string? DeviceString(IReadOnlyDictionary<string, byte[]> attributes, string name)
    {
        if (!attributes.TryGetValue(name, out var bytes))
        {
            return null;
        }

        var content = bytes.AsSpan();
        if (!content.IsEmpty && content[^1] == '\n')
        {
            content = content[..^1];
        }

        // Four bytes are the most that one character takes, so nothing that is kept is lost here.
        var text = Encoding.UTF8.GetString(content[..Math.Min(content.Length, 4 * MostCharacters)]);
        if (text.Length > MostCharacters)
        {
            text = text[..(char.IsHighSurrogate(text[MostCharacters - 1]) ? MostCharacters - 1 : MostCharacters)];
        }

        return text.Length == 0 ? null : text;
    }

    private static string Ascii(IReadOnlyDictionary<string, byte[]> attributes, string name) =>
        attributes.TryGetValue(name, out var bytes) && bytes.Length <= 32 ? Encoding.ASCII.GetString(bytes).Trim() : "";

    /// <summary>Always decimal: a leading zero does not make it octal.</summary>
    private static bool TryDecimal(IReadOnlyDictionary<string, byte[]> attributes, string name, out int value) =>
        int.TryParse(Ascii(attributes, name), NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private static bool TryHex(IReadOnlyDictionary<string, byte[]> attributes, string name, out ushort value) =>
        ushort.TryParse(Ascii(attributes, name), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

    private static string Parent(string devpath) => devpath[..Math.Max(0, devpath.LastIndexOf('/'))];

    private static string Name(string devpath) => devpath[(devpath.LastIndexOf('/') + 1)..];
}
