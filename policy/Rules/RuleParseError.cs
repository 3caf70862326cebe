// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Policy.Devices;

namespace UsbHostd.Policy.Rules;

/// <summary>Why a text was refused: where, what stands there, and what should.</summary>
public sealed class RuleParseError
{
    private const int MostFound = 40;

    private readonly string text;
    private readonly int at;

    internal RuleParseError(string? file, string text, int at, string expected)
    {
        (File, this.text, this.at, Expected) = (file, text, at, expected);
        var before = text.AsSpan(0, at);
        Line = before.Count('\n') + 1;
        Column = ColumnOf(text, at);
    }

    /// <summary>As it was named to the parser; null for a single rule.</summary>
    public string? File { get; }

    /// <summary>From 1.</summary>
    public int Line { get; }

    /// <summary>From 1, in characters; a tab is one.</summary>
    public int Column { get; }

    /// <summary>What should stand there instead.</summary>
    public string Expected { get; }

    /// <summary>
    /// What stands there, to the next blank and no more than 40 characters of it, in quotes and escaped; or
    /// <c>the end of the line</c>. It is made when it is asked for: the error itself stays small, whatever the text.
    /// </summary>
    public string Found
    {
        get
        {
            var rest = text.AsSpan(at);
            var end = rest.IndexOf('\n');
            rest = end < 0 ? rest : rest[..end];
            if (rest.IsEmpty)
            {
                return "the end of the line";
            }

            var length = rest[1..].IndexOfAny(' ', '\t') is >= 0 and var blank ? blank + 1 : rest.Length;
            return length <= MostFound ? $"\"{TextEscape.Escape(rest[..length].ToString())}\"" : $"\"{TextEscape.Escape(rest[..MostFound].ToString())}\"…";
        }
    }

    /// <summary>For example <c>/etc/usbhostd/rules.d/50-lab.conf:3:14: found "08:*:50", expected …</c>.</summary>
    public string Message => $"{(File is null ? $"line {Line}, column {Column}" : $"{TextEscape.Escape(File)}:{Line}:{Column}")}: found {Found}, expected {Expected}";

    public override string ToString() => Message;

    /// <summary>From 1, in characters, of the line that the place is in.</summary>
    internal static int ColumnOf(string text, int at)
    {
        var line = text.AsSpan(0, at);
        line = line[(line.LastIndexOf('\n') + 1)..];
        var column = 1;
        for (var i = 0; i < line.Length; i++)
        {
            column += char.IsLowSurrogate(line[i]) && i > 0 && char.IsHighSurrogate(line[i - 1]) ? 0 : 1;
        }

        return column;
    }
}
