// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Usb;

/// <summary>What an administrator says of the jail.</summary>
internal sealed record JailOptions
{
    /// <summary>Names of controllers, that is of their root hubs' parent devices: <c>0000:02:01.0</c>, <c>dummy_hcd.0</c>.</summary>
    public ImmutableArray<string> Controllers { get; init; } = [];

    /// <summary>Jail a controller also while the host uses devices behind it; those stay with the host until it lets go of them.</summary>
    public bool Force { get; init; }
}

/// <summary>The jail can't be closed, and nothing was changed. A daemon that went on without it would promise what it does not keep.</summary>
internal sealed class JailException(string message) : Exception(message);

/// <summary>Closes the jail before anything else happens: root hubs that come later are the plan's.</summary>
internal sealed partial class JailStart(JailOptions jail, UsbHostOptions roots, ILogger<JailStart> log)
{
    // As /proc/PID/comm has it: 15 characters at most, which is just its length.
    private const string UsbGuard = "usbguard-daemon";

    /// <param name="present">Every device that is plugged in; not asked for where nothing is to be jailed.</param>
    /// <exception cref="JailException">Nothing was changed.</exception>
    /// <exception cref="IOException">An attribute can't be written.</exception>
    public void Close(Func<IReadOnlyList<UsbDevice>> present, SysfsUsbWriter writer)
    {
        var names = jail.Controllers.ToHashSet(StringComparer.Ordinal);
        List<UsbDevice> behind = [];
        if (names.Count > 0)
        {
            RefuseBesideUsbGuard();
            behind = present().Where(d => names.Contains(d.Controller.Name)).ToList();
            RefuseInUse(behind);
            foreach (var name in names.Where(n => !behind.Exists(d => d.IsRootHub && d.Controller.Name == n)).Order(StringComparer.Ordinal))
            {
                LogNoController(name);
            }

            foreach (var hub in behind.Where(d => d.IsRootHub))
            {
                writer.ApplyJail(hub, JailRole.RootHub);
            }
        }

        // An earlier daemon that crashed may have left others closed.
        writer.OpenJail(names);

        // The service manager kept what that one held. Behind any other controller nobody would let go of it: the plan has nothing to do there.
        writer.LetGoOfAllBut(behind.Where(d => d.IsHub));
    }

    private void RefuseBesideUsbGuard()
    {
        foreach (var folder in Directory.EnumerateDirectories(roots.Proc).Where(f => Path.GetFileName(f).All(char.IsAsciiDigit)))
        {
            if (IsUsbGuard(folder))
            {
                throw new JailException(
                    $"usbguard-daemon runs (pid {Path.GetFileName(folder)}): both would write the same attributes, and neither could promise anything. "
                    + "Stop it (systemctl disable --now usbguard), or take the controllers out of [jail] in usbhostd.conf(5)");
            }
        }
    }

    /// <summary>By the name of a process of root's: any user may give his own any name.</summary>
    private static bool IsUsbGuard(string folder)
    {
        try
        {
            return string.Equals(File.ReadAllText($"{folder}/comm").TrimEnd('\n'), UsbGuard, StringComparison.Ordinal)
                && File.ReadLines($"{folder}/status").Any(line => line.StartsWith("Uid:\t", StringComparison.Ordinal) && line.Split('\t') is [_, _, "0", ..]);
        }
        catch (IOException)
        {
            // It ended meanwhile.
            return false;
        }
    }

    private void RefuseInUse(List<UsbDevice> behind)
    {
        var used = behind.SelectMany(d => d.Uses.Where(u => u.IsGuarded).Select(u => (Device: d, Use: u))).ToList();
        if (used.Count > 0 && !jail.Force)
        {
            var lines = used.Select(u => $"  {u.Device.Controller.Name}: {Show(u.Device)}: {TextEscape.Escape(HostUseText.Message(u.Use))}: {HostUseText.Hint(u.Use)}");
            throw new JailException(
                "the host uses devices behind a controller that is to be jailed:\n" + string.Join('\n', lines)
                + "\nLet the host give them up, or plug them in elsewhere, or say force = yes in [jail]: they then stay with the host until it does");
        }

        foreach (var (device, use) in used)
        {
            LogLeft(Show(device), TextEscape.Escape(HostUseText.Message(use)));
        }
    }

    private static string Show(UsbDevice device) =>
        $"device {device.UsbId} at {device.PortPath}" + (device.Product is { } product ? $" \"{TextEscape.Escape(product)}\"" : "");

    [LoggerMessage(1150, LogLevel.Warning, "No USB controller {Controller} is there. It is jailed when it shows up; what it brings along in that moment may be seen by host drivers")]
    private partial void LogNoController(string controller);

    [LoggerMessage(1151, LogLevel.Warning, "{Device} is behind a jailed controller and in use by the host: {Use}. It stays with the host until that ends")]
    private partial void LogLeft(string device, string use);
}
