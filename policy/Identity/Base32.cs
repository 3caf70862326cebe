// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace UsbHostd.Policy.Identity;

/// <summary>Short names from hashes: RFC 4648 base32 digits in lower case, 60 bits of SHA-256 in 12 digits.</summary>
public static class Base32
{
    private const string Digits = "abcdefghijklmnopqrstuvwxyz234567";

    private static readonly SearchValues<char> DigitSet = SearchValues.Create(Digits);

    /// <summary>The digits of a name, its prefix not counted.</summary>
    public const int NameLength = 12;

    /// <summary>Makes the name of a text: the prefix and 12 digits, for example <c>cmzxw6ytboi2e</c>. The same text has the same name.</summary>
    public static string NameOf(char prefix, string text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        var bits = 0UL;
        for (var i = 0; i < 8; i++)
        {
            bits = (bits << 8) | hash[i];
        }

        return string.Create(NameLength + 1, (prefix, bits), static (span, from) =>
        {
            span[0] = from.prefix;
            for (var i = 0; i < NameLength; i++)
            {
                span[i + 1] = Digits[(int)(from.bits >> (59 - (5 * i))) & 31];
            }
        });
    }

    /// <summary>Whether the text has the form of a name with this prefix.</summary>
    public static bool IsName(char prefix, string? text) =>
        text is { Length: NameLength + 1 } && text[0] == prefix && text.AsSpan(1).IndexOfAnyExcept(DigitSet) < 0;
}
