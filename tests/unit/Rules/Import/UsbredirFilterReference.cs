// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using UsbHostd.Policy.Rules.Import;

namespace UsbHostd.Tests.Rules.Import;

/// <summary>The filter of usbredir itself, from libusbredirparser1 (usbredirfilter.h).</summary>
internal static partial class UsbredirFilterReference
{
    private const string Library = "libusbredirparser.so.1";

    /// <summary>Null where it refuses the text.</summary>
    public static int? Rules(string text, string separator)
    {
        var refused = Read(text, separator, "|", out var rules, out var count) != 0;
        Free(refused ? 0 : rules);
        return refused ? null : count;
    }

    public static bool Allows(string text, string separator, RedirDevice device)
    {
        if (Read(text, separator, "|", out var rules, out var count) != 0)
        {
            throw new ArgumentException("usbredir refuses the filter: " + text, nameof(text));
        }

        try
        {
            return Check(
                rules, count, device.Class, 0, 0, [.. device.Interfaces.Select(i => i.Class)], [.. device.Interfaces.Select(i => i.Subclass)],
                [.. device.Interfaces.Select(i => i.Protocol)], device.Interfaces.Length, device.Id.Vendor, device.Id.Product, device.Release, 0) == 0;
        }
        finally
        {
            Free(rules);
        }
    }

    [LibraryImport(Library, EntryPoint = "usbredirfilter_string_to_rules", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Read(string filter, string tokenSeparator, string ruleSeparator, out nint rules, out int count);

    [LibraryImport(Library, EntryPoint = "usbredirfilter_check")]
    private static partial int Check(
        nint rules, int count, byte deviceClass, byte deviceSubclass, byte deviceProtocol, byte[] classes, byte[] subclasses, byte[] protocols,
        int interfaces, ushort vendor, ushort product, ushort release, int flags);

    [LibraryImport(Library, EntryPoint = "usbredirfilter_free")]
    private static partial void Free(nint rules);
}
