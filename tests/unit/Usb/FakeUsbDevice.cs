// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Tests.Usb;

/// <summary>What a device says of itself, in the words of sysfs.</summary>
internal sealed record FakeUsbDevice
{
    public string Vendor { get; init; } = "0951";

    public string Product { get; init; } = "1666";

    public string Class { get; init; } = "00";

    public string Speed { get; init; } = "480";

    public string Version { get; init; } = " 2.00";

    public string? Serial { get; init; }

    public string? Manufacturer { get; init; }

    public string? ProductName { get; init; }

    public string IdPath { get; init; } = "pci-0000:00:14.0-usb-0:4";

    /// <summary>The device number; null for the bus's next.</summary>
    public int? Number { get; init; }

    /// <summary>Whether udev is done with it.</summary>
    public bool IsInitialized { get; init; } = true;

    public IReadOnlyList<FakeInterface> Interfaces { get; init; } = [new FakeInterface()];

    /// <summary>The binary descriptors; null for such as agree with the rest.</summary>
    public byte[]? Descriptors { get; init; }

    public static FakeUsbDevice Stick(string? serial) => new()
    {
        Vendor = "0951",
        Product = "1666",
        Manufacturer = "Kingston",
        ProductName = "DataTraveler 3.0",
        Serial = serial,
        Interfaces = [new FakeInterface { Class = "08", Subclass = "06", Protocol = "50", Driver = "usb-storage" }],
    };

    public static FakeUsbDevice Keyboard() => new()
    {
        Vendor = "046d",
        Product = "c31c",
        Manufacturer = "Logitech",
        ProductName = "USB Keyboard",
        Speed = "1.5",
        Version = " 1.10",
        Interfaces =
        [
            new FakeInterface { Class = "03", Subclass = "01", Protocol = "01", Driver = "usbhid", EndpointAttributes = [0x03] },
            new FakeInterface { Class = "03", Subclass = "00", Protocol = "00", Driver = "usbhid", EndpointAttributes = [0x03] },
        ],
    };

    public static FakeUsbDevice Hub() => new()
    {
        Vendor = "2109",
        Product = "2813",
        Class = "09",
        ProductName = "USB2.0 Hub",
        Interfaces = [new FakeInterface { Class = "09", Driver = "hub", EndpointAttributes = [0x03] }],
    };
}

internal sealed record FakeInterface
{
    public string Class { get; init; } = "ff";

    public string Subclass { get; init; } = "00";

    public string Protocol { get; init; } = "00";

    public string? Driver { get; init; }

    public bool IsAuthorized { get; init; } = true;

    /// <summary>bmAttributes of each endpoint; bulk in and out where nothing else is said.</summary>
    public byte[] EndpointAttributes { get; init; } = [0x02, 0x02];

    /// <summary>bmAttributes of each endpoint's SuperSpeed companion; null for none.</summary>
    public byte? Streams { get; init; }
}
