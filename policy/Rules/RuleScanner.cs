// SPDX-License-Identifier: Apache-2.0
using System.Buffers;

namespace UsbHostd.Policy.Rules;

/// <summary>A place in a line, and what went wrong there first. It moves on only over what it took.</summary>
internal struct RuleScanner(string text, int start, int end)
{
    private static readonly SearchValues<char> EndOfPlain = SearchValues.Create("\"\\\r\n");

    public readonly string Text => text;

    public int Position { get; set; } = start;

    /// <summary>Where the line ends, or the argument that is being read.</summary>
    public int End { get; set; } = end;

    public int ErrorAt { get; private set; }

    /// <summary>Null for as long as nothing is wrong.</summary>
    public string? Expected { get; private set; }

    public readonly bool AtEnd => Position == End;

    public readonly ReadOnlySpan<char> Rest => text.AsSpan(Position, End - Position);

    public bool Fail(string expected) => FailAt(Position, expected);

    public bool FailAt(int at, string expected)
    {
        (ErrorAt, Expected) = (at, expected);
        return false;
    }

    public readonly bool Sees(char wanted) => Position < End && text[Position] == wanted;

    public bool Eat(char wanted)
    {
        var there = Sees(wanted);
        Position += there ? 1 : 0;
        return there;
    }

    public bool SkipBlanks()
    {
        var from = Position;
        while (Position < End && text[Position] is ' ' or '\t')
        {
            Position++;
        }

        return Position > from;
    }

    /// <summary>Letters, digits and hyphens, as many as there are; perhaps none.</summary>
    public ReadOnlySpan<char> Word()
    {
        var from = Position;
        while (Position < End && (char.IsAsciiLetterOrDigit(text[Position]) || text[Position] == '-'))
        {
            Position++;
        }

        return text.AsSpan(from, Position - from);
    }

    /// <summary>Exactly so many hex digits.</summary>
    public bool TryHex(int digits, out int value)
    {
        value = 0;
        if (End - Position < digits)
        {
            return false;
        }

        for (var i = 0; i < digits; i++)
        {
            var c = text[Position + i];
            if (!char.IsAsciiHexDigit(c))
            {
                return false;
            }

            value = (value << 4) | HexValue(c);
        }

        Position += digits;
        return true;
    }

    /// <summary>A string in double quotes, as it is meant: without its escapes.</summary>
    public bool TryString(ref RuleStrings strings, out string value)
    {
        value = "";
        var open = Position;
        if (!Eat('"'))
        {
            return Fail("a string in double quotes");
        }

        var escaped = false;
        while (true)
        {
            var step = Rest.IndexOfAny(EndOfPlain);
            Position = step < 0 ? End : Position + step;
            if (AtEnd || text[Position] is '\r' or '\n')
            {
                return Fail("the double quote that ends the string");
            }

            if (text[Position] == '"')
            {
                value = strings.Get(text.AsSpan(open + 1, Position - open - 1), escaped);
                Position++;
                return true;
            }

            escaped = true;
            if (!TryEscape())
            {
                return false;
            }
        }
    }

    internal static int HexValue(char digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;

    private bool TryEscape()
    {
        var next = Position + 1 < End ? text[Position + 1] : ' ';
        var isHex = next == 'x' && Position + 3 < End && char.IsAsciiHexDigit(text[Position + 2]) && char.IsAsciiHexDigit(text[Position + 3]);
        if (!isHex && next is not ('\\' or '"'))
        {
            return Fail(@"one of the escapes \\, \"" and \xHH");
        }

        Position += isHex ? 4 : 2;
        return true;
    }
}
