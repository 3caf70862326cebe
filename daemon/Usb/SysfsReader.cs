// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using UsbHostd.Daemon.Linux;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Usb;

/// <summary>Gathers what sysfs and udev say of a device and has the pure reader make sense of it. Any thread may use it.</summary>
internal sealed class SysfsReader
{
    // Immediate tries: what suspend or a reset hides for longer is read as far as it goes, and again with the next event.
    private const int MostTries = 3;

    private static readonly string[] DeviceAttributes =
    [
        "idVendor", "idProduct", "busnum", "devnum", "dev", "bcdDevice", "version", "speed", "serial", "manufacturer", "product",
        "bDeviceClass", "bDeviceSubClass", "bDeviceProtocol", "bConfigurationValue", "authorized", "interface_authorized_default", "descriptors",
    ];

    // The descriptors last: where they could be read, the hub was there while the others were.
    private static readonly string[] HashedAttributes = ["idVendor", "idProduct", "product", "serial", "descriptors"];

    private static readonly string[] InterfaceAttributes =
        ["bInterfaceNumber", "bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol", "authorized"];

    private readonly UsbHostOptions options;
    private readonly ISysfsFiles files;
    private readonly UdevDatabase udev;
    private readonly HostUses uses;
    private readonly UsbIds names;
    private readonly Lazy<string> bootId;

    public SysfsReader(UsbHostOptions options, ISysfsFiles files)
    {
        this.options = options;
        this.files = files;
        udev = new UdevDatabase(options, files);
        uses = new HostUses(options, files, udev);
        names = new UsbIds(options);
        bootId = new Lazy<string>(() => Text($"{options.Proc}/sys/kernel/random/boot_id"));
    }

    public HostTables NewTables() => new(options, files);

    /// <summary>Whether the mounts that the guard sees are the host's; else they are those of our own namespace.</summary>
    public bool SeesHostMounts => files.Read(options.HostMounts, 1, out _) == 0;

