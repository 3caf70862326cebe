// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Devices;

/// <summary>
/// Writes a word of a command so that a person can copy it into a shell. It never uses a backslash: messages show a backslash doubled, and
/// the copy would be another word.
/// </summary>
public static class ShellWord
{
    private const string PlainMarks = "_-.,:/+=%@";

    /// <summary>
    /// The word for a POSIX shell: <c>erp</c>, <c>'win 11'</c>. Null where no quotes can show it: it is empty, has an invisible character or a
    /// backslash, or begins like an option or a response file.
    /// </summary>
    public static string? Of(string word)
    {
        ArgumentNullException.ThrowIfNull(word);
        if (word.Length == 0 || word[0] is '-' or '@' || TextEscape.Escape(word) != word)
        {
            return null;
        }

        return word.All(c => char.IsAsciiLetterOrDigit(c) || PlainMarks.Contains(c, StringComparison.Ordinal)) ? word
            : $"'{word.Replace("'", "'\"'\"'", StringComparison.Ordinal)}'";
    }
}
