// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace UsbHostd.Tests.Grpc.Http2;

/// <summary>A plain reader of HPACK, for tests: keeps names and values in full, and is as strict as the filter.</summary>
internal sealed class HpackReader(int capacity = 4096)
{
    private static readonly string[] Names =
    [
        ":authority", ":method", ":method", ":path", ":path", ":scheme", ":scheme", ":status", ":status", ":status", ":status", ":status", ":status",
        ":status", "accept-charset", "accept-encoding", "accept-language", "accept-ranges", "accept", "access-control-allow-origin", "age", "allow",
        "authorization", "cache-control", "content-disposition", "content-encoding", "content-language", "content-length", "content-location",
        "content-range", "content-type", "cookie", "date", "etag", "expect", "expires", "from", "host", "if-match", "if-modified-since",
        "if-none-match", "if-range", "if-unmodified-since", "last-modified", "link", "location", "max-forwards", "proxy-authenticate",
        "proxy-authorization", "range", "referer", "refresh", "retry-after", "server", "set-cookie", "strict-transport-security",
        "transfer-encoding", "user-agent", "vary", "via", "www-authenticate",
    ];

    // Their values play no part but in being told apart.
    private readonly List<(string Name, string Value)> dynamic = [];
    private readonly int capacity = capacity;
    private int limit = capacity;
    private byte[] block = [];
    private int at;

    public int DynamicCount => dynamic.Count;

    /// <summary>The dynamic table, as indexes from 62 on see it.</summary>
    public IReadOnlyList<(string Name, string Value)> Dynamic => dynamic;

    public static int StaticIndex(string name) => Array.IndexOf(Names, name) + 1;

    public List<(string Name, string Value)> Read(byte[] bytes)
    {
        (block, at) = (bytes, 0);
        List<(string Name, string Value)> headers = [];
        var first = true;
        while (at < block.Length)
        {
            var octet = block[at];
            if (octet is >= 0x20 and < 0x40)
            {
                var size = Integer(5);
                limit = first && size <= capacity ? size : throw new InvalidDataException("size");
                Shrink(0);
                continue;
            }

            first = false;
            headers.Add(octet >= 0x80 ? Entry(Integer(7)) : Literal(octet >= 0x40));
        }

        return headers;
    }

    private (string Name, string Value) Literal(bool isAdded)
    {
        var index = Integer(isAdded ? 6 : 4);
        var name = index == 0 ? Text() : Entry(index).Name;
        var value = Text();
        if (isAdded)
        {
            var size = name.Length + value.Length + 32;
            Shrink(size);
            if (size <= limit)
            {
                dynamic.Insert(0, (name, value));
            }
        }

        return (name, value);
    }

    private (string Name, string Value) Entry(int index) => index switch
    {
        0 => throw new InvalidDataException("index 0"),
        <= 61 => (Names[index - 1], $"static {index}"),
        _ => index - 62 < dynamic.Count ? dynamic[index - 62] : throw new InvalidDataException("index"),
    };

    private void Shrink(int room)
    {
        while (dynamic.Count > 0 && dynamic.Sum(e => e.Name.Length + e.Value.Length + 32) + room > limit)
        {
            dynamic.RemoveAt(dynamic.Count - 1);
        }
    }

    private byte Next() => at < block.Length ? block[at++] : throw new InvalidDataException("cut");

    private int Integer(int bits)
    {
        var value = Next() & ((1 << bits) - 1);
        if (value < (1 << bits) - 1)
        {
            return value;
        }

        for (var i = 0; i < 4; i++)
        {
            var octet = Next();
            value += (octet & 0x7f) << (7 * i);
            if (octet < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("integer");
    }

    private string Text()
    {
        var isHuffman = at < block.Length && block[at] >= 0x80;
        var length = Integer(7);
        if (length > block.Length - at)
        {
            throw new InvalidDataException("string");
        }

        var bytes = block[at..(at + length)];
        at += length;
        return isHuffman ? UnHuffman(bytes) : Encoding.Latin1.GetString(bytes);
    }

    private static string UnHuffman(byte[] bytes)
    {
        var text = new StringBuilder();
        var (code, bits) = (0u, 0);
        for (var i = 0; i < bytes.Length * 8; i++)
        {
            code = (code << 1) | (uint)((bytes[i / 8] >> (7 - (i % 8))) & 1);
            bits++;
            if (bits >= 5 && Http2Bytes.Symbol(code, bits) is { } symbol)
            {
                text.Append(symbol < 256 ? (char)symbol : throw new InvalidDataException("end"));
                (code, bits) = (0, 0);
            }
        }

        return bits < 8 && code == (1u << bits) - 1 ? text.ToString() : throw new InvalidDataException("padding");
    }
}
