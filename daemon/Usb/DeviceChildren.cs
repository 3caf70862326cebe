// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace UsbHostd.Daemon.Usb;

/// <summary>What the host's drivers have made of a USB device.</summary>
/// <param name="Blocks">Disks and their partitions.</param>
/// <param name="Networks">Devpaths of network interfaces.</param>
/// <param name="Inputs">Devpaths of input devices (<c>…/input/input5</c>).</param>
internal sealed record DeviceChildren(
    ImmutableArray<BlockChild> Blocks, ImmutableArray<string> Networks, ImmutableArray<string> Inputs)
{
    // Deeper than any chain of drivers seen (usb, mmc host, card, block, disk, partition), and more than any device has.
    private const int MostDepth = 12;
    private const int MostFolders = 4096;

    private static readonly EnumerationOptions RealFolders = new()
    {
        AttributesToSkip = FileAttributes.ReparsePoint,
        IgnoreInaccessible = true,
    };

    public static DeviceChildren None { get; } = new([], [], []);

    /// <summary>Walks the device's own interfaces, and no device below a hub.</summary>
    public static DeviceChildren Find(string sysfs, ISysfsFiles files, string devpath, IEnumerable<string> interfaces)
    {
        var walk = new Walk(sysfs, files);
        foreach (var name in interfaces)
        {
            walk.Enter($"{devpath}/{name}", 0);
        }

        return walk.Result();
    }

    private sealed class Walk(string sysfs, ISysfsFiles files)
    {
        private readonly ImmutableArray<BlockChild>.Builder blocks = ImmutableArray.CreateBuilder<BlockChild>();
        private readonly ImmutableArray<string>.Builder networks = ImmutableArray.CreateBuilder<string>();
        private readonly ImmutableArray<string>.Builder inputs = ImmutableArray.CreateBuilder<string>();
        private int left = MostFolders;

        public DeviceChildren Result() =>
            blocks.Count + networks.Count + inputs.Count == 0
                ? None
                : new DeviceChildren(blocks.DrainToImmutable(), networks.DrainToImmutable(), inputs.DrainToImmutable());

        public void Enter(string folder, int depth)
        {
            if (depth > MostDepth)
            {
                return;
            }

            foreach (var name in Folders(folder))
            {
                if (--left < 0)
                {
                    return;
                }

                var child = $"{folder}/{name}";
                switch (name)
                {
                    case "block":
                        TakeDisks(child);
                        break;
                    case "net":
                        networks.AddRange(Folders(child).Select(net => $"{child}/{net}"));
                        break;
                    case "input":
                        inputs.AddRange(Folders(child).Select(input => $"{child}/{input}"));
                        break;
                    case "power" or "wakeup":
                        break;
                    // A hub's ports: the devices in them are elsewhere.
                    case not null when name.Contains("-port", StringComparison.Ordinal):
                        break;
                    default:
                        Enter(child, depth + 1);
                        break;
                }
            }
        }

        private void TakeDisks(string folder)
        {
            foreach (var disk in Folders(folder))
            {
                Take($"{folder}/{disk}");
                foreach (var part in Folders($"{folder}/{disk}").Where(n => n.StartsWith(disk, StringComparison.Ordinal)))
                {
                    Take($"{folder}/{disk}/{part}");
                }
            }
        }

        private void Take(string devpath)
        {
            if (files.Read($"{sysfs}{devpath}/dev", 64, out var number) == 0)
            {
                blocks.Add(new BlockChild(devpath, System.Text.Encoding.ASCII.GetString(number).Trim()));
            }
        }

        private List<string> Folders(string folder)
        {
            try
            {
                return [.. Directory.EnumerateDirectories(sysfs + folder, "*", RealFolders).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
            }
            catch (IOException)
            {
                // Gone while we walk: the event that says so is on its way.
                return [];
            }
        }
    }
}

/// <summary>A disk or partition.</summary>
/// <param name="Number">major:minor.</param>
internal readonly record struct BlockChild(string Devpath, string Number)
{
    public string Name => Usb.Devpath.Name(Devpath);
}
