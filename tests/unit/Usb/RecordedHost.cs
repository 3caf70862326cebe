// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;

namespace UsbHostd.Tests.Usb;

/// <summary>
/// A host as it was: two xHCI and four dummy_hcd controllers with QEMU's and configfs' devices, some with strings that are no honest
/// device's, and what USBGuard 1.1.2 said of them.
/// </summary>
internal static class RecordedHost
{
    /// <summary>In the order of <c>usbguard generate-policy</c>.</summary>
    public static readonly RecordedDevice[] Devices =
    [
        new("/devices/pci0000:00/0000:00:04.0/usb1", "1d6b:0002", "xHCI Host Controller", "0000:00:04.0", null,
            "EgEAAgkAAUBrHQIAAQYDAgEBCQIZAAEBAOAACQQAAAEJAAAABwWBAwQADA=="),
        new("/devices/pci0000:00/0000:00:04.0/usb2", "1d6b:0003", "xHCI Host Controller", "0000:00:04.0", null,
            "EgEAAwkAAwlrHQMAAQYDAgEBCQIfAAEBAOAACQQAAAEJAAAABwWBAwIADAYwAAACAA=="),
        new("/devices/pci0000:00/0000:00:05.0/usb3", "1d6b:0002", "xHCI Host Controller", "0000:00:05.0", null,
            "EgEAAgkAAUBrHQIAAQYDAgEBCQIZAAEBAOAACQQAAAEJAAAABwWBAwQADA=="),
        new("/devices/pci0000:00/0000:00:05.0/usb4", "1d6b:0003", "xHCI Host Controller", "0000:00:05.0", null,
            "EgEAAwkAAwlrHQMAAQYDAgEBCQIfAAEBAOAACQQAAAEJAAAABwWBAwIADAYwAAACAA=="),
        new("/devices/platform/dummy_hcd.0/usb5", "1d6b:0002", "Dummy host controller", "dummy_hcd.0", null,
            "EgEAAgkAAUBrHQIAAQYDAgEBCQIZAAEBAOAACQQAAAEJAAAABwWBAwQADA=="),
        new("/devices/platform/dummy_hcd.1/usb6", "1d6b:0002", "Dummy host controller", "dummy_hcd.1", null,
            "EgEAAgkAAUBrHQIAAQYDAgEBCQIZAAEBAOAACQQAAAEJAAAABwWBAwQADA=="),
        new("/devices/platform/dummy_hcd.2/usb7", "1d6b:0002", "Dummy host controller", "dummy_hcd.2", null,
            "EgEAAgkAAUBrHQIAAQYDAgEBCQIZAAEBAOAACQQAAAEJAAAABwWBAwQADA=="),
        new("/devices/platform/dummy_hcd.3/usb8", "1d6b:0002", "Dummy host controller", "dummy_hcd.3", null,
            "EgEAAgkAAUBrHQIAAQYDAgEBCQIZAAEBAOAACQQAAAEJAAAABwWBAwQADA=="),
        new("/devices/pci0000:00/0000:00:04.0/usb1/1-1", "0627:0001", "QEMU USB Keyboard", "68284-0000:00:04.0-1", "unknown",
            "EgEAAgAAAEAnBgEAAAABBAsBCQIiAAEBCKAyCQQAAAEDAQEACSERAQABIj8ABwWBAwgABw=="),
        new("/devices/pci0000:00/0000:00:04.0/usb1/1-2", "0409:55aa", "QEMU USB Hub", "314159-0000:00:04.0-2", "unknown",
            "EgEQAQkAAAgJBKpVAQEBAgMBCQIZAAEBAOAACQQAAAEJAAAABwWBAwIA/w=="),
        new("/devices/pci0000:00/0000:00:04.0/usb2/2-5", "46f4:0001", "QEMU USB HARDDRIVE", "SER-A", "unknown",
            "EgEAAwAAAAn0RgEAAAABAgMBCQIsAAEBBsAACQQAAAIIBlAABwWBAgAEAAYwDwAAAAcFAgIABAAGMA8AAAA="),
        new("/devices/pci0000:00/0000:00:05.0/usb3/3-1", "08e6:4433", "QEMU USB CCID", "1-0000:00:05.0-1", "unknown",
            "EgEQAQAAAEDmCDNEAAABAgMBCQJdAAEBAOAyCQQAAAMLAAAENiEQAQAHAQAAAKAPAAAAAAEAAIAlAAAAwgEAAP4AAAAAAAAAAAAAAP4EAQASAAEA//8AAAEBBwWBA0AA/wcFggJAAAAHBQMCQAAA"),
        new("/devices/pci0000:00/0000:00:05.0/usb3/3-2", "0409:55aa", "QEMU USB Hub", "314159-0000:00:05.0-2", "unknown",
            "EgEQAQkAAAgJBKpVAQEBAgMBCQIZAAEBAOAACQQAAAEJAAAABwWBAwIA/w=="),
        new("/devices/platform/dummy_hcd.0/usb5/5-1", "303a:1001", "He said \"hi\" \\ é漢🎉", "S\"\\1é", "unknown",
            "EgEAAgAAAEA6MAEQAQYBAgMBCQJLAAIBBIA8CAsAAgICAQcJBAAAAQICAQUFJAAQAQUkAQABBCQCAgUkBgABBwWFAwoACQkEAQACCgAABgcFgQIAAgAHBQICAAIA"),
        new("/devices/platform/dummy_hcd.1/usb6/6-1", "303a:1002", "line\u000abreak\u001b[31m \u007f tail\u0009", null, "unknown",
            "EgEAAgAAAEA6MAIQAQYBAgMBCQIpAAEBBIA8CQQAAAIDAAAFCSEBAQABIg0ABwWBAwgABAcFAgMIAAQ="),
        new("/devices/platform/dummy_hcd.2/usb7/7-1", "1d6b:0002", "g2", "A1", "unknown",
            "EgEAAgAAAEBrHQIAAQYBAgMBCQIgAAEBBIA8CQQAAAIIBlAFBwWBAgACAAcFAgIAAgE="),
        new("/devices/platform/dummy_hcd.3/usb8/8-1", "0bda:8152", "g3", "000", "unknown",
            "EgEAAgAAAEDaC1KBAQYBAgMCCQJLAAIBBIA8CAsAAgICAQcJBAAAAQICAQUFJAAQAQUkAQABBCQCAgUkBgABBwWFAwoACQkEAQACCgAABgcFgQIAAgAHBQICAAIACQIgAAECCYABCQQAAAIIBlAKBwWBAgACAAcFAgIAAgE="),
        new("/devices/pci0000:00/0000:00:04.0/usb1/1-2/1-2.1", "0627:0001", "QEMU USB Keyboard", "68284-0000:00:04.0-2.1", "unknown",
            "EgEAAgAAAAgnBgEAAAABBAsBCQIiAAEBCKAyCQQAAAEDAQEACSERAQABIj8ABwWBAwgACg=="),
        new("/devices/pci0000:00/0000:00:05.0/usb3/3-2/3-2.4", "0627:0001", "QEMU USB Mouse", "89126-0000:00:05.0-2.4", "unknown",
            "EgEAAgAAAAgnBgEAAAABAgkBCQIiAAEBBqAyCQQAAAEDAQIACSEBAAABIjQABwWBAwQACg=="),
    ];

