// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace UsbHostd.Cli.Interactive;

/// <summary>A line that is being written, and the place in it.</summary>
internal sealed class LineBuffer
{
    private readonly List<Rune> runes = [];
    private string killed = "";

    /// <summary>Where the next character goes, in characters.</summary>
    public int Cursor { get; private set; }

    public int Length => runes.Count;

    public string Text => string.Concat(runes);

    public string BeforeCursor => string.Concat(runes.Take(Cursor));

    public void Set(string text)
    {
        runes.Clear();
        runes.AddRange(text.EnumerateRunes());
        Cursor = runes.Count;
    }

    public void Insert(string text)
    {
        Rune[] inserted = [.. text.EnumerateRunes()];
        runes.InsertRange(Cursor, inserted);
        Cursor += inserted.Length;
    }

    /// <summary>Puts text in the place of what is before the cursor, from an index into <see cref="BeforeCursor"/> on.</summary>
    public void ReplaceBefore(int start, string text)
    {
        var kept = BeforeCursor[..start] + text;
        runes.RemoveRange(0, Cursor);
        Cursor = 0;
        Insert(kept);
    }

    /// <summary>Does what the key says; false where it is no key for editing a line.</summary>
    public bool Take(Key key)
    {
        switch (key.Kind)
        {
            case KeyKind.Text: Insert(key.Rune.ToString()); break;
            case KeyKind.Left: Cursor = Math.Max(0, Cursor - 1); break;
            case KeyKind.Right: Cursor = Math.Min(runes.Count, Cursor + 1); break;
            case KeyKind.Home: Cursor = 0; break;
            case KeyKind.End: Cursor = runes.Count; break;
            case KeyKind.WordLeft: Cursor = WordBefore(); break;
            case KeyKind.WordRight: Cursor = WordAfter(); break;
            case KeyKind.Backspace: Remove(Math.Max(0, Cursor - 1), Cursor); break;
            case KeyKind.Delete or KeyKind.DeleteOrEnd: Remove(Cursor, Math.Min(runes.Count, Cursor + 1)); break;
            case KeyKind.KillToEnd: Kill(Cursor, runes.Count); break;
            case KeyKind.KillToStart: Kill(0, Cursor); break;
            case KeyKind.KillWordBefore: Kill(WordBefore(), Cursor); break;
            case KeyKind.KillWordAfter: Kill(Cursor, WordAfter()); break;
            case KeyKind.Yank: Insert(killed); break;
            default: return false;
        }

        return true;
    }

    /// <summary>What of the line is shown in so many columns, and in which of them the cursor stands. A long line is moved to and fro.</summary>
    public (string Text, int Column) Window(int columns)
    {
        var start = Cursor;
        for (var width = 0; start > 0 && (width += TerminalText.WidthOf(runes[start - 1].ToString())) < columns;)
        {
            start--;
        }

        var shown = new StringBuilder();
        var (used, column) = (0, 0);
        for (var i = start; i < runes.Count; i++)
        {
            column = i == Cursor ? used : column;
            used += TerminalText.WidthOf(runes[i].ToString());
            if (used > columns)
            {
                return (shown.ToString(), column);
            }

            shown.Append(runes[i].ToString());
        }

        return (shown.ToString(), Cursor == runes.Count ? used : column);
    }

    private int WordBefore()
    {
        var at = Cursor;
        while (at > 0 && Rune.IsWhiteSpace(runes[at - 1]))
        {
            at--;
        }

        while (at > 0 && !Rune.IsWhiteSpace(runes[at - 1]))
        {
            at--;
        }

        return at;
    }

    private int WordAfter()
    {
        var at = Cursor;
        while (at < runes.Count && Rune.IsWhiteSpace(runes[at]))
        {
            at++;
        }

        while (at < runes.Count && !Rune.IsWhiteSpace(runes[at]))
        {
            at++;
        }

        return at;
    }

    private void Kill(int start, int end)
    {
        if (end > start)
        {
            killed = string.Concat(runes[start..end]);
            Remove(start, end);
        }
    }

    private void Remove(int start, int end)
    {
        runes.RemoveRange(start, end - start);
        Cursor = start;
    }
}
