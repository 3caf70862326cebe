// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace UsbHostd.Policy.Identity;

/// <summary>idVendor:idProduct of a USB device, for example <c>0951:1666</c> (USB 2.0 specification, table 9-8).</summary>
public readonly record struct UsbId(ushort Vendor, ushort Product)
{
    /// <summary>Reads four hex digits, a colon and four hex digits, in either case; anything else is refused.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out UsbId id)
    {
        id = default;
        if (text is not { Length: 9 } || text[4] != ':'
            || !ushort.TryParse(text.AsSpan(0, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var vendor)
            || !ushort.TryParse(text.AsSpan(5, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var product))
        {
            return false;
        }

        id = new UsbId(vendor, product);
        return true;
    }

    /// <summary>Lower-case and zero-padded, as <c>lsusb</c> prints it.</summary>
    public override string ToString() => $"{Vendor:x4}:{Product:x4}";
}
