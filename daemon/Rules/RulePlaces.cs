// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Rules;

/// <summary>
/// Refuses places where everybody may put rules: a file, a folder that rules are read from, or a folder on the way to them.
/// </summary>
internal static class RulePlaces
{
    /// <exception cref="IOException">Everybody may write to the file; or the file can't be looked at.</exception>
    public static void RequireFile(string path)
    {
        if (IsOpenToAll(path))
        {
            throw new IOException("everybody may write to it, and so could give himself any device; take that away: chmod o-w.");
        }
    }

    /// <summary>What is wrong with the folder of a file of rules, or with a folder above it; null where all is well or where it is not there.</summary>
    /// <param name="folder">Absolute.</param>
    public static string? WhyNotFolder(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return null;
        }

        return WhyNot(folder, entriesAreSafe: false) ?? Above(folder) ?? (Target(folder) is { } target ? WhyNot(target, entriesAreSafe: false) ?? Above(target) : null);
    }

    /// <summary>The same for the folder that a file really is in, where the file is a link.</summary>
    public static string? WhyNotTargetOf(string file) => Target(file) is { } target && Path.GetDirectoryName(target) is { } folder ? WhyNotFolder(folder) : null;

    private static string? Above(string folder)
    {
        for (var above = Path.GetDirectoryName(folder); above is not null; above = Path.GetDirectoryName(above))
        {
            if (WhyNot(above, entriesAreSafe: true) is { } why)
            {
                return why;
            }
        }

        return null;
    }

    /// <param name="entriesAreSafe">Whether a sticky bit is enough: then nobody may rename what somebody else put there, as in /tmp.</param>
    private static string? WhyNot(string folder, bool entriesAreSafe)
    {
        var mode = File.GetUnixFileMode(folder);
        return (mode & UnixFileMode.OtherWrite) == UnixFileMode.None || (entriesAreSafe && (mode & UnixFileMode.StickyBit) != UnixFileMode.None)
            ? null
            : $"{folder}: everybody may write to this folder, and so could put rules there and give himself any device; take that away: chmod o-w {folder}.";
    }

    private static bool IsOpenToAll(string path) => (File.GetUnixFileMode(path) & UnixFileMode.OtherWrite) != UnixFileMode.None;

    private static string? Target(string path) =>
        new FileInfo(path) is { LinkTarget: not null } link ? link.ResolveLinkTarget(returnFinalTarget: true)?.FullName : null;
}
