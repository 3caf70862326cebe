// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Xml.Linq;
using UsbHostd.Core.Guests;

namespace UsbHostd.Daemon.Guests.Xml;

/// <summary>
/// The device nodes of the host that a domain's XML names: disks, character devices, evdev input and SCSI host devices (libvirt:
/// formatdomain). A disk of type volume names none; its QEMU is found by what it has open.
/// </summary>
internal static class NodeXml
{
    private const int MostNodes = 256;
    private const int MostPath = 1024;

    private static readonly string[] PathAttributes = ["dev", "file", "path", "evdev"];

    public static ImmutableArray<GuestNode> Read(XElement devices) =>
        [.. devices.Elements().SelectMany(Nodes).Where(n => n.Source.Length <= MostPath).Distinct().Take(MostNodes)];

    private static IEnumerable<GuestNode> Nodes(XElement device)
    {
        var role = device.Name.LocalName;
        return role == "hostdev"
            ? (string?)device.Attribute("type") == "scsi" && ScsiAddress(device.Element("source")) is { } address ? [new GuestNode("SCSI hostdev", address)] : []
            : role is "disk" or "serial" or "console" or "parallel" or "channel" or "smartcard" or "input" or "redirdev"
                ? Paths(device).Where(p => IsNode(device, p)).Select(path => new GuestNode(role, path))
                : [];
    }

    /// <summary>A disk's chain of images and its mirror have sources of their own.</summary>
    private static IEnumerable<string> Paths(XElement device) =>
        from source in device.Descendants("source")
        from name in PathAttributes
        let path = (string?)source.Attribute(name)
        where path is not null
        select path;

    /// <summary>A block disk or a device of type dev has a node, or a link to one, wherever it is. A file is one below /dev only.</summary>
    private static bool IsNode(XElement device, string path) =>
        (path.StartsWith("/dev/", StringComparison.Ordinal) && !path.StartsWith("/dev/pts/", StringComparison.Ordinal))
        || (path.StartsWith('/') && (string?)device.Attribute("type") is "block" or "dev");

    /// <summary><c>scsi_host6</c> with bus, target and unit is the kernel's 6:0:0:0.</summary>
    private static string? ScsiAddress(XElement? source)
    {
        const string Prefix = "scsi_host";
        var address = source?.Element("address");
        return (string?)source?.Element("adapter")?.Attribute("name") is { } name && name.StartsWith(Prefix, StringComparison.Ordinal)
            && new[] { name[Prefix.Length..], Text("bus"), Text("target"), Text("unit") } is var parts && parts.All(IsNumber)
                ? string.Join(':', parts)
                : null;

        string Text(string attribute) => (string?)address?.Attribute(attribute) ?? "0";
    }

    private static bool IsNumber(string text) => text.Length is > 0 and < 10 && text.All(char.IsAsciiDigit);
}
