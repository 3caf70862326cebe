// SPDX-License-Identifier: Apache-2.0
using System.Text;
using UsbHostd.Daemon.Usb;

namespace UsbHostd.Tests.Usb;

/// <summary>
/// A host's /sys, /proc, /run and /dev in a temporary folder, laid out as the kernel and udev do: real folders below
/// /devices, links elsewhere. Paths that methods take and give are below the sysfs root, as in DEVPATH.
/// </summary>
internal sealed class FakeSysfs : IDisposable
{
    private readonly Dictionary<string, int> lastNumber = new(StringComparer.Ordinal);
    private ulong clock = 1_000_000;

    public FakeSysfs()
    {
        Root = Directory.CreateTempSubdirectory("usbhostd-").FullName;
        Options = new UsbHostOptions
        {
            Sysfs = $"{Root}/sys",
            Proc = $"{Root}/proc",
            Run = $"{Root}/run",
            Dev = $"{Root}/dev",
            UsbIdFiles = [$"{Root}/usb.ids"],
        };
        foreach (var folder in new[] { "sys/bus/usb/devices", "sys/class/block", "sys/class/input", "sys/class/net", "proc/net", "run/udev/data", "dev" })
        {
            Directory.CreateDirectory($"{Root}/{folder}");
        }

        WriteProc("sys/kernel/random/boot_id", "6f1c2d7e-0d3a-4f57-9f0e-0f3d9c1f2ab4\n");
        WriteProc("1/mountinfo", "");
        WriteProc("swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
        Write("/bus/usb/drivers_probe", "");
    }

    public string Root { get; }

    public UsbHostOptions Options { get; }

    /// <summary>Adds a root hub; its controller's folder is made where it is missing.</summary>
    /// <param name="controller">Devpath of the controller, for example <c>/devices/pci0000:00/0000:00:14.0</c>.</param>
    /// <param name="subsystem">What its subsystem link names, for example <c>pci</c>.</param>
    /// <param name="bus">Bus number.</param>
    /// <param name="speed">480, or 5000 and more for the SuperSpeed half.</param>
    public string AddRootHub(string controller, string subsystem, int bus, string speed = "480")
    {
        Directory.CreateDirectory(Sys(controller));
        Link($"{controller}/subsystem", $"/bus/{subsystem}");
        var devpath = $"{controller}/usb{bus}";
        AddFolder(devpath, bus, new FakeUsbDevice
        {
            Vendor = "1d6b",
            Product = speed == "480" ? "0002" : "0003",
            Speed = speed,
            Class = "09",
            ProductName = "xHCI Host Controller",
            Interfaces = [new FakeInterface { Class = "09", Driver = "hub" }],
        });
        return devpath;
    }

    /// <summary>Plugs a device into a port of a root hub or hub; it gets the bus's next device number.</summary>
    public string AddDevice(string hub, int port, FakeUsbDevice device)
    {
        var hubName = Path.GetFileName(hub);
        var isRoot = hubName.StartsWith("usb", StringComparison.Ordinal);
        var bus = int.Parse(isRoot ? hubName[3..] : hubName[..hubName.IndexOf('-', StringComparison.Ordinal)]);
        var devpath = $"{hub}/{(isRoot ? $"{bus}-{port}" : $"{hubName}.{port}")}";
        AddFolder(devpath, bus, device);
        var portPath = PortOf(hub, port);
        Directory.CreateDirectory(Sys(portPath));
        Link($"{devpath}/port", portPath);
        return devpath;
    }

    /// <summary>Ties two ports as the halves of one physical port.</summary>
    public void AddPeers(string hub, int port, string otherHub, int otherPort)
    {
        var (one, other) = (PortOf(hub, port), PortOf(otherHub, otherPort));
        Directory.CreateDirectory(Sys(one));
        Directory.CreateDirectory(Sys(other));
        Link($"{one}/peer", other);
        Link($"{other}/peer", one);
    }

    public void Remove(string devpath)
    {
        foreach (var name in Directory.EnumerateDirectories(Sys(devpath)).Append(devpath).Select(path => Path.GetFileName(path)))
        {
            File.Delete(Sys($"/bus/usb/devices/{name}"));
        }

        File.Delete($"{Root}/run/udev/data/c{Read(devpath, "dev")}");
        Directory.Delete(Sys(devpath), recursive: true);
    }

    /// <summary>Adds a disk or partition below <paramref name="parent"/>, an interface or, for a partition, the disk.</summary>
    public string AddBlock(string parent, string name, string number)
    {
        var isPartition = Path.GetFileName(Path.GetDirectoryName(parent)!) == "block";
        var devpath = isPartition ? $"{parent}/{name}" : $"{parent}/host6/target6:0:0/6:0:0:0/block/{name}";
        Write($"{devpath}/dev", number + "\n");
        Directory.CreateDirectory(Sys($"{devpath}/holders"));
        Link($"/class/block/{name}", devpath);
        return devpath;
    }

    /// <summary>Adds a device-mapper volume that stands on a block device.</summary>
    public void AddMapper(string name, string number, string title, string on)
    {
        var devpath = $"/devices/virtual/block/{name}";
        Write($"{devpath}/dev", number + "\n");
        Write($"{devpath}/dm/name", title + "\n");
        Directory.CreateDirectory(Sys($"{devpath}/holders"));
        Link($"/class/block/{name}", devpath);
        Link($"{on}/holders/{name}", devpath);
    }

    /// <summary>Adds a network interface below an interface, or (parent null) a virtual one.</summary>
    public string AddNetwork(string? parent, string name)
    {
        var devpath = parent is null ? $"/devices/virtual/net/{name}" : $"{parent}/net/{name}";
        Directory.CreateDirectory(Sys(devpath));
        Link($"/class/net/{name}", devpath);
        return devpath;
    }

    /// <summary>Adds an input device; a keyboard's keys are those of a real one.</summary>
    public string AddInput(string parent, string name, bool isKeyboard)
    {
        var devpath = $"{parent}/input/{name}";
        Write($"{devpath}/capabilities/key", isKeyboard ? "10000 7 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\n" : "1f0000 0 0 0 0\n");
        Link($"/class/input/{name}", devpath);
        return devpath;
    }

    public void SetDriver(string devpath, string? driver)
    {
        File.Delete(Sys($"{devpath}/driver"));
        if (driver is not null)
        {
            Link($"{devpath}/driver", $"/bus/usb/drivers/{driver}");
        }
    }

    public void Write(string path, string content) => Write(path, Encoding.UTF8.GetBytes(content));

    public void Write(string path, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Sys(path))!);
        File.WriteAllBytes(Sys(path), content);
    }

    public void WriteProc(string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName($"{Root}/proc/{path}")!);
        File.WriteAllText($"{Root}/proc/{path}", content);
    }

    public string Read(string devpath, string attribute) => File.ReadAllText(Sys($"{devpath}/{attribute}")).Trim();

    /// <summary>Makes a link at <paramref name="path"/> that leads to <paramref name="target"/>, relative as in sysfs.</summary>
    public void Link(string path, string target)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Sys(path))!);
        File.Delete(Sys(path));
        File.CreateSymbolicLink(Sys(path), Path.GetRelativePath(Path.GetDirectoryName(Sys(path))!, Sys(target)));
    }

    public string Sys(string path) => $"{Root}/sys{path}";

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private static string PortOf(string hub, int port)
    {
        var name = Path.GetFileName(hub);
        var first = name.StartsWith("usb", StringComparison.Ordinal) ? $"{name[3..]}-0:1.0" : $"{name}:1.0";
        return $"{hub}/{first}/{name}-port{port}";
    }

    private void AddFolder(string devpath, int bus, FakeUsbDevice device)
    {
        var controller = devpath[..devpath.IndexOf("/usb", StringComparison.Ordinal)];
        var key = $"{controller} {bus}";
        var number = device.Number ?? lastNumber.GetValueOrDefault(key) + 1;
        lastNumber[key] = number;
        var name = Path.GetFileName(devpath);
        var minor = ((bus - 1) * 128) + number - 1;
        WriteAttributes(devpath, device, bus, number, minor);
        var first = name.StartsWith("usb", StringComparison.Ordinal) ? $"{bus}-0" : name;
        for (var i = 0; i < device.Interfaces.Count; i++)
        {
            AddInterface(devpath, $"{first}:1.{i}", i, device.Interfaces[i]);
        }

        Link($"/bus/usb/devices/{name}", devpath);
        clock += 1000;
        if (device.IsInitialized)
        {
            File.WriteAllText($"{Root}/run/udev/data/c189:{minor}", $"I:{clock}\nE:ID_PATH={device.IdPath}\nE:ID_BUS=usb\n");
        }
    }

    private void WriteAttributes(string devpath, FakeUsbDevice device, int bus, int number, int minor)
    {
        var attributes = new (string Name, string Value)[]
        {
            ("idVendor", device.Vendor), ("idProduct", device.Product), ("bcdDevice", "0110"), ("version", device.Version),
            ("busnum", $"{bus}"), ("devnum", $"{number}"), ("dev", $"189:{minor}"), ("speed", device.Speed),
            ("bDeviceClass", device.Class), ("bDeviceSubClass", "00"), ("bDeviceProtocol", "00"),
            ("bConfigurationValue", "1"), ("authorized", "1"),
        };
        foreach (var (name, value) in attributes)
        {
            Write($"{devpath}/{name}", value + "\n");
        }

        WriteString(devpath, "serial", device.Serial);
        WriteString(devpath, "manufacturer", device.Manufacturer);
        WriteString(devpath, "product", device.ProductName);
        Write($"{devpath}/descriptors", device.Descriptors ?? FakeDescriptors.For(device));
    }

    private void WriteString(string devpath, string name, string? value)
    {
        if (value is not null)
        {
            Write($"{devpath}/{name}", value + "\n");
        }
    }

    private void AddInterface(string devpath, string name, int number, FakeInterface from)
    {
        var folder = $"{devpath}/{name}";
        Write($"{folder}/bInterfaceNumber", $"{number:x2}\n");
        Write($"{folder}/bInterfaceClass", from.Class + "\n");
        Write($"{folder}/bInterfaceSubClass", from.Subclass + "\n");
        Write($"{folder}/bInterfaceProtocol", from.Protocol + "\n");
        Write($"{folder}/authorized", (from.IsAuthorized ? "1" : "0") + "\n");
        SetDriver(folder, from.Driver);
        Link($"/bus/usb/devices/{name}", folder);
    }
}
