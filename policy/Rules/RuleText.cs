// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace UsbHostd.Policy.Rules;

/// <summary>
/// Text that was bytes, without loss. USBGuard's strings are bytes; ours are characters. A byte that is not part of UTF-8 stands as a
/// lone low surrogate, U+DC00 + byte, which no device's string has: such a value matches nothing, and is printed as it was read.
/// </summary>
public static class RuleText
{
    private const char Escaped = '\udc00';

    /// <summary>What a rule file holds, as text for the parser. Never fails.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            return Encoding.UTF8.GetString(bytes);
        }

        var text = ArrayPool<char>.Shared.Rent(bytes.Length);
        var length = 0;
        while (!bytes.IsEmpty)
        {
            var valid = Rune.DecodeFromUtf8(bytes, out var rune, out var read) == OperationStatus.Done;
            if (valid)
            {
                length += rune.EncodeToUtf16(text.AsSpan(length));
                bytes = bytes[read..];
            }
            else
            {
                text[length++] = (char)(Escaped + bytes[0]);
                bytes = bytes[1..];
            }
        }

        var result = new string(text, 0, length);
        ArrayPool<char>.Shared.Return(text);
        return result;
    }

    /// <summary>
    /// The bytes that a text was, at most three for each character. Other lone surrogates, which no bytes give, become three bytes
    /// that are not UTF-8.
    /// </summary>
    internal static int Encode(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        var length = 0;
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out var rune, out var read) == OperationStatus.Done)
            {
                length += rune.EncodeToUtf8(bytes[length..]);
            }
            else if (text[0] is >= '\udc80' and <= '\udcff')
            {
                bytes[length++] = (byte)(text[0] - Escaped);
            }
            else
            {
                bytes[length++] = (byte)(0xe0 | (text[0] >> 12));
                bytes[length++] = (byte)(0x80 | ((text[0] >> 6) & 0x3f));
                bytes[length++] = (byte)(0x80 | (text[0] & 0x3f));
            }

            text = text[read..];
        }

        return length;
    }
}
