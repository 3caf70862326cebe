// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Grpc.Http2;

/// <summary>HPACK's Huffman code (RFC 7541, section 5.2 and appendix B).</summary>
internal static class HpackHuffman
{
    private const int Shortest = 5;
    private const int Longest = 30;
    private const int EndOfString = 256;

    /// <summary>Eight times the code of 'a', 00011, one of the shortest: after these five bytes it repeats.</summary>
    private static readonly byte[] Fill = [0x18, 0xc6, 0x31, 0x8c, 0x63];

    // Each symbol's number in its length's order of codes, and for each length the first code behind it, from the left of 32 bits.
    private static readonly ushort[] Symbols = [.. Enumerable.Range(0, Lengths.Length).OrderBy(LengthOf).Select(symbol => (ushort)symbol)];
    private static readonly ulong[] Ends = new ulong[Longest + 1];
    private static readonly int[] FirstSymbols = new int[Longest + 1];

    // The code is canonical: those of one length are numbered in the order of their symbols, so that the lengths say everything.
    static HpackHuffman()
    {
        var (next, symbol) = (0UL, 0);
        for (var length = Shortest; length <= Longest; length++)
        {
            FirstSymbols[length] = symbol;
            while (symbol < Symbols.Length && Lengths[Symbols[symbol]] == length)
            {
                next += 1UL << (32 - length);
                symbol++;
            }

            Ends[length] = next;
        }
    }

    /// <summary>Bits of each octet's code, and of the end of the string.</summary>
    internal static ReadOnlySpan<byte> Lengths =>
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    ];

    /// <summary>Decodes into <paramref name="head"/> what fits there, and gives the length of all.</summary>
    /// <exception cref="InvalidDataException">It is no string in this code.</exception>
    public static int Decode(ReadOnlySpan<byte> encoded, Span<byte> head)
    {
        var (window, bits, decoded) = (0UL, 0, 0);
        while (true)
        {
            // A code is found among 32 bits; what is missing at the end counts as ones, which is how the string is filled up.
            for (; bits < 32 && encoded.Length > 0; encoded = encoded[1..])
            {
                window = (window << 8) | encoded[0];
                bits += 8;
            }

            var next = bits >= 32 ? (uint)(window >> (bits - 32)) : (uint)(((window + 1) << (32 - bits)) - 1);
            var length = Shortest;
            while (length < Longest && next >= Ends[length])
            {
                length++;
            }

            if (length > bits)
            {
                return bits < 8 && next == uint.MaxValue ? decoded : throw new InvalidDataException("a Huffman code is cut off");
            }

            var symbol = Symbols[FirstSymbols[length] + (int)((next - (uint)Ends[length - 1]) >> (32 - length))];
            if (symbol == EndOfString)
            {
                throw new InvalidDataException("a Huffman string has an end inside");
            }

            if (decoded < head.Length)
            {
                head[decoded] = (byte)symbol;
            }

            decoded++;
            bits -= length;
            window &= (1UL << bits) - 1;
        }
    }

    /// <summary>Bytes of <see cref="WriteFill"/>: no string of that many octets is shorter, in this code or without it.</summary>
    public static int FillBytes(int octets) => ((octets * Shortest) + 7) / 8;

    /// <summary>Writes as many letters 'a'; <paramref name="target"/> has <see cref="FillBytes"/> of them.</summary>
    public static void WriteFill(int octets, Span<byte> target)
    {
        for (var i = 0; i < target.Length; i++)
        {
            target[i] = Fill[i % Fill.Length];
        }

        if (octets * Shortest % 8 is var used and > 0)
        {
            target[^1] |= (byte)(0xff >> used);
        }
    }

    private static int LengthOf(int symbol) => Lengths[symbol];
}
