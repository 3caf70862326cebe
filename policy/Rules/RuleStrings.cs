// SPDX-License-Identifier: Apache-2.0
using System.Buffers;

namespace UsbHostd.Policy.Rules;

/// <summary>Makes the strings of a file; those that come again soon are made once.</summary>
internal struct RuleStrings
{
    private const int MostRemembered = 64;

    /// <summary>A power of two.</summary>
    private const int Places = 512;

    /// <summary>Below this a table costs more than it saves.</summary>
    private const int WorthATable = 32 * 1024;

    private readonly string?[]? known;

    public RuleStrings(int textLength) => known = textLength >= WorthATable ? new string?[Places] : null;

    /// <param name="raw">What stands between the quotes.</param>
    /// <param name="escaped">Whether there is a backslash in it; each begins an escape that was looked at.</param>
    public readonly string Get(ReadOnlySpan<char> raw, bool escaped)
    {
        if (raw.IsEmpty)
        {
            return "";
        }

        if (escaped || raw.ContainsAnyInRange('\ud800', '\udfff'))
        {
            return Unescape(raw);
        }

        if (known is null || raw.Length > MostRemembered)
        {
            return raw.ToString();
        }

        ref var place = ref known[string.GetHashCode(raw, StringComparison.Ordinal) & (Places - 1)];
        return place is not null && raw.SequenceEqual(place) ? place : place = raw.ToString();
    }

    /// <summary>By way of bytes: an escape is one, and several of them may be one character.</summary>
    private static string Unescape(ReadOnlySpan<char> raw)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(3 * raw.Length);
        var length = 0;
        while (!raw.IsEmpty)
        {
            var plain = raw.IndexOf('\\') is >= 0 and var at ? at : raw.Length;
            length += RuleText.Encode(raw[..plain], bytes.AsSpan(length));
            raw = raw[plain..];
            if (raw.IsEmpty)
            {
                break;
            }

            var isHex = raw[1] == 'x';
            bytes[length++] = isHex ? (byte)((RuleScanner.HexValue(raw[2]) << 4) | RuleScanner.HexValue(raw[3])) : (byte)raw[1];
            raw = raw[(isHex ? 4 : 2)..];
        }

        var text = RuleText.Decode(bytes.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(bytes);
        return text;
    }
}
