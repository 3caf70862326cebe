// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace UsbHostd.Policy.Devices;

/// <summary>
/// A library's message of several lines as one. Where such a message is shown it is escaped, and its line breaks would look like an attack.
/// </summary>
public static class OneLine
{
    private static readonly char[] Breaks = ['\n', '\r'];

    /// <summary>The lines with <c>; </c> between them, or a blank behind a colon; tabs become blanks.</summary>
    public static string Of(string text)
    {
        if (text.AsSpan().IndexOfAny('\n', '\r', '\t') < 0)
        {
            return text;
        }

        var line = new StringBuilder(text.Length);
        foreach (var next in text.Replace('\t', ' ').Split(Breaks, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            line.Append(line.Length == 0 ? "" : line[^1] is ':' or ';' ? " " : "; ").Append(next);
        }

        return line.ToString();
    }
}
