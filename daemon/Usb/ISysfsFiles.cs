// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Usb;

/// <summary>Small kernel files, which may vanish or fail at any moment: an errno is an outcome here, no exception.</summary>
internal interface ISysfsFiles
{
    /// <summary>Reads a file as a whole, up to <paramref name="most"/> bytes.</summary>
    /// <returns>0 or the errno of open or read.</returns>
    int Read(string path, int most, out byte[] content);

    /// <summary>Where a symbolic link points, as it stands there; null for none.</summary>
    string? ReadLink(string path);

    /// <summary>Names in a folder, links and files included; empty where there is none.</summary>
    IReadOnlyList<string> List(string path);
}
