// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// The host's tables as they are while one event is handled. Each is read when first asked for: most devices need none.
/// </summary>
internal sealed class HostTables(UsbHostOptions options, ISysfsFiles files)
{
    private const int MostTable = 16 * 1024 * 1024;

    private ILookup<string, Mount>? mountsByNumber;
    private ILookup<string, Mount>? mountsByName;
    private ILookup<string, string>? loops;
    private HashSet<string>? swaps;
    private HashSet<string>? defaultRoutes;
    private List<string>? keyboards;
    private readonly Dictionary<string, string?> hubHashes = new(StringComparer.Ordinal);
    private List<(string Uuid, HashSet<string> Members)>? btrfs;

    /// <summary>By major:minor.</summary>
    public ILookup<string, Mount> MountsByNumber
    {
        get
        {
            ReadMounts();
            return mountsByNumber!;
        }
    }

    /// <summary>By the kernel's name of the source, for file systems whose number is no block device's.</summary>
    public ILookup<string, Mount> MountsByName
    {
        get
        {
            ReadMounts();
            return mountsByName!;
        }
    }

    /// <summary>Kernel names of block devices that are swapped to.</summary>
    public IReadOnlySet<string> Swaps => swaps ??=
        [.. MountTable.ParseSwaps(Text($"{options.Proc}/swaps")).Select(BlockName).OfType<string>()];

    /// <summary>Loop devices by the kernel's name of the block device that is their backing file (Documentation/ABI/testing/sysfs-block-loop).</summary>
    public ILookup<string, string> LoopsByBacking => loops ??= files.List($"{options.Sysfs}/class/block")
        .Where(name => name.StartsWith("loop", StringComparison.Ordinal))
        .Select(name => (Loop: name, Backing: BlockName(Text($"{options.Sysfs}/class/block/{name}/loop/backing_file").TrimEnd('\n'))))
        .Where(pair => pair.Backing is not null)
        .ToLookup(pair => pair.Backing!, pair => pair.Loop, StringComparer.Ordinal);

    /// <summary>Names of interfaces with a default route.</summary>
    public IReadOnlySet<string> DefaultRoutes => defaultRoutes ??=
        [
            .. RouteTable.ParseIpv4(Text($"{options.Proc}/net/route")),
            .. RouteTable.ParseIpv6(Text($"{options.Proc}/net/ipv6_route")),
        ];

    /// <summary>Devpaths of all keyboards of the host that are more than software.</summary>
    public IReadOnlyList<string> Keyboards => keyboards ??= FindKeyboards();

    /// <summary>btrfs file systems that are mounted, with the kernel names of all their members.</summary>
    public IReadOnlyList<(string Uuid, HashSet<string> Members)> Btrfs => btrfs ??=
        [
            .. files.List($"{options.Sysfs}/fs/btrfs")
                .Select(uuid => (uuid, files.List($"{options.Sysfs}/fs/btrfs/{uuid}/devices").ToHashSet(StringComparer.Ordinal)))
                .Where(fs => fs.Item2.Count > 0),
        ];

    /// <summary>Hash of a hub, which all devices behind it have as their parent's: read once.</summary>
    public string? HubHashOf(string devpath, Func<string?> read)
    {
        if (!hubHashes.TryGetValue(devpath, out var hash))
        {
            hubHashes[devpath] = hash = read();
        }

        return hash;
    }

    /// <summary>Whether a ZFS pool is imported; the module shows each by name.</summary>
    public bool IsZfsPool(string name) =>
        name.Length > 0 && !name.Contains('/', StringComparison.Ordinal)
        && files.List($"{options.Proc}/spl/kstat/zfs/{name}").Count > 0;

    /// <summary>
    /// Whether an input device has the keys to type with: Esc to D, the first 31 codes, by which udev's input_id tells
    /// keyboards from remote controls and power buttons.
    /// </summary>
    public bool IsKeyboard(string devpath)
    {
        if (files.Read($"{options.Sysfs}{devpath}/capabilities/key", 1024, out var content) != 0)
        {
            return false;
        }

        // Words of the bitmap, the lowest last.
        var last = Encoding.ASCII.GetString(content).Trim().Split(' ')[^1];
        return ulong.TryParse(last, System.Globalization.NumberStyles.AllowHexSpecifier, null, out var keys)
            && (keys & 0xfffffffe) == 0xfffffffe;
    }

    private List<string> FindKeyboards()
    {
        var folder = $"{options.Sysfs}/class/input";
        return
        [
            .. files.List(folder)
                .Where(name => name.StartsWith("input", StringComparison.Ordinal))
                .Select(name => files.ReadLink($"{folder}/{name}") is { } link ? Devpath.Follow("/class/input", link) : null)
                .OfType<string>()
                // What uinput makes is no keyboard that a person could fall back on.
                .Where(path => !path.StartsWith("/devices/virtual/input/", StringComparison.Ordinal) && IsKeyboard(path)),
        ];
    }

    private void ReadMounts()
    {
        if (mountsByNumber is not null)
        {
            return;
        }

        var all = MountTable.ParseMounts(MountInfo()).ToList();
        mountsByNumber = all.ToLookup(m => m.Number, StringComparer.Ordinal);
        mountsByName = all
            .Where(m => m.Number.StartsWith("0:", StringComparison.Ordinal))
            .SelectMany(m => m.Source.Split(':').Select(source => (Name: BlockName(source), Mount: m)))
            .Where(pair => pair.Name is not null)
            .ToLookup(pair => pair.Name!, pair => pair.Mount, StringComparer.Ordinal);
    }

    private string MountInfo() =>
        files.Read(options.HostMounts, MostTable, out var content) == 0 ? Encoding.UTF8.GetString(content) : Text(options.OwnMounts);

    /// <summary>The kernel's name behind a node or a link to one: <c>/dev/mapper/vg-root</c> is <c>dm-0</c>.</summary>
    private string? BlockName(string node) =>
        node.StartsWith("/dev/", StringComparison.Ordinal) && DeviceLinks.Resolve(options, files, node) is { } path ? Devpath.Name(path) : null;

    private string Text(string path) => files.Read(path, MostTable, out var content) == 0 ? Encoding.UTF8.GetString(content) : "";
}
