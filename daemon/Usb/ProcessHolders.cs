// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Linux;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// Finds the processes that have a node of a device open. One pass over /proc: some tens of milliseconds on a busy host, so it is
/// made for one device, when somebody is about to attach it or asks, and never on the loop.
/// </summary>
internal sealed class ProcessHolders(UsbHostOptions options, ISysfsFiles files, Func<string, DeviceNumber?> numberAt)
{
    private const int MostCommandLine = 64 * 1024;

    /// <summary>Root's daemons that listen to input devices; each may see one device only, which is then no reason to refuse it.</summary>
    private static readonly HashSet<string> Listeners =
        new(StringComparer.Ordinal) { "systemd-logind", "elogind-daemon", "acpid", "thd", "upowerd" };

    private static readonly string[] InputNodes = ["/dev/input/event", "/dev/input/mouse", "/dev/input/js", "/dev/hidraw", "/dev/usb/hiddev"];

    public IEnumerable<HostUse> Of(IReadOnlyCollection<DeviceNode> nodes, IReadOnlyCollection<Guest> guests)
    {
        var byNumber = nodes.DistinctBy(n => n.Number).ToDictionary(n => n.Number);
        var names = nodes.Select(n => Devpath.Name(n.Name)).ToHashSet(StringComparer.Ordinal);
        foreach (var pid in files.List(options.Proc).Where(IsProcess))
        {
            var (held, hasOtherInputs) = Open(pid, byNumber, names);
            if (held.Count > 0 && UseOf(pid, held, hasOtherInputs, guests) is { } use)
            {
                yield return use;
            }
        }
    }

    private (List<DeviceNode> Held, bool HasOtherInputs) Open(string pid, Dictionary<DeviceNumber, DeviceNode> nodes, HashSet<string> names)
    {
        var held = new List<DeviceNode>();
        var hasOtherInputs = false;
        var folder = $"{options.Proc}/{pid}/fd";
        foreach (var fd in files.List(folder))
        {
            // Containers, and guests of libvirt's, have a /dev of their own. What is certain is the number, so the text only sorts out.
            if (files.ReadLink($"{folder}/{fd}") is not { } link || !MayBeNode(link, names) || numberAt($"{folder}/{fd}") is not { } number)
            {
                continue;
            }

            if (nodes.TryGetValue(number, out var node))
            {
                held.Add(node);
            }
            else
            {
                hasOtherInputs |= InputNodes.Any(p => link.Contains(p, StringComparison.Ordinal));
            }
        }

        return (held, hasOtherInputs);
    }

    private static bool MayBeNode(string link, HashSet<string> names) =>
        link is not ("/dev/null" or "/dev/zero" or "/dev/urandom") && !link.StartsWith("/dev/pts/", StringComparison.Ordinal)
        && (link.Contains("/dev/", StringComparison.Ordinal) || names.Contains(Devpath.Name(link)));

    private HostUse? UseOf(string pid, List<DeviceNode> held, bool hasOtherInputs, IReadOnlyCollection<Guest> guests)
    {
        var name = Text($"{pid}/comm", 256).Trim();
        var guest = name.StartsWith("qemu", StringComparison.Ordinal) || name.StartsWith("kvm", StringComparison.Ordinal) ? GuestOf(pid, guests) : null;
        var isListener = guest is null && (hasOtherInputs || (Listeners.Contains(name) && IsRoots(pid)));
        var counted = held.FirstOrDefault(n => n.Role == NodeRole.Data) ?? (isListener ? null : held.FirstOrDefault(n => n.Role == NodeRole.Shared));
        if (counted is null)
        {
            return null;
        }

        var process = $"{(name.Length > 0 ? name : "?")} (pid {pid})";
        return guest switch
        {
            null => new HostUse(HostUseKind.Process, $"{process} has {counted.Path} open"),
            // A QEMU that was told to give the device up closes its node in a moment.
            _ when counted.IsUsbfs => new HostUse(HostUseKind.Process, $"{process} of guest {guest} has {counted.Path} open"),
            _ => new HostUse(HostUseKind.GuestNode, $"{process} of guest {guest} has {counted.Path} open") { Guest = guest },
        };
    }

    /// <summary>By the UUID that libvirt gives its QEMU: <c>-uuid 5d2f…</c>.</summary>
    private string? GuestOf(string pid, IReadOnlyCollection<Guest> guests)
    {
        var arguments = Text($"{pid}/cmdline", MostCommandLine).Split('\0');
        var at = Array.IndexOf(arguments, "-uuid");
        return at >= 0 && at + 1 < arguments.Length && Guid.TryParseExact(arguments[at + 1], "D", out var uuid)
            ? guests.FirstOrDefault(g => g.Id.Uuid == uuid)?.Name
            : null;
    }

    private bool IsRoots(string pid) =>
        Text($"{pid}/status", 4096).Split('\n').Any(line => line.StartsWith("Uid:\t", StringComparison.Ordinal) && line.Split('\t') is [_, _, "0", ..]);

    private static bool IsProcess(string name) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pid != Environment.ProcessId;

    private string Text(string path, int most) => files.Read($"{options.Proc}/{path}", most, out var content) == 0 ? Encoding.UTF8.GetString(content) : "";
}
