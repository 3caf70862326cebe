// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace UsbHostd.Daemon.Configuration;

/// <summary>One <c>key = value</c> with the line that it stands in, from 1.</summary>
internal readonly record struct IniEntry(string Section, string Key, string Value, int Line);

/// <summary>One <c>[section]</c> with its line.</summary>
internal readonly record struct IniSection(string Name, int Line);

/// <summary>
/// The grammar of the file: sections, <c>key = value</c>, and comments on lines of their own that begin with # or ;. Our own,
/// because the framework's INI provider tells no line numbers, takes the last of two equal keys without a word, and strips
/// quotes. It reads on after a problem, so that one run tells all of them.
/// </summary>
internal sealed class IniFile
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<IniEntry> entries = [];
    private readonly List<IniSection> sections = [];
    private readonly List<(int Line, string Problem)> problems = [];

    public IReadOnlyList<IniEntry> Entries => entries;

    public IReadOnlyList<IniSection> Sections => sections;

    public IReadOnlyList<(int Line, string Problem)> Problems => problems;

    public static IniFile Parse(ReadOnlySpan<byte> bytes)
    {
        var file = new IniFile();
        if (bytes.StartsWith(Encoding.UTF8.Preamble))
        {
            bytes = bytes[Encoding.UTF8.Preamble.Length..];
        }

        var number = 0;
        foreach (var range in bytes.Split((byte)'\n'))
        {
            file.ReadLine(bytes[range], ++number);
        }

        return file;
    }

    private void ReadLine(ReadOnlySpan<byte> bytes, int number)
    {
        string line;
        try
        {
            line = Strict.GetString(bytes).Trim();
        }
        catch (DecoderFallbackException)
        {
            problems.Add((number, "found bytes that are not UTF-8, expected text in UTF-8"));
            return;
        }

        if (line.Length == 0 || line[0] is '#' or ';')
        {
            return;
        }

        if (line.Any(c => char.IsControl(c) && c != '\t'))
        {
            problems.Add((number, "found a control character, expected printable text"));
        }
        else if (line[0] == '[')
        {
            ReadSection(line, number);
        }
        else
        {
            ReadEntry(line, number);
        }
    }

    private void ReadSection(string line, int number)
    {
        if (line[^1] != ']' || line.Length < 3)
        {
            problems.Add((number, $"found {line}, expected a section such as [daemon], and nothing after it"));
            return;
        }

        var name = line[1..^1].Trim();
        var earlier = sections.FindIndex(s => string.Equals(s.Name, name, StringComparison.Ordinal));
        if (earlier >= 0)
        {
            problems.Add((number, $"found section [{name}] again, expected it only once (first in line {sections[earlier].Line})"));
        }

        sections.Add(new IniSection(name, number));
    }

    private void ReadEntry(string line, int number)
    {
        var equals = line.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            problems.Add((number, $"found {line}, expected key = value, a [section], or a comment that begins with #"));
            return;
        }

        var (key, value) = (line[..equals].TrimEnd(), line[(equals + 1)..].TrimStart());
        if (sections.Count == 0)
        {
            problems.Add((number, $"found {key} before any section, expected a line such as [daemon] first"));
            return;
        }

        if (value.Contains(" #", StringComparison.Ordinal) || value.Contains(" ;", StringComparison.Ordinal))
        {
            problems.Add((number, $"found a comment after the value of {key}, expected comments on lines of their own"));
            return;
        }

        var section = sections[^1].Name;
        var earlier = entries.FindIndex(e =>
            string.Equals(e.Section, section, StringComparison.Ordinal) && string.Equals(e.Key, key, StringComparison.Ordinal));
        if (earlier >= 0)
        {
            problems.Add((number, $"found {key} again, expected it only once (first in line {entries[earlier].Line})"));
            return;
        }

        entries.Add(new IniEntry(section, key, value, number));
    }
}
