// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// What root hubs had before they were jailed: a small file in the daemon's runtime folder, which outlives the daemon and ends with
/// the boot, as the settings do. One line each, the value and the root hub's path below the sysfs root:
/// <c>1 /devices/pci0000:00/0000:00:14.0/usb1</c>.
/// </summary>
internal sealed class PriorSettings(string run)
{
    private readonly string path = $"{run}/usbhostd/jail";

    /// <exception cref="IOException">The file is there, and can't be read.</exception>
    public Dictionary<string, string> Read()
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!File.Exists(path))
        {
            return settings;
        }

        foreach (var line in File.ReadAllLines(path, Encoding.UTF8))
        {
            // Half a line, as a full disk leaves it, says nothing.
            if (line.Split(' ', 2) is ["0" or "1" or "2" or "-1", ['/', ..] hub] parts)
            {
                settings[hub] = parts[0];
            }
        }

        return settings;
    }

    /// <exception cref="IOException">The file can't be written; what it said stands.</exception>
    public void Write(Dictionary<string, string> settings)
    {
        if (settings.Count == 0)
        {
            File.Delete(path);
            return;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = $"{path}.new";
        File.WriteAllLines(temporary, settings.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => $"{s.Value} {s.Key}"), new UTF8Encoding(false));
        File.Move(temporary, path, overwrite: true);
    }
}
