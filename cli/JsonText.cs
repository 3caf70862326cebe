// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using Google.Protobuf;

namespace UsbHostd.Cli;

/// <summary>
/// Messages in JSON, by proto3's own mapping, one document a line. Empty strings and lists, zeros and false are
/// written too, so that a script need not tell "none" from "not there"; an object that is not set is left out.
/// </summary>
internal static class JsonText
{
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true));

    /// <summary>One line. Characters that would steer a terminal stand escaped, which means the same to a JSON reader.</summary>
    public static string Of(IMessage message)
    {
        var json = Formatter.Format(message);
        var text = new StringBuilder(json.Length);
        foreach (var rune in json.EnumerateRunes())
        {
            // JSON has no character beyond ASCII outside of its strings.
            if (rune.IsAscii || TerminalText.IsVisible(rune))
            {
                text.Append(rune.ToString());
            }
            else
            {
                AppendEscape(text, rune);
            }
        }

        return text.ToString();
    }

    private static void AppendEscape(StringBuilder text, Rune rune)
    {
        Span<char> units = stackalloc char[2];
        foreach (var unit in units[..rune.EncodeToUtf16(units)])
        {
            text.Append(@"\u").Append(((int)unit).ToString("x4", CultureInfo.InvariantCulture));
        }
    }
}
