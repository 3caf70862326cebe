// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace UsbHostd.Cli.Interactive;

/// <summary>Makes keys of the bytes that a terminal sends: UTF-8, controls, and the escape sequences of ECMA-48 and of xterm.</summary>
/// <param name="next">The next byte, or -1 where there is none any more.</param>
internal sealed class KeyReader(Func<int> next)
{
    private const int Escape = 0x1b;
    private const int Delete = 0x7f;

    /// <summary>No sequence is longer; what is, is no key.</summary>
    private const int LongestSequence = 16;

    public Key Read()
    {
        var first = next();
        return first switch
        {
            < 0 => new Key(KeyKind.EndOfInput),
            Escape => new Key(OfEscape()),
            < ' ' or Delete => new Key(OfControl(first)),
            _ => OfText(first),
        };
    }

    private static KeyKind OfControl(int control) => control switch
    {
        1 => KeyKind.Home,
        2 => KeyKind.Left,
        3 or 7 => KeyKind.Cancel,
        4 => KeyKind.DeleteOrEnd,
        5 => KeyKind.End,
        6 => KeyKind.Right,
        8 or Delete => KeyKind.Backspace,
        '\t' => KeyKind.Tab,
        '\n' or '\r' => KeyKind.Enter,
        11 => KeyKind.KillToEnd,
        12 => KeyKind.ClearScreen,
        14 => KeyKind.Down,
        16 => KeyKind.Up,
        18 => KeyKind.Search,
        21 => KeyKind.KillToStart,
        23 => KeyKind.KillWordBefore,
        25 => KeyKind.Yank,
        26 => KeyKind.Suspend,
        _ => KeyKind.None,
    };

    private static KeyKind OfFinal(string parameters, int final) => (final, parameters) switch
    {
        ('A', _) => KeyKind.Up,
        ('B', _) => KeyKind.Down,
        ('C', "1;5" or "1;3") => KeyKind.WordRight,
        ('C', _) => KeyKind.Right,
        ('D', "1;5" or "1;3") => KeyKind.WordLeft,
        ('D', _) => KeyKind.Left,
        ('H', _) or ('~', "1" or "7") => KeyKind.Home,
        ('F', _) or ('~', "4" or "8") => KeyKind.End,
        ('~', "3") => KeyKind.Delete,
        ('~', "5") => KeyKind.PageUp,
        ('~', "6") => KeyKind.PageDown,
        _ => KeyKind.None,
    };

    private KeyKind OfEscape() => next() switch
    {
        '[' => OfSequence(),
        'O' => OfFinal("", next()),
        'b' => KeyKind.WordLeft,
        'f' => KeyKind.WordRight,
        'd' => KeyKind.KillWordAfter,
        Delete or 8 => KeyKind.KillWordBefore,
        < 0 => KeyKind.EndOfInput,
        _ => KeyKind.None,
    };

    private KeyKind OfSequence()
    {
        var parameters = new StringBuilder();
        while (parameters.Length < LongestSequence)
        {
            var c = next();
            if (c is < 0 or (>= 0x40 and <= 0x7e))
            {
                return c < 0 ? KeyKind.EndOfInput : OfFinal(parameters.ToString(), c);
            }

            parameters.Append((char)c);
        }

        return KeyKind.None;
    }

    private Key OfText(int first)
    {
        Span<byte> bytes = stackalloc byte[4];
        bytes[0] = (byte)first;
        var length = first switch { < 0xc0 => 1, < 0xe0 => 2, < 0xf0 => 3, _ => 4 };
        for (var i = 1; i < length; i++)
        {
            var c = next();
            if (c < 0)
            {
                return new Key(KeyKind.EndOfInput);
            }

            bytes[i] = (byte)c;
        }

        // What is not to be seen could not be edited either.
        return Rune.DecodeFromUtf8(bytes[..length], out var rune, out _) == System.Buffers.OperationStatus.Done && TerminalText.IsVisible(rune)
            ? new Key(KeyKind.Text, rune)
            : new Key(KeyKind.None);
    }
}
