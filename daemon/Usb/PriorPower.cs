// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// Devices that were allowed to sleep before a guest had them: a small file in the daemon's runtime folder, which outlives the daemon
/// and ends with the boot, as the settings do. One line each, the plug and the device's path below the sysfs root:
/// <c>pakkbtuglvass /devices/pci0000:00/0000:00:14.0/usb1/1-4</c>.
/// </summary>
internal sealed class PriorPower(string run)
{
    private readonly string path = $"{run}/usbhostd/power";

    /// <exception cref="IOException">The file is there, and can't be read.</exception>
    public ImmutableDictionary<PlugToken, string> Read()
    {
        var devices = ImmutableDictionary.CreateBuilder<PlugToken, string>();
        foreach (var line in File.Exists(path) ? File.ReadAllLines(path, Encoding.UTF8) : [])
        {
            // Half a line, as a full disk leaves it, says nothing.
            if (line.Split(' ', 2) is [var plug, ['/', ..] device] && PlugToken.TryParse(plug, out var token) && Devpath.IsSafe(device))
            {
                devices[token] = device;
            }
        }

        return devices.ToImmutable();
    }

    /// <exception cref="IOException">The file can't be written; what it said stands.</exception>
    public void Write(ImmutableDictionary<PlugToken, string> devices)
    {
        if (devices.IsEmpty)
        {
            File.Delete(path);
            return;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = $"{path}.new";
        File.WriteAllLines(temporary, devices.Select(d => $"{d.Key} {d.Value}").Order(StringComparer.Ordinal), new UTF8Encoding(false));
        File.Move(temporary, path, overwrite: true);
    }
}
