// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Runtime.InteropServices;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Linux;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// The jail (Documentation/usb/authorization.rst). Writing 1 to an interface's <c>authorized</c> probes no driver; a bit that an earlier
/// 0 has left, a reset, a driver that is loaded later, and QEMU's end would. While the port is held none of them can.
/// </summary>
internal sealed partial class SysfsUsbWriter
{
    private const string Default = "interface_authorized_default";

    private PriorSettings Prior => new(options.Run);

    /// <exception cref="IOException">An attribute can't be written, or the port can't be held; the message names it.</exception>
    /// <inheritdoc/>
    public void ApplyJail(UsbDevice device, JailRole role)
    {
        var folder = Folder(device);
        switch (role)
        {
            case JailRole.RootHub:
                Close(device.Syspath, folder);
                break;
            case JailRole.Hub:
                LetGo(device);
                Configure(folder);
                LetWork(device, folder);
                break;
            case JailRole.Confined:
                Deauthorize(InterfacesOf(device, folder).Select(name => $"{folder}/{name}"));
                LetGo(device);
                Configure(folder);
                break;
            case JailRole.Lent:
                if (IsUnconfigured(folder))
                {
                    LetGo(device);
                    Configure(folder);
                }

                var (hub, port) = PortOf(device);
                ports.Hold(hub, port);
                Authorize(device);
                break;
        }
    }

    /// <summary>
    /// Gives root hubs back what they had before the jail, as far as that is remembered: those of all controllers but these. What is
    /// plugged in stays as it is.
    /// </summary>
    /// <exception cref="IOException">What is remembered can't be read or written.</exception>
    public void OpenJail(IReadOnlySet<string> stillJailed)
    {
        var prior = Prior.Read();
        if (prior.Count == 0)
        {
            return;
        }

        var kept = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (path, value) in prior)
        {
            if (!Devpath.IsSafe(path) || stillJailed.Contains(Devpath.Name(Devpath.Parent(path))))
            {
                kept[path] = value;
                continue;
            }

            var attribute = $"{options.Sysfs}{path}/{Default}";
            var errno = SysfsFiles.Write(attribute, value);
            if (errno == 0)
            {
                LogOpened(attribute, value);
            }
            else
            {
                LogNotOpened(attribute, Marshal.GetPInvokeErrorMessage(errno));
            }
        }

        Prior.Write(kept);
    }

    /// <summary>Lets go of the ports that an earlier daemon held, but for those of these hubs.</summary>
    public void LetGoOfAllBut(IEnumerable<UsbDevice> hubs) =>
        ports.LetGoOfAllBut(hubs.Select(h => $"{options.Dev}/{h.Address.DeviceNode}").ToHashSet(StringComparer.Ordinal));

    private void Close(string syspath, string folder)
    {
        var attribute = $"{folder}/{Default}";
        var now = Value(attribute) ?? throw new IOException($"{attribute}: not there. The jail needs Linux 4.4 or later");
        var prior = Prior.Read();
        if (prior.TryAdd(syspath, now))
        {
            Prior.Write(prior);
        }

        if (now is not "0")
        {
            WriteOrThrow(attribute, "0");
            LogClosed(attribute, now);
        }
    }

    /// <summary>
    /// Binds the hub driver and no other: any driver may match a device's ids, whatever class it claims to have. A real hub has one
    /// interface.
    /// </summary>
    private void LetWork(UsbDevice device, string folder)
    {
        if (Value($"{folder}/authorized") is "0")
        {
            WriteOrThrow($"{folder}/authorized", "1");
        }

        var names = InterfacesOf(device, folder);
        var hub = names.Find(name => Value($"{folder}/{name}/bInterfaceClass") is "09");
        Deauthorize(names.Where(name => !string.Equals(name, hub, StringComparison.Ordinal)).Select(name => $"{folder}/{name}"));
        if (hub is null || files.ReadLink($"{folder}/{hub}/driver") is not null)
        {
            return;
        }

        AuthorizeOne($"{folder}/{hub}/authorized");
        var errno = SysfsFiles.Write($"{options.Sysfs}/bus/usb/drivers/hub/bind", hub);
        if (errno != 0)
        {
            Deauthorize([$"{folder}/{hub}"]);
            LogNoHub(hub, Marshal.GetPInvokeErrorMessage(errno));
        }
    }

    private void Deauthorize(IEnumerable<string> interfaces)
    {
        foreach (var path in interfaces)
        {
            if (Value($"{path}/authorized") is not "1")
            {
                continue;
            }

            var errno = SysfsFiles.Write($"{path}/authorized", "0");
            if (errno is not (0 or LibC.Enoent or LibC.Enodev))
            {
                throw new IOException($"{path}/authorized: {Marshal.GetPInvokeErrorMessage(errno)}");
            }

            LogDeauthorized(path);
        }
    }

    /// <summary>The kernel chooses no configuration in a port that is held; a device that is authorised anew gets one.</summary>
    private void Configure(string folder)
    {
        if (IsUnconfigured(folder))
        {
            WriteOrThrow($"{folder}/authorized", "0");
            WriteOrThrow($"{folder}/authorized", "1");
        }
    }

    private bool IsUnconfigured(string folder) => Value($"{folder}/authorized") is "1" && Value($"{folder}/bConfigurationValue") is "" or "0";

    private void LetGo(UsbDevice device)
    {
        var (hub, port) = PortOf(device);
        ports.LetGo(hub, port);
    }

    private (string Node, int Port) PortOf(UsbDevice device)
    {
        var hub = options.Sysfs + Devpath.Parent(device.Syspath);
        if (!int.TryParse(Value($"{hub}/busnum"), NumberStyles.None, CultureInfo.InvariantCulture, out var bus)
            || !int.TryParse(Value($"{hub}/devnum"), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            throw new IOException($"{hub}: no hub is there any more");
        }

        var chain = device.PortPath.Chain;
        var port = int.Parse(chain.AsSpan(chain.LastIndexOf('.') + 1), NumberStyles.None, CultureInfo.InvariantCulture);
        return ($"{options.Dev}/bus/usb/{bus:d3}/{number:d3}", port);
    }

    private static void WriteOrThrow(string path, string value)
    {
        var errno = SysfsFiles.Write(path, value);
        if (errno != 0)
        {
            throw new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(errno)}");
        }
    }

    [LoggerMessage(1140, LogLevel.Information, "{Attribute} set to 0 (it was {Before}): the controller is jailed")]
    private partial void LogClosed(string attribute, string before);

    [LoggerMessage(1141, LogLevel.Information, "{Attribute} set back to {Value}: the controller is not jailed any more")]
    private partial void LogOpened(string attribute, string value);

    [LoggerMessage(1142, LogLevel.Warning, "{Attribute} can't be set back: {Why}. A controller that is gone needs nothing; any other: write 1 to it")]
    private partial void LogNotOpened(string attribute, string why);

    [LoggerMessage(1143, LogLevel.Information, "{Interface} is not authorised any more")]
    private partial void LogDeauthorized(string @interface);

    [LoggerMessage(1144, LogLevel.Warning, "{Interface} claims to be a hub, and the hub driver refused it: {Why}. It stays without one until it is plugged in again")]
    private partial void LogNoHub(string @interface, string why);
}
