// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Usb;

/// <summary>Paths below the sysfs root, as udev's DEVPATH gives them: <c>/devices/pci0000:00/0000:00:14.0/usb1/1-4</c>.</summary>
internal static class Devpath
{
    public static string Name(string path) => path[(path.LastIndexOf('/') + 1)..];

    public static string Parent(string path) => path[..Math.Max(0, path.LastIndexOf('/'))];

    /// <summary>The USB device that this is, or is part of: the deepest <c>1-4.2</c> or <c>usb1</c> in the path; null for none.</summary>
    public static string? UsbDeviceOf(string path)
    {
        while (path.Length > 0)
        {
            if (UsbPortPath.TryParse(Name(path), out _))
            {
                return path;
            }

            path = Parent(path);
        }

        return null;
    }

    /// <summary>The root hub that a device hangs below, or is; null for none.</summary>
    public static string? RootHubOf(string path)
    {
        while (path.Length > 0)
        {
            if (UsbPortPath.TryParse(Name(path), out var port) && port.IsRootHub)
            {
                return path;
            }

            path = Parent(path);
        }

        return null;
    }

    /// <summary>
    /// Where a link in folder <paramref name="folder"/> leads, resolved by text alone; null where it leaves the root.
    /// </summary>
    public static string? Follow(string folder, string link)
    {
        var parts = new List<string>();
        if (!link.StartsWith('/'))
        {
            parts.AddRange(folder.Split('/', StringSplitOptions.RemoveEmptyEntries));
        }

        foreach (var part in link.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part is "..")
            {
                if (parts.Count == 0)
                {
                    return null;
                }

                parts.RemoveAt(parts.Count - 1);
            }
            else if (part is not ".")
            {
                parts.Add(part);
            }
        }

        return "/" + string.Join('/', parts);
    }

    /// <summary>Whether it may be joined to the sysfs root: below <c>/devices</c>, without a way out.</summary>
    public static bool IsSafe(string path) =>
        path.StartsWith("/devices/", StringComparison.Ordinal) && !path.Contains("..", StringComparison.Ordinal)
        && !path.Contains('\0', StringComparison.Ordinal);

    /// <summary>Whether it is an interface's name, <c>1-4.2:1.0</c>, and so a single harmless path segment.</summary>
    public static bool IsInterfaceName(ReadOnlySpan<char> name)
    {
        var colon = name.IndexOf(':');
        if (colon < 0)
        {
            return false;
        }

        var numbers = name[(colon + 1)..];
        var dot = numbers.IndexOf('.');
        return dot > 0 && IsDigits(numbers[..dot]) && IsDigits(numbers[(dot + 1)..]) && IsDeviceOfInterface(name[..colon]);
    }

    // A root hub's interface is 1-0:1.0, and port 0 is no port.
    private static bool IsDeviceOfInterface(ReadOnlySpan<char> name) =>
        UsbPortPath.TryParse(name.ToString(), out var port)
            ? !port.IsRootHub
            : name.EndsWith("-0") && IsDigits(name[..^2]);

    private static bool IsDigits(ReadOnlySpan<char> text) => text.Length is > 0 and <= 3 && text.IndexOfAnyExceptInRange('0', '9') < 0;
}