    /// <summary><c>usbguard generate-policy -p</c>: every rule says its port.</summary>
    public static string Policy => """
        allow id 1d6b:0002 serial "0000:00:04.0" name "xHCI Host Controller" hash "RAoFFbYf/KvLFlugqasSHbVw4bRPRWOkutI4A/2Fg+o=" parent-hash "9Ii0Zm8Mvu2nYz9z/EgAXJ/ed6bLW8Ctv1iUD5rh6qY=" via-port "usb1" with-interface 09:00:00 with-connect-type ""
        allow id 1d6b:0003 serial "0000:00:04.0" name "xHCI Host Controller" hash "m5lQfOThWyUvbKz24NmQFYxIuDeE4j0yD8tZ5fSsGIE=" parent-hash "9Ii0Zm8Mvu2nYz9z/EgAXJ/ed6bLW8Ctv1iUD5rh6qY=" via-port "usb2" with-interface 09:00:00 with-connect-type ""
        allow id 1d6b:0002 serial "0000:00:05.0" name "xHCI Host Controller" hash "ylp7aLhJsEww70cb+//cXqJJcqOs/hxwHPbJy5ytTss=" parent-hash "cMRKHUSNcd0vJPcUZhwrTI3c5CWedllA0lXosTS9gCQ=" via-port "usb3" with-interface 09:00:00 with-connect-type ""
        allow id 1d6b:0003 serial "0000:00:05.0" name "xHCI Host Controller" hash "Nkh+Gef7UFKArZ7iIqwDF5ap7SmdwveCV+6E6dyZ2Ik=" parent-hash "cMRKHUSNcd0vJPcUZhwrTI3c5CWedllA0lXosTS9gCQ=" via-port "usb4" with-interface 09:00:00 with-connect-type ""
        allow id 1d6b:0002 serial "dummy_hcd.0" name "Dummy host controller" hash "dNx3LtCTe3S1+GVQoI4edBokuwl9QFaUlvI9RGTQZ9o=" parent-hash "Jwv/aJJ0vNqL00YR5Qgll3MXPg4nGzR89Cuhly4GMuo=" via-port "usb5" with-interface 09:00:00 with-connect-type ""
        allow id 1d6b:0002 serial "dummy_hcd.1" name "Dummy host controller" hash "ps5o3oUUa79zeH3RmJ0Hz4QhYO3sa7WmIij9QW+3/Ow=" parent-hash "rShVPN4K3vwPaMZknWiNP94ukblBk/XnKac4wlZq3LY=" via-port "usb6" with-interface 09:00:00 with-connect-type ""
        allow id 1d6b:0002 serial "dummy_hcd.2" name "Dummy host controller" hash "Fn8U3KAKHARp0KLPIzTnaNE53Sv16BUoLpd7oydoNRM=" parent-hash "67qMTFzqQ+NhPu5+ON9nxh92YZ21wSDVd3w9tR4zLrE=" via-port "usb7" with-interface 09:00:00 with-connect-type ""
        allow id 1d6b:0002 serial "dummy_hcd.3" name "Dummy host controller" hash "BvWMS7RPEwyfbhcjHNMNtUFc0mMO2PPoo4XaiTyH0uk=" parent-hash "vAXK0WwbOOtpf9XfW0d0LPlnSFDBhO1wobeCP15X/Bo=" via-port "usb8" with-interface 09:00:00 with-connect-type ""
        allow id 0627:0001 serial "68284-0000:00:04.0-1" name "QEMU USB Keyboard" hash "kEQfNViA+vWCUZ1BZjHsJCXCfGMJJG5mB12YrxPbbGs=" parent-hash "RAoFFbYf/KvLFlugqasSHbVw4bRPRWOkutI4A/2Fg+o=" via-port "1-1" with-interface 03:01:01 with-connect-type "unknown"
        allow id 0409:55aa serial "314159-0000:00:04.0-2" name "QEMU USB Hub" hash "Cxy58pQQ1nxjMY191NBFtOAkQ6xD86xLhZg3MAQ8YqQ=" parent-hash "RAoFFbYf/KvLFlugqasSHbVw4bRPRWOkutI4A/2Fg+o=" via-port "1-2" with-interface 09:00:00 with-connect-type "unknown"
        allow id 46f4:0001 serial "SER-A" name "QEMU USB HARDDRIVE" hash "lKr1kQh29WiiiWM2LGKjWY9ZvVy795P21sLfSY6Dh08=" parent-hash "m5lQfOThWyUvbKz24NmQFYxIuDeE4j0yD8tZ5fSsGIE=" via-port "2-5" with-interface 08:06:50 with-connect-type "unknown"
        allow id 08e6:4433 serial "1-0000:00:05.0-1" name "QEMU USB CCID" hash "akLsjxoWk/WPijhDXq8IO/7jqnq/r7QphlpnffCj38k=" parent-hash "ylp7aLhJsEww70cb+//cXqJJcqOs/hxwHPbJy5ytTss=" via-port "3-1" with-interface 0b:00:00 with-connect-type "unknown"
        allow id 0409:55aa serial "314159-0000:00:05.0-2" name "QEMU USB Hub" hash "UKvnYzcro4J9dBPOXRLVui69fl71uJzDtYmo8LChjwE=" parent-hash "ylp7aLhJsEww70cb+//cXqJJcqOs/hxwHPbJy5ytTss=" via-port "3-2" with-interface 09:00:00 with-connect-type "unknown"
        allow id 303a:1001 serial "S\"\\1\xc3\xa9" name "He said \"hi\" \\ \xc3\xa9\xe6\xbc\xa2\xf0\x9f\x8e\x89" hash "qPIRxUFHTHDT4qVERZJdVMClYGM4LgrC/rZQb5KbBP8=" parent-hash "dNx3LtCTe3S1+GVQoI4edBokuwl9QFaUlvI9RGTQZ9o=" via-port "5-1" with-interface { 02:02:01 0a:00:00 } with-connect-type "unknown"
        allow id 303a:1002 serial "" name "line\x0abreak\x1b[31m \x7f tail" hash "/xwhSyakmyB3OgnIEqC0cEnSmhStMWreS0BV4nu6Crw=" parent-hash "ps5o3oUUa79zeH3RmJ0Hz4QhYO3sa7WmIij9QW+3/Ow=" via-port "6-1" with-interface 03:00:00 with-connect-type "unknown"
        allow id 1d6b:0002 serial "A1" name "g2" hash "U+2xKa/BTI8A6MpeIrvnEfU2AWmrEl10o51nmeq3FkM=" parent-hash "Fn8U3KAKHARp0KLPIzTnaNE53Sv16BUoLpd7oydoNRM=" via-port "7-1" with-interface 08:06:50 with-connect-type "unknown"
        allow id 0bda:8152 serial "000" name "g3" hash "XQbSI4xrAThNiPE5PwQxj6BC0l9vqFN+RzeaMSxzHrY=" parent-hash "BvWMS7RPEwyfbhcjHNMNtUFc0mMO2PPoo4XaiTyH0uk=" via-port "8-1" with-interface { 02:02:01 0a:00:00 08:06:50 } with-connect-type "unknown"
        allow id 0627:0001 serial "68284-0000:00:04.0-2.1" name "QEMU USB Keyboard" hash "3b/4AJ9z9el/O9cbZjP3QZWDG5V8CyhOI86F6w68q6U=" parent-hash "Cxy58pQQ1nxjMY191NBFtOAkQ6xD86xLhZg3MAQ8YqQ=" via-port "1-2.1" with-interface 03:01:01 with-connect-type "unknown"
        allow id 0627:0001 serial "89126-0000:00:05.0-2.4" name "QEMU USB Mouse" hash "f4Z8hMtqkwMC3IfGwZdgGUzwg8yMuK1DDwueUAQ4aog=" parent-hash "UKvnYzcro4J9dBPOXRLVui69fl71uJzDtYmo8LChjwE=" via-port "3-2.4" with-interface 03:01:02 with-connect-type "unknown"
        """;

