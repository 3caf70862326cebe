// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace UsbHostd.Cli.Interactive;

/// <summary>What a key is for, by the usual (emacs) bindings.</summary>
internal enum KeyKind
{
    /// <summary>A key that has no meaning here.</summary>
    None,

    /// <summary>The terminal is gone.</summary>
    EndOfInput,
    Text,
    Enter,
    Tab,
    Left,
    Right,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    WordLeft,
    WordRight,
    Backspace,
    Delete,

    /// <summary>Ctrl-D: the end of the input on an empty line, else Delete.</summary>
    DeleteOrEnd,
    KillToEnd,
    KillToStart,
    KillWordBefore,
    KillWordAfter,
    Yank,
    ClearScreen,
    Search,
    Cancel,
    Suspend,
}

/// <param name="Rune">The character of <see cref="KeyKind.Text"/>.</param>
internal readonly record struct Key(KeyKind Kind, Rune Rune = default);
