// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Dbus;

/// <summary>What kind of thing an object is.</summary>
internal enum ObjectKind
{
    /// <summary>The root: manager and object manager.</summary>
    Manager,
    Device,
    Claim,
    Guest,

    /// <summary>The folders <c>devices</c>, <c>claims</c> and <c>guests</c>.</summary>
    Folder,
}

/// <summary>An object of ours; it may or may not exist.</summary>
/// <param name="Id">A device's or claim's id, or a guest's UUID; of a folder its name; empty for the manager.</param>
internal readonly record struct ObjectName(ObjectKind Kind, string Id);

/// <summary>Object paths: <c>/org/usbhostd/UsbHost1/devices/dpcqblm…</c>, and guests by UUID with <c>_</c> for <c>-</c>.</summary>
internal static class ObjectPaths
{
    public const string Root = "/org/usbhostd/UsbHost1";

    private const int LongestId = 64;

    private static readonly (ObjectKind Kind, string Folder)[] Folders =
        [(ObjectKind.Device, "devices"), (ObjectKind.Claim, "claims"), (ObjectKind.Guest, "guests")];

    public static IEnumerable<string> FolderNames => Folders.Select(f => f.Folder);

    public static string Of(ObjectKind kind, string id) =>
        $"{Root}/{Folders.First(f => f.Kind == kind).Folder}/{(kind == ObjectKind.Guest ? id.Replace('-', '_') : id)}";

    public static string OfDevice(string id) => Of(ObjectKind.Device, id);

    public static string OfClaim(string id) => Of(ObjectKind.Claim, id);

    public static string OfGuest(string uuid) => Of(ObjectKind.Guest, uuid);

    /// <summary>The kind of the objects in a folder.</summary>
    public static ObjectKind KindIn(string folder) => Folders.First(f => f.Folder == folder).Kind;

    /// <returns>Null for a path that no object of ours can have.</returns>
    public static ObjectName? Parse(string path)
    {
        if (path == Root)
        {
            return new ObjectName(ObjectKind.Manager, "");
        }

        if (!path.StartsWith(Root + "/", StringComparison.Ordinal))
        {
            return null;
        }

        var parts = path[(Root.Length + 1)..].Split('/');
        var folder = Array.FindIndex(Folders, f => f.Folder == parts[0]);
        return (folder, parts.Length) switch
        {
            ( < 0, _) => null,
            (_, 1) => new ObjectName(ObjectKind.Folder, parts[0]),
            (_, 2) when parts[1].Length <= LongestId => new ObjectName(
                Folders[folder].Kind, Folders[folder].Kind == ObjectKind.Guest ? parts[1].Replace('_', '-') : parts[1]),
            _ => null,
        };
    }
}
