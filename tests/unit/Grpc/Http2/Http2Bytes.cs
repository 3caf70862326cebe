// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Text;
using UsbHostd.Daemon.Grpc.Http2;

namespace UsbHostd.Tests.Grpc.Http2;

/// <summary>HTTP/2 (RFC 9113) and HPACK (RFC 7541) written by hand, as clients write it or as none should.</summary>
internal static class Http2Bytes
{
    public const byte Data = 0, Headers = 1, Settings = 4, Continuation = 9;

    public const byte EndStream = 1, EndHeaders = 4, Padded = 8, Priority = 0x20;

    private static readonly uint[] Codes = MakeCodes();

    private static readonly Dictionary<(uint Code, int Bits), int> Symbols =
        Enumerable.Range(0, Codes.Length).ToDictionary(symbol => (Codes[symbol], (int)HpackHuffman.Lengths[symbol]));

    public static byte[] Preface { get; } = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    public static byte[] Frame(byte type, byte flags, uint stream, params byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    /// <summary>An integer behind the bits of <paramref name="first"/> (section 5.1).</summary>
    public static byte[] Integer(int value, int bits, byte first)
    {
        var most = (1 << bits) - 1;
        if (value < most)
        {
            return [(byte)(first | value)];
        }

        List<byte> bytes = [(byte)(first | most)];
        for (value -= most; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(0x80 | (value & 0x7f)));
        }

        return [.. bytes, (byte)value];
    }

    public static byte[] Raw(string text) => Raw(Encoding.Latin1.GetBytes(text));

    public static byte[] Raw(byte[] text) => [.. Integer(text.Length, 7, 0), .. text];

    public static byte[] Huffman(string text) => Huffman(Encoding.Latin1.GetBytes(text));

    public static byte[] Huffman(byte[] text) => HuffmanBytes(text) is var encoded ? [.. Integer(encoded.Length, 7, 0x80), .. encoded] : [];

    public static byte[] Indexed(int index) => Integer(index, 7, 0x80);

    public static byte[] TableSize(int size) => Integer(size, 5, 0x20);

    /// <summary>A literal that goes into the table, with its name from there, or behind it (index 0).</summary>
    public static byte[] Added(int name, params byte[] text) => [.. Integer(name, 6, 0x40), .. text];

    public static byte[] NotAdded(int name, params byte[] text) => [.. Integer(name, 4, 0), .. text];

    public static byte[] NeverAdded(int name, params byte[] text) => [.. Integer(name, 4, 0x10), .. text];

    public static byte[] HuffmanBytes(byte[] text)
    {
        List<byte> bytes = [];
        var (window, bits) = (0UL, 0);
        foreach (var octet in text)
        {
            window = (window << HpackHuffman.Lengths[octet]) | Codes[octet];
            for (bits += HpackHuffman.Lengths[octet]; bits >= 8; bits -= 8)
            {
                bytes.Add((byte)(window >> (bits - 8)));
            }
        }

        return bits == 0 ? [.. bytes] : [.. bytes, (byte)((window << (8 - bits)) | (0xffu >> bits))];
    }

    /// <summary>The octet, or 256 for the end, whose code this is; null where there is none.</summary>
    public static int? Symbol(uint code, int bits) => Symbols.TryGetValue((code, bits), out var symbol) ? symbol : null;

    private static uint[] MakeCodes()
    {
        var codes = new uint[HpackHuffman.Lengths.Length];
        var (code, before) = (0u, 0);
        foreach (var symbol in Enumerable.Range(0, codes.Length).OrderBy(s => (int)HpackHuffman.Lengths[s]))
        {
            var length = HpackHuffman.Lengths[symbol];
            code <<= length - before;
            (codes[symbol], before) = (code++, length);
        }

        return codes;
    }
}
