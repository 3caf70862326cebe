// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Linux;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// Writes sysfs and udev's rules, and looks into other users' processes. Interfaces are looked up afresh: authorising a device
/// makes the kernel configure it, so those in the record may be out of date.
/// </summary>
internal sealed partial class SysfsUsbWriter(UsbHostOptions options, IHubPorts ports, ILogger<SysfsUsbWriter> logger) : IUsbWriter
{
    private const int MostRead = 256 * 1024;

    private readonly SysfsFiles files = new();
    private DeviceHolders? holders;
    private bool toldOfPermission;

    /// <summary>Other than the real one for tests, whose nodes are plain files.</summary>
    internal DeviceHolders Holders
    {
        get => holders ??= new DeviceHolders(options, files) { NotPermitted = NotePermission };
        init => holders = value;
    }

    /// <exception cref="IOException">An attribute could not be written; the message names it.</exception>
    /// <inheritdoc/>
    public void Authorize(UsbDevice device)
    {
        var folder = Folder(device);
        AuthorizeOne($"{folder}/authorized");
        foreach (var name in InterfacesOf(device, folder))
        {
            AuthorizeOne($"{folder}/{name}/authorized");
        }
    }

    public void OfferDrivers(UsbDevice device)
    {
        var folder = Folder(device);
        foreach (var name in InterfacesOf(device, folder))
        {
            if (files.ReadLink($"{folder}/{name}/driver") is not null || Value($"{folder}/{name}/authorized") is "0")
            {
                continue;
            }

            var errno = SysfsFiles.Write($"{options.Sysfs}/bus/usb/drivers_probe", name);
            if (errno is not (0 or LibC.Enodev))
            {
                // A driver was found and would not start: the device is there all the same.
                LogNoDriver(name, Marshal.GetPInvokeErrorMessage(errno));
            }
        }
    }

    public ImmutableArray<HostUse> FindUses(UsbDevice device, IReadOnlyCollection<Guest> guests) => Holders.Of(device, guests);

    private void NotePermission(string disk)
    {
        if (!Interlocked.Exchange(ref toldOfPermission, true))
        {
            LogNotPermitted(disk);
        }
    }

    private void AuthorizeOne(string path)
    {
        // Kernels before 4.4 have no such attribute on interfaces.
        if (Value(path) is not "0")
        {
            return;
        }

        var errno = SysfsFiles.Write(path, "1");
        if (errno != 0)
        {
            throw new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(errno)}");
        }

        LogAuthorized(path);
    }

    private List<string> InterfacesOf(UsbDevice device, string folder)
    {
        var prefix = device.PortPath.IsRootHub ? $"{device.PortPath.Bus}-0:" : $"{device.PortPath}:";
        return
        [
            .. files.List(folder)
                .Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && Devpath.IsInterfaceName(name))
                .Order(StringComparer.Ordinal),
        ];
    }

    private string Folder(UsbDevice device) =>
        Devpath.IsSafe(device.Syspath)
            ? options.Sysfs + device.Syspath
            : throw new ArgumentException($"not a device's path: {device.Syspath}", nameof(device));

    private string? Value(string path) => files.Read(path, 256, out var content) == 0 ? Encoding.UTF8.GetString(content).Trim() : null;

    [LoggerMessage(1120, LogLevel.Information, "{Attribute} set to 1")]
    private partial void LogAuthorized(string attribute);

    [LoggerMessage(1121, LogLevel.Warning, "no driver took {Interface}: {Why}. It stays without one until it is plugged in again")]
    private partial void LogNoDriver(string @interface, string why);

    [LoggerMessage(1123, LogLevel.Warning,
        "{Disk} can't be opened, so the guard does not see kernel holders that sysfs and /proc do not name. DeviceAllow= in usbhostd.service lets it (block-sd r); restart usbhostd if the module sd_mod came later")]
    private partial void LogNotPermitted(string disk);

    [LoggerMessage(1122, LogLevel.Debug, "udev rules written for {Count} claimed devices")]
    private partial void LogRules(int count);
}
