// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Rules;

/// <summary>
/// A text in which <c>*</c> stands for any run of characters and <c>?</c> for one. Nothing else is special. Takes time in proportion
/// to pattern times text at worst, and allocates nothing.
/// </summary>
public readonly record struct Glob(string Pattern)
{
    public bool IsLiteral => !Pattern.AsSpan().ContainsAny('*', '?');

    public bool Matches(ReadOnlySpan<char> text)
    {
        var pattern = Pattern.AsSpan();
        var (p, t, star, mark) = (0, 0, -1, 0);
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (star, mark) = (p++, t);
            }
            else if (p < pattern.Length && (pattern[p] == '?' || pattern[p] == text[t]))
            {
                p++;
                t++;
            }
            else if (star >= 0)
            {
                (p, t) = (star + 1, ++mark);
            }
            else
            {
                return false;
            }
        }

        while (p < pattern.Length && pattern[p] == '*')
        {
            p++;
        }

        return p == pattern.Length;
    }
}
