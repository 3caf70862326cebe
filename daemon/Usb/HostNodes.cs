// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Usb;

/// <summary>
/// Serial ports, modem ports and network interfaces that the host's drivers have made of a USB device. ModemManager and
/// NetworkManager take each of them up by itself.
/// </summary>
internal static class HostNodes
{
    // More than any device has; a device chooses how many there are.
    private const int MostFolders = 4096;

    private static readonly EnumerationOptions RealFolders = new()
    {
        AttributesToSkip = FileAttributes.ReparsePoint,
        IgnoreInaccessible = true,
        RecurseSubdirectories = true,
        MaxRecursionDepth = 12,
    };

    /// <summary>Devpaths, for example <c>/devices/…/1-4/1-4:1.0/ttyUSB0/tty/ttyUSB0</c>.</summary>
    /// <param name="interfaces">Names of the device's own interfaces: devices below a hub are not below these.</param>
    public static IReadOnlyList<string> Find(string sysfs, string devpath, IEnumerable<string> interfaces)
    {
        var found = new List<string>();
        foreach (var name in interfaces)
        {
            try
            {
                found.AddRange(Directory.EnumerateDirectories($"{sysfs}{devpath}/{name}", "*", RealFolders)
                    .Take(MostFolders).Where(IsNode).Select(path => path[sysfs.Length..]));
            }
            catch (IOException)
            {
                // Gone while we look: udev is told of what is there.
            }
        }

        return found;
    }

    /// <summary>By the class's folder that it is in. The ports of a WWAN device are one folder deeper.</summary>
    private static bool IsNode(string path)
    {
        var parent = Path.GetDirectoryName(path)!;
        return Path.GetFileName(parent) is "tty" or "usbmisc" or "net" or "wwan" || Path.GetFileName(Path.GetDirectoryName(parent)) is "wwan";
    }
}
