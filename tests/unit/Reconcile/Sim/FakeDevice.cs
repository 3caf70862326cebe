// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>One physical device, which may be plugged in and pulled.</summary>
internal sealed class FakeDevice
{
    private string?[] drivers = [];

    public required string Name { get; init; }

    public required UsbId UsbId { get; set; }

    public string? Serial { get; init; }

    public UsbSpeed Speed { get; init; } = UsbSpeed.High;

    public UsbClass Class { get; init; }

    /// <summary>Which driver of the host takes each interface; null for none.</summary>
    public ImmutableArray<string?> HostDrivers { get; init; } = ["usb-storage"];

    public ImmutableArray<UsbEndpoint> Endpoints { get; init; } = [];

    public ImmutableArray<HostUse> Uses { get; set; } = [];

    public bool Authorized { get; set; } = true;

    /// <summary>Whether the kernel may suspend it: <c>auto</c> in <c>power/control</c>.</summary>
    public bool MaySleep { get; set; } = true;

    public bool AreInterfacesAuthorized { get; set; } = true;

    /// <summary>Of a root hub: whether it authorises what appears below it.</summary>
    public bool AuthorizesInterfaces { get; set; } = true;

    /// <summary>Whether the kernel has chosen a configuration for it, and so made its interfaces.</summary>
    public bool IsConfigured { get; set; } = true;

    /// <summary>Its own hash and its hub's, as USBGuard computes them; null where they could not be read.</summary>
    public string? Hash { get; init; }

    /// <summary>Null while it is not plugged in.</summary>
    public string? Port { get; private set; }

    public UsbAddress Address { get; private set; }

    public ulong UsecInitialized { get; private set; }

    public bool IsPlugged => Port is not null;

    public IReadOnlyList<string?> Drivers => drivers;

    public PlugToken Plug => PlugToken.Of(FakeHost.BootId, Syspath, UsecInitialized);

    public string Syspath
    {
        get
        {
            var path = PortPath;
            var text = $"/devices/pci0000:00/0000:00:14.0/usb{path.Bus}";
            var tiers = path.IsRootHub ? [] : path.Chain.Split('.');
            for (var i = 1; i <= tiers.Length; i++)
            {
                text += $"/{path.Bus}-{string.Join('.', tiers.Take(i))}";
            }

            return text;
        }
    }

    private UsbPortPath PortPath => UsbPortPath.TryParse(Port, out var path) ? path : throw new InvalidOperationException($"{Name} is not plugged in");

    public void PlugInto(string port, UsbAddress address, ulong usec)
    {
        (Port, Address, UsecInitialized) = (port, address, usec);
        (drivers, AreInterfacesAuthorized, IsConfigured) = ([.. HostDrivers], true, true);
    }

    public void Pull()
    {
        Port = null;
        drivers = [];
    }

    public void SetDrivers(Func<string?, int, string?> driver) => drivers = [.. drivers.Select(driver)];

    /// <summary>What an observer reads now.</summary>
    public UsbDevice Seen()
    {
        var path = PortPath;
        var controller = new UsbController("pci", "0000:00:14.0");
        var half = path.Bus == 2 ? UsbHalf.Usb3 : UsbHalf.Usb2;
        var peer = half == UsbHalf.Usb2 ? UsbHalf.Usb3 : UsbHalf.Usb2;
        return new UsbDevice
        {
            Syspath = Syspath,
            UsbId = UsbId,
            Address = Address,
            PortPath = path,
            Plug = Plug,
            UsecInitialized = UsecInitialized,
            Controller = controller,
            Half = half,
            PortKey = DeviceKey.Port(controller, half, path.Chain),
            PeerPortKey = path.IsRootHub ? null : DeviceKey.Port(controller, peer, path.Chain),
            SerialKey = DeviceKey.IsUsableSerial(Serial) ? DeviceKey.Serial(UsbId, Serial!) : null,
            Product = Name,
            IdPath = $"pci-0000:00:14.0-usb-0:{path.Chain}",
            Serial = Serial,
            Hash = Hash,
            ParentHash = Hash,
            Class = Class,
            Speed = Speed,
            DeviceNode = $"/dev/{Address.DeviceNode}",
            ActiveConfiguration = IsConfigured ? 1 : 0,
            Authorized = Authorized,
            AuthorizesInterfaces = path.IsRootHub && AuthorizesInterfaces,
            Interfaces = IsConfigured ? [.. drivers.Select((d, i) => new UsbInterface($"{path}:1.{i}", i, new UsbClass(8, 6, 80), d, AreInterfacesAuthorized))] : [],
            Descriptors = Endpoints.IsEmpty ? [] : [new UsbInterfaceDescriptor(1, 0, 0, new UsbClass(8, 6, 80), Endpoints)],
            Uses = Uses,
        };
    }

    public override string ToString() => $"{Name} at {Port ?? "nowhere"}";
}

/// <summary>Devices as people own them.</summary>
internal static class Some
{
    public static readonly UsbId StickId = new(0x0951, 0x1666);
    public static readonly UsbId EspBoot = new(0x303a, 0x1001);
    public static readonly UsbId EspApp = new(0x303a, 0x4001);

    public static FakeDevice Stick(string? serial = "S-0001", string name = "stick") => new() { Name = name, UsbId = StickId, Serial = serial };

    public static FakeDevice Keyboard() =>
        new() { Name = "keyboard", UsbId = new UsbId(0x046d, 0xc31c), Speed = UsbSpeed.Low, HostDrivers = ["usbhid", "usbhid"] };

    public static FakeDevice Hub() =>
        new() { Name = "hub", UsbId = new UsbId(0x05e3, 0x0608), Class = new UsbClass(UsbClass.Hub, 0, 1), HostDrivers = ["hub"] };

    public static FakeDevice RootHub() =>
        new() { Name = "root hub", UsbId = new UsbId(0x1d6b, 0x0002), Class = new UsbClass(UsbClass.Hub, 0, 1), HostDrivers = ["hub"] };

    /// <summary>A device that no driver of the host wants.</summary>
    public static FakeDevice Dongle(string serial = "D-77") => new() { Name = "dongle", UsbId = new UsbId(0x0529, 0x0001), Serial = serial, HostDrivers = [null] };

    public static FakeDevice Microcontroller() => new() { Name = "esp", UsbId = EspBoot, HostDrivers = ["cdc_acm"] };

    /// <summary>SuperSpeed with bulk streams: QEMU lets it run at no other speed.</summary>
    public static FakeDevice SuperSpeedDisk() => new()
    {
        Name = "disk",
        UsbId = new UsbId(0x174c, 0x55aa),
        Serial = "DISK-9",
        Speed = UsbSpeed.Super,
        HostDrivers = ["uas"],
        Endpoints = [new UsbEndpoint(0x81, UsbTransferType.Bulk, 1024, 0, MaxStreams: 4)],
    };
}
