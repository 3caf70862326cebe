// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;
using UsbHostd.Cli.Interactive;

namespace UsbHostd.Tests.Hints;

/// <summary>
/// Reads a hint as a person does: ways that lead out of it, each of steps, each perhaps with a command. An alternative begins with "or" behind a
/// comma or a semicolon. A command ends at a semicolon, a comma with a blank, a bracket, or with the hint.
/// </summary>
internal static partial class HintReader
{
    /// <summary>The ways, each with its steps in their order.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Ways(string hint) =>
        [.. Split(hint, "; or ", ", or ").Select(way => Split(way, "; ", ", then "))];

    /// <summary>The words of the command in a step; null where a person acts by hand.</summary>
    public static string[]? Command(string step)
    {
        var outside = Unquoted(step);
        if (Program().Match(outside) is not { Success: true } program)
        {
            return null;
        }

        var end = outside.IndexOf(" (", program.Index, StringComparison.Ordinal);
        return ShellLine.Parse(end < 0 ? step[program.Index..] : step[program.Index..end]).Commands.Single();
    }

    private static List<string> Split(string text, params string[] separators)
    {
        List<string> parts = [];
        var (outside, start) = (Unquoted(text), 0);
        for (var at = 0; at < text.Length; at++)
        {
            if (Array.Find(separators, s => string.CompareOrdinal(outside, at, s, 0, s.Length) == 0) is { } separator)
            {
                parts.Add(text[start..at]);
                start = at + separator.Length;
                at = start - 1;
            }
        }

        return [.. parts, text[start..]];
    }

    /// <summary>The text with what stands in the quotes of a shell blotted out.</summary>
    private static string Unquoted(string text)
    {
        var (blotted, quote) = (text.ToCharArray(), '\0');
        for (var at = 0; at < blotted.Length; at++)
        {
            // An apostrophe within a word of prose begins no quote: "the guest's".
            if (quote == '\0' && blotted[at] is '\'' or '"' && (at == 0 || !char.IsLetter(blotted[at - 1]) || IsInCommand(text, at)))
            {
                quote = blotted[at];
            }
            else if (quote != '\0')
            {
                quote = blotted[at] == quote ? '\0' : quote;
                blotted[at] = '_';
            }
        }

        return new string(blotted);
    }

    private static bool IsInCommand(string text, int at) =>
        Program().Matches(text[..at]) is { Count: > 0 } programs && !text[programs[^1].Index..at].Contains(" (", StringComparison.Ordinal) && !text[programs[^1].Index..at].Contains("; ", StringComparison.Ordinal);

    [GeneratedRegex(@"(?<![\w/'(-])(?:(?:sudo|usbhostctl|virsh|systemctl|journalctl|usermod) (?=\S)|lsblk\b)", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Program();
}