    /// <summary>Lays the devices out below /sys.</summary>
    public static void AddTo(FakeSysfs sysfs)
    {
        for (var i = 0; i < Devices.Length; i++)
        {
            Add(sysfs, Devices[i], i + 1);
        }
    }

    private static void Add(FakeSysfs sysfs, RecordedDevice device, int number)
    {
        var devpath = device.Devpath;
        var bus = device.Name.StartsWith("usb", StringComparison.Ordinal) ? device.Name[3..] : device.Name[..device.Name.IndexOf('-', StringComparison.Ordinal)];
        sysfs.Write($"{devpath}/uevent", "DEVTYPE=usb_device\n");
        sysfs.Write($"{devpath}/idVendor", device.Id[..4] + "\n");
        sysfs.Write($"{devpath}/idProduct", device.Id[5..] + "\n");
        sysfs.Write($"{devpath}/busnum", bus + "\n");
        sysfs.Write($"{devpath}/devnum", number.ToString(CultureInfo.InvariantCulture) + "\n");
        sysfs.Write($"{devpath}/authorized", "1\n");
        sysfs.Write($"{devpath}/dev", $"189:{number}\n");
        File.WriteAllText($"{sysfs.Root}/run/udev/data/c189:{number}", $"I:{number}\n");
        sysfs.Write($"{devpath}/product", device.Product + "\n");
        sysfs.Write($"{devpath}/descriptors", Convert.FromBase64String(device.Descriptors));
        if (device.Serial is not null)
        {
            sysfs.Write($"{devpath}/serial", device.Serial + "\n");
        }

        if (device.ConnectType is not null)
        {
            var port = $"{devpath[..devpath.LastIndexOf('/')]}/port-of-{device.Name}";
            sysfs.Write($"{port}/connect_type", device.ConnectType + "\n");
            sysfs.Link($"{devpath}/port", port);
        }

        sysfs.Link($"/bus/usb/devices/{device.Name}", devpath);
    }
}

/// <param name="Id">idVendor and idProduct.</param>
/// <param name="Descriptors">In base64.</param>
internal sealed record RecordedDevice(string Devpath, string Id, string Product, string? Serial, string? ConnectType, string Descriptors)
{
    public string Name => Devpath[(Devpath.LastIndexOf('/') + 1)..];

    public override string ToString() => Name;
}
