// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Usb;

/// <summary>Follows udev's links, and those that people make, to the node that they name now.</summary>
internal static class DeviceLinks
{
    private const int MostLinks = 8;
    private const string Root = "/dev/";

    /// <param name="path">Absolute, as on the host: <c>/dev/disk/by-id/usb-…</c>.</param>
    /// <returns>The path at the end, as <c>/dev/sdb</c>; null where the links do not come to an end. It need not exist.</returns>
    public static string? Resolve(UsbHostOptions options, ISysfsFiles files, string path)
    {
        for (var i = 0; i < MostLinks; i++)
        {
            if (files.ReadLink(Place(options, path)) is not { } link)
            {
                return path;
            }

            if (Devpath.Follow(Devpath.Parent(path), link) is not { } next)
            {
                return null;
            }

            path = next;
        }

        return null;
    }

    private static string Place(UsbHostOptions options, string path) =>
        path.StartsWith(Root, StringComparison.Ordinal) ? $"{options.Dev}/{path[Root.Length..]}" : path;
}
