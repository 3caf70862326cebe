// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace UsbHostd.Daemon.Dbus;

/// <summary>Strings as the bus takes them.</summary>
internal static class DbusText
{
    private static readonly Rune Replacement = Rune.ReplacementChar;

    /// <summary>
    /// The same text; NUL, lone surrogates and noncharacters, which clients by sd-bus refuse although the D-Bus specification allows the latter, become
    /// U+FFFD.
    /// </summary>
    public static string Valid(string text)
    {
        if (IsValid(text))
        {
            return text;
        }

        var valid = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            valid.Append((Fits(rune) ? rune : Replacement).ToString());
        }

        return valid.ToString();
    }

    private static bool IsValid(string text)
    {
        foreach (var c in text)
        {
            if (c == 0 || char.IsSurrogate(c) || !Fits(new Rune(c)))
            {
                return false;
            }
        }

        return true;
    }

    private static bool Fits(Rune rune) => rune.Value != 0 && rune.Value is not (>= 0xFDD0 and <= 0xFDEF) && (rune.Value & 0xFFFE) != 0xFFFE;
}