    /// <summary>Devpaths of all USB devices, root hubs included.</summary>
    public ImmutableArray<string> List()
    {
        const string Folder = "/bus/usb/devices";
        return
        [
            .. files.List(options.Sysfs + Folder)
                .Where(name => UsbPortPath.TryParse(name, out _))
                .Select(name => files.ReadLink($"{options.Sysfs}{Folder}/{name}") is { } link ? Devpath.Follow(Folder, link) : null)
                .OfType<string>()
                .Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>Finds the names of all these devices in one go.</summary>
    public void PrefetchNames(IEnumerable<string> devpaths) => names.Prefetch(devpaths
        .Select(path => UsbId.TryParse(Text($"{options.Sysfs}{path}/idVendor") + ":" + Text($"{options.Sysfs}{path}/idProduct"), out var id)
            ? id
            : (UsbId?)null)
        .OfType<UsbId>());

    public ImmutableArray<HostUse> UsesOf(string devpath, DeviceChildren children, HostTables tables) =>
        uses.Of(devpath, children, tables);

    public DeviceReading Read(string devpath, HostTables tables)
    {
        for (var tries = 1; ; tries++)
        {
            var (raw, children) = Gather(devpath, tables);
            var reading = UsbDeviceReader.Read(raw);
            if (reading.Device is { HasReadDescriptors: true } device)
            {
                return new DeviceReading(DevicePresence.Present, device, children, null);
            }

            if (!Directory.Exists(options.Sysfs + devpath))
            {
                return new DeviceReading(DevicePresence.Gone, null, DeviceChildren.None, null);
            }

            if (reading.Device is null && IsComplete(raw.Attributes))
            {
                return new DeviceReading(DevicePresence.NotReady, null, DeviceChildren.None, reading.Reason);
            }

            if (tries >= MostTries)
            {
                return reading.Device is null
                    ? new DeviceReading(DevicePresence.Unreadable, null, DeviceChildren.None, reading.Reason)
                    : new DeviceReading(DevicePresence.Partial, reading.Device, children, "its descriptors are missing");
            }
        }
    }

    private static bool IsComplete(Dictionary<string, byte[]> attributes) =>
        attributes.ContainsKey("idVendor") && attributes.ContainsKey("idProduct") && attributes.ContainsKey("busnum")
        && attributes.ContainsKey("devnum");

    private static bool IsComplete(IReadOnlyDictionary<string, byte[]> attributes) =>
        IsComplete((Dictionary<string, byte[]>)attributes);

    private (SysfsAttributes Raw, DeviceChildren Children) Gather(string devpath, HostTables tables)
    {
        var folder = options.Sysfs + devpath;
        var attributes = ReadAll(folder, DeviceAttributes);
        var prefix = Devpath.Name(devpath) is var name && name.StartsWith("usb", StringComparison.Ordinal) ? $"{name[3..]}-0:" : name + ":";
        var interfaces = files.List(folder)
            .Where(entry => entry.StartsWith(prefix, StringComparison.Ordinal) && Devpath.IsInterfaceName(entry))
            .ToList();
        var children = DeviceChildren.Find(options.Sysfs, files, devpath, interfaces);
        var known = attributes.TryGetValue("idVendor", out var vendor) && attributes.TryGetValue("idProduct", out var product)
            && UsbId.TryParse($"{Trimmed(vendor)}:{Trimmed(product)}", out var id)
            ? names.Find(id)
            : default;
        var port = PortOf(devpath);
        var raw = new SysfsAttributes
        {
            Devpath = devpath,
            Attributes = attributes,
            Properties = PropertiesOf(attributes),
            Interfaces = [.. interfaces.Select(entry => ReadInterface($"{folder}/{entry}", entry))],
            RootHub = RootHubOf(devpath),
            Peer = PeerOf(port),
            ParentHash = HubHashOf(Devpath.Parent(devpath), tables),
            ConnectType = port is null ? null : ReadRetrying($"{options.Sysfs}{port}/connect_type"),
            BootId = bootId.Value,
            DeviceFolder = options.Dev,
            VendorFromDatabase = known.Vendor,
            ProductFromDatabase = known.Product,
            Uses = uses.Of(devpath, children, tables),
        };
        return (raw, children);
    }

    private Dictionary<string, string> PropertiesOf(Dictionary<string, byte[]> attributes)
    {
        var number = attributes.TryGetValue("dev", out var dev) ? Trimmed(dev) : "";
        var properties = udev.Read('c', number);
        if (!properties.ContainsKey("USEC_INITIALIZED") && !udev.IsRunning && attributes.TryGetValue("devnum", out var devnum))
        {
            // Nobody stamps devices here; the number differs between plugs until it wraps around after 127.
            properties["USEC_INITIALIZED"] = Trimmed(devnum);
        }

        return properties;
    }

    private SysfsInterface ReadInterface(string folder, string name) =>
        new(name, ReadAll(folder, InterfaceAttributes), files.ReadLink($"{folder}/driver") is { } link ? Devpath.Name(link) : null);

    private SysfsRootHub RootHubOf(string devpath)
    {
        var hub = Devpath.RootHubOf(devpath) ?? devpath;
        var parent = Devpath.Parent(hub);
        var subsystem = files.ReadLink($"{options.Sysfs}{parent}/subsystem") is { } link ? Devpath.Name(link) : "unknown";
        // A key has no blanks within its parts.
        var controller = new UsbController(subsystem.Replace(' ', '_'), Devpath.Name(parent).Replace(' ', '_'));
        return new SysfsRootHub(controller, ReadRetrying($"{options.Sysfs}{hub}/speed"));
    }

    /// <summary>
    /// The port that it is plugged in (drivers/usb/core/port.c); null for a root hub. The kernel links it only when all drivers are
    /// through with the device, which may be after its last event; until then the port is where ports of a hub are.
    /// </summary>
    private string? PortOf(string devpath)
    {
        if (files.ReadLink($"{options.Sysfs}{devpath}/port") is { } link)
        {
            return Devpath.Follow(devpath, link);
        }

        var hub = Devpath.Parent(devpath);
        if (!UsbPortPath.TryParse(Devpath.Name(devpath), out var path) || path.IsRootHub || Devpath.UsbDeviceOf(hub) != hub)
        {
            return null;
        }

        var hubName = Devpath.Name(hub);
        var number = path.Chain[(path.Chain.LastIndexOf('.') + 1)..];
        var first = Devpath.RootHubOf(hub) == hub ? $"{path.Bus}-0:1.0" : $"{hubName}:1.0";
        return $"{hub}/{first}/{hubName}-port{number}";
    }

    /// <summary>That port's other half.</summary>
    private SysfsPeer? PeerOf(string? port) =>
        port is not null && files.ReadLink($"{options.Sysfs}{port}/peer") is { } link && Devpath.Follow(port, link) is { } peer
            ? new SysfsPeer(Devpath.Name(peer), RootHubOf(peer))
            : null;

    /// <summary>Null where <paramref name="hub"/> is no USB device, or went away while it was read.</summary>
    private string? HubHashOf(string hub, HostTables tables) => Devpath.UsbDeviceOf(hub) == hub
        ? tables.HubHashOf(hub, () => UsbGuardHash.Of(ReadAll(options.Sysfs + hub, HashedAttributes)))
        : null;

    private Dictionary<string, byte[]> ReadAll(string folder, string[] wanted)
    {
        var result = new Dictionary<string, byte[]>(wanted.Length, StringComparer.Ordinal);
        foreach (var name in wanted)
        {
            if (ReadRetrying($"{folder}/{name}") is { } content)
            {
                result[name] = content;
            }
        }

        return result;
    }

    /// <summary>An attribute that is not there is not there; one that fails while it is read is tried again.</summary>
    private byte[]? ReadRetrying(string path)
    {
        for (var tries = 1; ; tries++)
        {
            var errno = files.Read(path, UsbDescriptors.MostBytes + 1, out var content);
            if (errno == 0)
            {
                return content;
            }

            if (errno == LibC.Enoent || tries >= MostTries)
            {
                return null;
            }
        }
    }

    private string Text(string path) => files.Read(path, 4096, out var content) == 0 ? Trimmed(content) : "";

    private static string Trimmed(byte[] content) => Encoding.ASCII.GetString(content).Trim();
}

/// <summary>What became of reading a device.</summary>
/// <param name="Device">Set where it is Present or Partial.</param>
/// <param name="Why">What is missing; null where nothing is, or the device is gone.</param>
internal readonly record struct DeviceReading(DevicePresence Presence, UsbDevice? Device, DeviceChildren Children, string? Why);

internal enum DevicePresence
{
    Present,

    /// <summary>It is there, and its descriptors can't be read: no rule may judge it so. One that was read before is as it was.</summary>
    Partial,

    Gone,

    /// <summary>It is there, and udev is not done with it: its event is still to come.</summary>
    NotReady,

    /// <summary>It is there, and what identifies it can't be read.</summary>
    Unreadable,
}
