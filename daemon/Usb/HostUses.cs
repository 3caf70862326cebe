// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// Who on the host uses a device, from what its drivers have made of it and what the kernel tells of by events. Processes and guests that
/// have its nodes open are <see cref="DeviceHolders"/>'.
/// </summary>
internal sealed class HostUses(UsbHostOptions options, ISysfsFiles files, UdevDatabase udev)
{
    private const int MostStacked = 8;
    private const int MostMountsShown = 8;

    public ImmutableArray<HostUse> Of(string devpath, DeviceChildren children, HostTables tables)
    {
        if (children == DeviceChildren.None)
        {
            return [];
        }

        var uses = new List<HostUse>();
        foreach (var block in children.Blocks)
        {
            AddBlock(uses, block, tables);
        }

        foreach (var network in children.Networks)
        {
            AddNetwork(uses, network, tables);
        }

        AddInputs(uses, devpath, children.Inputs, tables);
        return [.. uses.Distinct().OrderBy(use => use.Kind)];
    }

    private void AddBlock(List<HostUse> uses, BlockChild block, HostTables tables)
    {
        var node = $"/dev/{block.Name}";
        AddMounts(uses, node, "", block.Name, block.Number, tables);
        AddLoops(uses, node, block.Name, 0, tables);
        AddHolders(uses, node, $"{options.Sysfs}{block.Devpath}", 0, tables);
        var properties = udev.Read('b', block.Number);
        if (properties.GetValueOrDefault("ID_FS_TYPE") is "zfs_member"
            && properties.GetValueOrDefault("ID_FS_LABEL") is { } pool && tables.IsZfsPool(pool))
        {
            uses.Add(new HostUse(HostUseKind.Volume, $"{node} in zfs pool {pool}"));
        }
    }

    private static void AddMounts(
        List<HostUse> uses, string node, string through, string name, string number, HostTables tables)
    {
        var mounts = tables.MountsByNumber[number].Concat(tables.MountsByName[name]).ToLookup(m => m.IsUsers, m => m.Point);
        uses.AddRange(mounts[true].Distinct(StringComparer.Ordinal).Take(MostMountsShown).Select(p => new HostUse(HostUseKind.UserMount, $"{node} on {p}{through}")));
        var points = mounts[false].ToList();
        foreach (var (uuid, members) in tables.Btrfs.Where(fs => fs.Members.Contains(name)))
        {
            // Only one member stands in mountinfo; the file system needs them all.
            var shown = members.SelectMany(member => tables.MountsByName[member]).Select(m => m.Point).ToList();
            points.AddRange(shown);
            if (shown.Count == 0)
            {
                uses.Add(new HostUse(HostUseKind.Mount, $"{node} in btrfs {uuid}{through}"));
            }
        }

        uses.AddRange(points.Distinct(StringComparer.Ordinal).Take(MostMountsShown).Select(p => new HostUse(HostUseKind.Mount, $"{node} on {p}{through}")));
        if (tables.Swaps.Contains(name))
        {
            uses.Add(new HostUse(HostUseKind.Swap, node + through));
        }
    }

    /// <summary>LVM, LUKS, RAID, bcache and multipath all show as holders, and can stand on each other.</summary>
    private void AddHolders(List<HostUse> uses, string node, string folder, int depth, HostTables tables)
    {
        if (depth >= MostStacked)
        {
            return;
        }

        foreach (var holder in files.List($"{folder}/holders").Order(StringComparer.Ordinal))
        {
            var path = $"{options.Sysfs}/class/block/{holder}";
            var title = Text($"{path}/dm/name") is { Length: > 0 } name ? name : holder;
            uses.Add(new HostUse(HostUseKind.Volume, $"{node} in {title}"));
            AddMounts(uses, node, $", through {title}", holder, Text($"{path}/dev"), tables);
            AddLoops(uses, node, holder, depth + 1, tables);
            AddHolders(uses, node, path, depth + 1, tables);
        }
    }

    /// <summary>Loop devices on a disk, partition or volume, and what stands on them in turn: sysfs names them as no holders.</summary>
    private void AddLoops(List<HostUse> uses, string node, string name, int depth, HostTables tables)
    {
        if (depth >= MostStacked)
        {
            return;
        }

        foreach (var loop in tables.LoopsByBacking[name])
        {
            uses.Add(new HostUse(HostUseKind.Loop, $"/dev/{loop} on {node}"));
            var folder = $"{options.Sysfs}/class/block/{loop}";
            foreach (var part in files.List(folder).Where(n => n.StartsWith(loop + "p", StringComparison.Ordinal)).Prepend(loop))
            {
                var path = $"{options.Sysfs}/class/block/{part}";
                AddMounts(uses, node, $", through {part}", part, Text($"{path}/dev"), tables);
                AddHolders(uses, node, path, depth + 1, tables);
                AddLoops(uses, node, part, depth + 1, tables);
            }
        }
    }

    private void AddNetwork(List<HostUse> uses, string devpath, HostTables tables)
    {
        var name = Devpath.Name(devpath);
        uses.Add(new HostUse(HostUseKind.Network, name));
        foreach (var upper in UpperOf(name, $"{options.Sysfs}{devpath}", 0).Prepend(name).Where(tables.DefaultRoutes.Contains))
        {
            uses.Add(new HostUse(HostUseKind.DefaultRoute, string.Equals(upper, name, StringComparison.Ordinal) ? name : $"{name}, through {upper}"));
        }
    }

    /// <summary>Bridges, bonds and VLANs above an interface (<c>upper_br0</c> links).</summary>
    private IEnumerable<string> UpperOf(string name, string folder, int depth)
    {
        const string Prefix = "upper_";
        return depth >= MostStacked
            ? []
            : files.List(folder)
                .Where(entry => entry.StartsWith(Prefix, StringComparison.Ordinal))
                .Select(entry => entry[Prefix.Length..])
                .Where(upper => !string.Equals(upper, name, StringComparison.Ordinal))
                .SelectMany(upper => UpperOf(upper, $"{options.Sysfs}/class/net/{upper}", depth + 1).Prepend(upper));
    }

    private static void AddInputs(List<HostUse> uses, string devpath, ImmutableArray<string> inputs, HostTables tables)
    {
        uses.AddRange(inputs.Select(input => new HostUse(HostUseKind.Input, Devpath.Name(input))));
        var own = inputs.FirstOrDefault(tables.IsKeyboard);
        if (own is not null && tables.Keyboards.All(path => path.StartsWith(devpath + "/", StringComparison.Ordinal)))
        {
            uses.Add(new HostUse(HostUseKind.LastKeyboard, Devpath.Name(own)));
        }
    }

    private string Text(string path) => files.Read(path, 256, out var content) == 0 ? Encoding.UTF8.GetString(content).Trim() : "";
}
