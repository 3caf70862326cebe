// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using UsbHostd.Daemon.Linux;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Usb;

/// <summary>What it says of a program that it has a node open.</summary>
internal enum NodeRole
{
    /// <summary>Whoever has it open uses the device.</summary>
    Data,

    /// <summary>A node of an input device: programs that listen to all of them have it open too.</summary>
    Shared,

    /// <summary>Volumes and topology only: sound servers have them of every card.</summary>
    Control,
}

/// <summary>A device node that the kernel made of a USB device.</summary>
/// <param name="Name">Below /dev: <c>sdb1</c>, <c>snd/pcmC1D0p</c>, <c>bus/usb/001/004</c>.</param>
/// <param name="Scsi">Host, channel, target and lun of the SCSI device that it belongs to, <c>6:0:0:0</c>; null for any other.</param>
/// <param name="IsDisk">Whether it is a whole disk.</param>
internal sealed record DeviceNode(DeviceNumber Number, string Name, NodeRole Role, string? Scsi, bool IsDisk)
{
    public string Path => $"/dev/{Name}";

    public bool IsUsbfs => Name.StartsWith("bus/usb/", StringComparison.Ordinal);
}

/// <summary>Finds every node below a USB device: each folder of sysfs with a file <c>dev</c> has one.</summary>
internal sealed class DeviceNodes(string sysfs, ISysfsFiles files)
{
    // As DeviceChildren's: deeper than any chain of drivers, more than any device has.
    private const int MostDepth = 16;
    private const int MostFolders = 4096;

    private static readonly EnumerationOptions RealFolders = new() { AttributesToSkip = FileAttributes.ReparsePoint };

    private readonly ImmutableArray<DeviceNode>.Builder nodes = ImmutableArray.CreateBuilder<DeviceNode>();
    private int left = MostFolders;

    public static ImmutableArray<DeviceNode> Of(string sysfs, ISysfsFiles files, string devpath)
    {
        var walk = new DeviceNodes(sysfs, files);
        walk.Enter(devpath, 0, null);
        return walk.nodes.DrainToImmutable();
    }

    private void Enter(string devpath, int depth, string? scsi)
    {
        if (depth > MostDepth || --left < 0)
        {
            return;
        }

        Take(devpath, scsi);
        foreach (var name in Folders(devpath))
        {
            // Attributes only, and devices behind a hub, which are others.
            if (name is "power" or "wakeup" or "queue" or "mq" or "holders" or "slaves" or "integrity" || UsbPortPath.TryParse(name, out _))
            {
                continue;
            }

            Enter($"{devpath}/{name}", depth + 1, IsScsiAddress(name) ? name : scsi);
        }
    }

    private void Take(string devpath, string? scsi)
    {
        var folder = sysfs + devpath;
        if (files.Read($"{folder}/dev", 64, out var number) != 0)
        {
            return;
        }

        var subsystem = files.ReadLink($"{folder}/subsystem") is { } link ? Devpath.Name(link) : Devpath.Name(Devpath.Parent(devpath));
        var isBlock = devpath.Contains("/block/", StringComparison.Ordinal);
        if (DeviceNumber.Parse(isBlock ? 'b' : 'c', Encoding.ASCII.GetString(number)) is { } parsed)
        {
            var name = NameIn(folder) ?? Devpath.Name(devpath);
            nodes.Add(new DeviceNode(parsed, name, RoleOf(subsystem, Devpath.Name(name)), scsi, Devpath.Name(Devpath.Parent(devpath)) == "block"));
        }
    }

    /// <summary>DEVNAME of its uevent, which is below /dev.</summary>
    private string? NameIn(string folder) =>
        files.Read($"{folder}/uevent", 4096, out var content) == 0
            ? Encoding.UTF8.GetString(content).Split('\n').Where(l => l.StartsWith("DEVNAME=", StringComparison.Ordinal)).Select(l => l[8..]).FirstOrDefault()
            : null;

    private static NodeRole RoleOf(string subsystem, string name) => subsystem switch
    {
        "input" or "hidraw" => NodeRole.Shared,
        "usbmisc" when name.StartsWith("hiddev", StringComparison.Ordinal) => NodeRole.Shared,
        "sound" when name.StartsWith("controlC", StringComparison.Ordinal) => NodeRole.Control,
        "media" => NodeRole.Control,
        _ => NodeRole.Data,
    };

    private static bool IsScsiAddress(string name) =>
        name.Split(':') is { Length: 4 } parts && parts.All(p => p.Length > 0 && p.All(char.IsAsciiDigit));

    private List<string> Folders(string devpath)
    {
        try
        {
            return [.. Directory.EnumerateDirectories(sysfs + devpath, "*", RealFolders).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
        }
        catch (IOException)
        {
            // Gone while we walk.
            return [];
        }
    }
}
