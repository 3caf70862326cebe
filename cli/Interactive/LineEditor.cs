// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;

namespace UsbHostd.Cli.Interactive;

/// <summary>
/// Reads a line from a raw terminal: emacs keys, history, search in it, completion. A line that is too long for the terminal moves to
/// and fro in it.
/// </summary>
/// <param name="columns">Of the terminal, now.</param>
/// <param name="suspend">Stops the process until it is told to go on.</param>
internal sealed class LineEditor(KeyReader keys, TextWriter output, Func<int> columns, History history, Func<string, Completions> complete, Action suspend)
{
    private const string Bell = "\a";
    private const string ClearToEnd = "\u001b[K";
    private const string ClearAll = "\u001b[H\u001b[2J";

    /// <summary>A list of more than these helps nobody.</summary>
    private const int MostListed = 200;

    private readonly LineBuffer line = new();

    // Which line of the history is shown, counted from its start; its length stands for the line that was begun.
    private int shown;
    private string begun = "";
    private string prompt = "";

    /// <returns>The line; empty where Ctrl-C gave it up; null at the end of the input.</returns>
    public string? Read(string withPrompt)
    {
        prompt = withPrompt;
        line.Set("");
        shown = history.Lines.Count;
        var last = KeyKind.None;
        while (true)
        {
            Draw();
            var key = keys.Read();
            if (key.Kind == KeyKind.Search)
            {
                key = Search();
            }

            switch (key.Kind)
            {
                case KeyKind.Enter:
                    return Leave(line.Text);
                case KeyKind.Cancel:
                    output.Write("^C");
                    return Leave("");
                case KeyKind.EndOfInput:
                case KeyKind.DeleteOrEnd when line.Length == 0:
                    return Leave(null);
                default:
                    Take(key, last);
                    break;
            }

            last = key.Kind;
        }
    }

    private void Take(Key key, KeyKind last)
    {
        switch (key.Kind)
        {
            case KeyKind.Up: Show(shown - 1); break;
            case KeyKind.Down: Show(shown + 1); break;
            case KeyKind.Tab: Complete(last == KeyKind.Tab); break;
            case KeyKind.ClearScreen: output.Write(ClearAll); break;
            case KeyKind.Suspend: suspend(); break;
            default: line.Take(key); break;
        }
    }

    private string? Leave(string? text)
    {
        output.Write("\r\n");
        output.Flush();
        return text;
    }

    private void Draw() => Draw(prompt);

    private void Draw(string before)
    {
        var width = TerminalText.WidthOf(before);
        var (text, column) = line.Window(Math.Max(1, columns() - width - 1));
        output.Write(string.Create(CultureInfo.InvariantCulture, $"\r{before}{text}{ClearToEnd}\r\u001b[{width + column}C"));
        output.Flush();
    }

    private void Show(int index)
    {
        if (index < 0 || index > history.Lines.Count)
        {
            output.Write(Bell);
            return;
        }

        if (shown == history.Lines.Count)
        {
            begun = line.Text;
        }

        shown = index;
        line.Set(shown == history.Lines.Count ? begun : history.Lines[shown]);
    }

    private void Complete(bool again)
    {
        var before = line.BeforeCursor;
        var found = complete(before);
        if (found.Words.Count == 0)
        {
            output.Write(Bell);
            return;
        }

        var common = found.Common;
        var inserted = ShellLine.Quote(common) + (found.Words.Count == 1 ? " " : "");
        if (!string.Equals(before[found.Start..], inserted, StringComparison.Ordinal) && (found.Words.Count == 1 || common.Length > found.Begun.Length))
        {
            line.ReplaceBefore(found.Start, inserted);
        }
        else if (again)
        {
            List(found.Words);
        }
        else
        {
            output.Write(Bell);
        }
    }

    private void List(IReadOnlyList<string> words)
    {
        string[] listed = [.. words.Take(MostListed).Select(TerminalText.Escape)];
        var width = listed.Max(TerminalText.WidthOf) + 2;
        var across = Math.Max(1, columns() / width);
        var text = new StringBuilder("\r\n");
        for (var i = 0; i < listed.Length; i++)
        {
            text.Append(listed[i]).Append(' ', width - TerminalText.WidthOf(listed[i])).Append((i + 1) % across == 0 && i + 1 < listed.Length ? "\r\n" : "");
        }

        output.Write(text.Append("\r\n"));
        if (words.Count > MostListed)
        {
            output.Write(string.Create(CultureInfo.InvariantCulture, $"and {words.Count - MostListed} more\r\n"));
        }
    }

    /// <summary>Ctrl-R: the last line with what is typed now in it; the key that ends it has its own meaning then.</summary>
    private Key Search()
    {
        var (original, query, at) = (line.Text, "", history.Lines.Count);
        while (true)
        {
            Draw($"(reverse-i-search)'{query}': ");
            var key = keys.Read();
            var from = at;
            switch (key.Kind)
            {
                case KeyKind.Text: query += key.Rune; from = Math.Min(at + 1, history.Lines.Count); break;
                case KeyKind.Backspace: query = query.Length > 0 ? query[..^(char.IsLowSurrogate(query[^1]) ? 2 : 1)] : ""; from = history.Lines.Count; break;
                case KeyKind.Search: break;
                case KeyKind.Cancel:
                    line.Set(original);
                    return new Key(KeyKind.None);
                default:
                    return key;
            }

            var found = from - 1;
            while (query.Length > 0 && found >= 0 && !history.Lines[found].Contains(query, StringComparison.Ordinal))
            {
                found--;
            }

            if (query.Length > 0 && found >= 0)
            {
                (at, shown) = (found, found);
                line.Set(history.Lines[found]);
            }
            else
            {
                output.Write(Bell);
            }
        }
    }
}
