// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace UsbHostd.Cli.Interactive;

/// <summary>
/// A line of commands, read with the quoting of a POSIX shell and nothing else of it: <c>'...'</c>, <c>"..."</c>, a backslash,
/// <c>;</c> between commands and <c>#</c> before a comment. Nothing is expanded.
/// </summary>
internal sealed class ShellLine
{
    private readonly StringBuilder word = new();
    private readonly List<List<string>> commands = [[]];
    private readonly string text;
    private int at;

    private ShellLine(string text)
    {
        this.text = text;
        Read();
    }

    /// <summary>The words of each command; commands without a word are left out.</summary>
    public IEnumerable<string[]> Commands => commands.Where(command => command.Count > 0).Select(command => command.ToArray());

    /// <summary>A quote that is not closed, or a backslash at the end.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>In a comment at the end.</summary>
    public bool IsComment { get; private set; }

    /// <summary>The words of the last command, the last of them begun or empty.</summary>
    public string[] Begun { get; private set; } = [];

    /// <summary>Where the begun word starts.</summary>
    public int BegunAt { get; private set; }

    public static ShellLine Parse(string text) => new(text);

    /// <summary>The word as it has to be written to be read as itself.</summary>
    public static string Quote(string word)
    {
        var quoted = new StringBuilder(word.Length);
        foreach (var c in word)
        {
            if (c is ' ' or '\'' or '"' or '\\' or ';' || (c == '#' && quoted.Length == 0))
            {
                quoted.Append('\\');
            }

            quoted.Append(c);
        }

        return quoted.ToString();
    }

    private void Read()
    {
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at]))
            {
                at++;
            }

            BegunAt = at;
            IsComment = at < text.Length && text[at] == '#';
            if (at == text.Length || IsComment)
            {
                Begun = [.. commands[^1], ""];
                return;
            }

            if (text[at] == ';')
            {
                at++;
                commands.Add([]);
                continue;
            }

            word.Clear();
            ReadWord();
            Begun = [.. commands[^1], word.ToString()];
            commands[^1].Add(word.ToString());
            if (at == text.Length)
            {
                return;
            }
        }
    }

    private void ReadWord()
    {
        while (at < text.Length && !char.IsWhiteSpace(text[at]) && text[at] != ';')
        {
            var c = text[at++];
            if (c is '\'' or '"')
            {
                ReadQuoted(c);
            }
            else if (c == '\\')
            {
                ReadEscaped();
            }
            else
            {
                word.Append(c);
            }
        }
    }

    private void ReadQuoted(char quote)
    {
        while (at < text.Length && text[at] != quote)
        {
            var c = text[at++];
            if (c == '\\' && quote == '"' && at < text.Length && text[at] is '"' or '\\')
            {
                c = text[at++];
            }

            word.Append(c);
        }

        IsOpen |= at++ >= text.Length;
        at = Math.Min(at, text.Length);
    }

    private void ReadEscaped()
    {
        if (at < text.Length)
        {
            word.Append(text[at++]);
        }
        else
        {
            IsOpen = true;
        }
    }
}
