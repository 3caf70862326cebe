// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;

namespace UsbHostd.Policy.Devices;

/// <summary>
/// Text for terminals and logs. Nothing in the result moves a cursor, starts a line, reorders its neighbours or is invisible.
/// The backslash itself is doubled, so that no device can imitate an escape.
/// </summary>
public static class TextEscape
{
    /// <summary>
    /// Writes control and format characters (ANSI, C1, DEL, bidi overrides, zero-width ones), line and paragraph separators,
    /// lone surrogates, private-use and unassigned characters as <c>\x1b</c>, <c>\u202e</c> or <c>\U000e0001</c>. Text without any
    /// is returned as it is.
    /// </summary>
    public static string Escape(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }

        var clean = CountClean(text);
        return clean == text.Length ? text : EscapeFrom(text, clean);
    }

    private static int CountClean(string text)
    {
        var at = 0;
        while (at < text.Length && text[at] != '\\')
        {
            if (!Rune.TryGetRuneAt(text, at, out var rune) || !IsShown(rune))
            {
                return at;
            }

            at += rune.Utf16SequenceLength;
        }

        return at;
    }

    private static string EscapeFrom(string text, int from)
    {
        var result = new StringBuilder(text.Length + 16).Append(text, 0, from);
        var at = from;
        while (at < text.Length)
        {
            if (!Rune.TryGetRuneAt(text, at, out var rune))
            {
                AppendCode(result, text[at++]);
                continue;
            }

            at += rune.Utf16SequenceLength;
            if (rune.Value == '\\')
            {
                result.Append(@"\\");
            }
            else if (IsShown(rune))
            {
                result.Append(rune.ToString());
            }
            else
            {
                AppendCode(result, rune.Value);
            }
        }

        return result.ToString();
    }

    private static void AppendCode(StringBuilder result, int code) => result.Append(code switch
    {
        <= 0xff => $"\\x{code:x2}",
        <= 0xffff => $"\\u{code:x4}",
        _ => $"\\U{code:x8}",
    });

    private static bool IsShown(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
