// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;

namespace UsbHostd.Cli;

/// <summary>
/// Makes text safe to show: what a device says of itself must neither steer the terminal nor pass for other text. Everything that is
/// not plainly visible becomes <c>\x1b</c>, <c>\u202e</c> or <c>\U000e0041</c>, and a backslash is doubled, so that what is shown
/// says exactly what is there.
/// </summary>
internal static class TerminalText
{
    private const char Ellipsis = '…';

    public static string Escape(string text) => Escape(text, @"\\");

    /// <summary>As <see cref="Escape(string)"/>, of a rule or a part of one: its strings have escapes already, so a backslash stays one.</summary>
    public static string EscapeRule(string text) => Escape(text, @"\");

    private static string Escape(string text, string backslash)
    {
        var safe = true;
        foreach (var c in text)
        {
            // Most text is plain ASCII: nothing to build then.
            safe &= c is >= ' ' and < '\x7f' and not '\\';
        }

        if (safe)
        {
            return text;
        }

        var shown = new StringBuilder(text.Length + 16);
        for (var i = 0; i < text.Length; i++)
        {
            if (!Rune.TryGetRuneAt(text, i, out var rune))
            {
                AppendEscape(shown, text[i]);
                continue;
            }

            i += rune.Utf16SequenceLength - 1;
            if (rune.Value == '\\')
            {
                shown.Append(backslash);
            }
            else if (IsVisible(rune))
            {
                shown.Append(rune.ToString());
            }
            else
            {
                AppendEscape(shown, rune.Value);
            }
        }

        return shown.ToString();
    }

    /// <summary>False for controls (C0, DEL, C1), format characters (bidi, zero width, tags), line separators, surrogates and the unassigned.</summary>
    public static bool IsVisible(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);

    /// <summary>Columns that escaped text takes on a terminal.</summary>
    public static int WidthOf(string text)
    {
        var width = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            width += WidthOf(rune);
        }

        return width;
    }

    /// <summary>Cut to so many columns, with an ellipsis where something is missing.</summary>
    public static string Fit(string text, int columns)
    {
        if (WidthOf(text) <= columns)
        {
            return text;
        }

        var fitted = new StringBuilder();
        var left = columns - 1;
        foreach (var rune in text.EnumerateRunes())
        {
            left -= WidthOf(rune);
            if (left < 0)
            {
                break;
            }

            fitted.Append(rune.ToString());
        }

        return fitted.Append(Ellipsis).ToString();
    }

    private static int WidthOf(Rune rune)
    {
        if (rune.IsAscii)
        {
            return 1;
        }

        if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark)
        {
            return 0;
        }

        // The wide blocks of East Asian scripts, and emoji.
        return rune.Value is (>= 0x1100 and <= 0x115f) or (>= 0x2e80 and <= 0xa4cf) or (>= 0xac00 and <= 0xd7a3)
            or (>= 0xf900 and <= 0xfaff) or (>= 0xfe30 and <= 0xfe6f) or (>= 0xff00 and <= 0xff60) or (>= 0xffe0 and <= 0xffe6)
            or (>= 0x1f300 and <= 0x1f64f) or (>= 0x1f900 and <= 0x1f9ff) or (>= 0x20000 and <= 0x3fffd)
            ? 2
            : 1;
    }

    private static void AppendEscape(StringBuilder shown, int value) => shown.Append(value switch
    {
        < 0x100 => $@"\x{value:x2}",
        < 0x10000 => $@"\u{value:x4}",
        _ => $@"\U{value:x8}",
    });
}
