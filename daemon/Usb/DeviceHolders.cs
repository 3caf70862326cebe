// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Linux;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// Finds who holds the nodes of one device: guests whose XML names them, processes that have them open, and the kernel. No event tells of
/// these, so somebody must look, on a thread that may block.
/// </summary>
internal sealed class DeviceHolders(UsbHostOptions options, ISysfsFiles files)
{
    private const int MostUses = 16;

    /// <summary>The device node at the end of a path; a test says what its plain files stand for.</summary>
    public Func<string, DeviceNumber?> NumberAt { get; init; } = LibC.DeviceAt;

    /// <summary>Opens a disk for itself alone and closes it; 0 or the errno.</summary>
    public Func<string, int> TryExclusively { get; init; } = OpenExclusively;

    /// <summary>Called where the daemon may not open disks.</summary>
    public Action<string> NotPermitted { get; init; } = _ => { };

    public ImmutableArray<HostUse> Of(UsbDevice device, IReadOnlyCollection<Guest> guests)
    {
        var nodes = DeviceNodes.Of(options.Sysfs, files, device.Syspath)
            .Select(n => n.IsUsbfs || n.Number.Type == 'b' || n.Name != device.PortPath.ToString() ? n : n with { Name = device.Address.DeviceNode }).ToList();
        var uses = guests.SelectMany(g => Named(g, nodes)).Concat(new ProcessHolders(options, files, NumberAt).Of(nodes, guests)).ToList();
        if (!uses.Concat(device.Uses).Any(ExplainsABusyDisk))
        {
            uses.AddRange(Busy(nodes));
        }

        return [.. uses.Distinct().Take(MostUses)];
    }

    private IEnumerable<HostUse> Named(Guest guest, List<DeviceNode> nodes)
    {
        foreach (var named in guest.Nodes)
        {
            if (Find(named, nodes) is not { } node)
            {
                continue;
            }

            var source = named.IsPath && named.Source != node.Path ? $"{named.Source} ({node.Path})" : node.Path;
            var detail = guest.Run is not null
                ? $"guest {guest.Name} has {source} as its {named.Role}"
                : $"the definition of guest {guest.Name}, which is off, has {source} as its {named.Role}";
            yield return new HostUse(HostUseKind.GuestNode, detail) { Guest = guest.Name };
        }
    }

    /// <summary>What a path leads to is looked up now: links follow whatever is plugged in.</summary>
    private DeviceNode? Find(GuestNode named, List<DeviceNode> nodes) => named.IsPath
        ? DeviceLinks.Resolve(options, files, named.Source) is { } path ? nodes.Find(n => n.Path == path) : null
        : nodes.Find(n => n.Scsi == named.Source);

    /// <summary>
    /// O_EXCL on a block device fails while the kernel, or a process, holds it so (open(2)). An open disk says it of its partitions too. Opening
    /// it for reading brings no event of udev's, which watches for files closed after writing.
    /// </summary>
    private IEnumerable<HostUse> Busy(List<DeviceNode> nodes)
    {
        foreach (var disk in nodes.Where(n => n.IsDisk && n.Number.Type == 'b'))
        {
            var path = $"{options.Dev}/{disk.Name}";
            if (NumberAt(path) != disk.Number)
            {
                continue;
            }

            switch (TryExclusively(path))
            {
                case LibC.Ebusy:
                    yield return new HostUse(HostUseKind.Exclusive, disk.Path);
                    break;
                case LibC.Eperm or LibC.Eacces:
                    NotPermitted(disk.Path);
                    break;
            }
        }
    }

    private static bool ExplainsABusyDisk(HostUse use) =>
        use.Kind is HostUseKind.Mount or HostUseKind.Swap or HostUseKind.Volume or HostUseKind.Loop or HostUseKind.Process or HostUseKind.GuestNode;

    private static int OpenExclusively(string path)
    {
        // Not blocking: a card reader without a card opens all the same.
        using var file = LibC.Open(path, LibC.ReadOnly | LibC.Exclusive | LibC.NonBlocking | LibC.CloseOnExec);
        return file.IsInvalid ? System.Runtime.InteropServices.Marshal.GetLastPInvokeError() : 0;
    }
}
