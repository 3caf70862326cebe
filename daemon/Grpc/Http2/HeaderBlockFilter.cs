// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Grpc.Http2;

/// <summary>
/// Replaces <c>:authority</c> in the header blocks of one connection (RFC 7541), in their order. The replaced value has as many octets
/// once decoded, so that sender and receiver go on with tables of the same sizes; encoded it is never longer.
/// </summary>
internal sealed class HeaderBlockFilter(int tableCapacity)
{
    private const int HuffmanFlag = 0x80;
    private const int LengthBits = 7;

    private static readonly byte[] AuthorityName = [.. ":authority"u8];

    private readonly HpackTable table = new(tableCapacity);

    /// <summary>Rewrites one whole block in its place, and gives its new length.</summary>
    /// <exception cref="InvalidDataException">It is no block, or doesn't fit the ones before it.</exception>
    public int Rewrite(Span<byte> block)
    {
        var (read, written, pastUpdates) = (0, 0, false);
        while (read < block.Length)
        {
            var start = read;
            var valueAt = read;
            var replacedLength = 0;
            switch (block[read])
            {
                case >= 0x80:
                    _ = table.Name(Integer(block, ref read, 7));
                    break;
                case >= 0x40:
                    replacedLength = Literal(block, ref read, 6, out valueAt);
                    break;
                case >= 0x20 when pastUpdates:
                    throw new InvalidDataException("the header table changes its size inside a header block");
                case >= 0x20:
                    table.Resize(Integer(block, ref read, 5));
                    break;
                default:
                    replacedLength = Literal(block, ref read, 4, out valueAt);
                    break;
            }

            // What was read is always at least what is written, so nothing unread is overwritten.
            pastUpdates = pastUpdates || block[start] is not (>= 0x20 and < 0x40);
            var kept = block[start..(replacedLength > 0 ? valueAt : read)];
            kept.CopyTo(block[written..]);
            written += kept.Length;
            written += replacedLength > 0 ? WriteFill(replacedLength, block[written..]) : 0;
        }

        return written;
    }

    /// <summary>Reads a literal header; the length of its value where that has to be replaced, otherwise 0.</summary>
    private int Literal(ReadOnlySpan<byte> block, ref int read, int indexBits, out int valueAt)
    {
        Span<byte> head = stackalloc byte[AuthorityText.Longest];
        var index = Integer(block, ref read, indexBits);
        var name = index > 0 ? table.Name(index) : LiteralName(block, ref read, head);
        valueAt = read;
        var length = String(block, ref read, head);
        if (indexBits == 6)
        {
            table.Add(name, length);
        }

        return name.IsAuthority && (length > head.Length || !AuthorityText.IsHost(head[..length])) ? length : 0;
    }

    private static HeaderName LiteralName(ReadOnlySpan<byte> block, ref int read, Span<byte> head)
    {
        var length = String(block, ref read, head);
        return new HeaderName(length, length <= head.Length && head[..length].SequenceEqual(AuthorityName));
    }

    /// <summary>The length of a string once decoded; its beginning is left in <paramref name="head"/>.</summary>
    private static int String(ReadOnlySpan<byte> block, ref int read, Span<byte> head)
    {
        var isHuffman = read < block.Length && block[read] >= HuffmanFlag;
        var length = Integer(block, ref read, LengthBits);
        if (length > block.Length - read)
        {
            throw new InvalidDataException("a header goes on behind its block's end");
        }

        var text = block.Slice(read, length);
        read += length;
        if (isHuffman)
        {
            return HpackHuffman.Decode(text, head);
        }

        text[..Math.Min(length, head.Length)].CopyTo(head);
        return length;
    }

    /// <summary>Section 5.1; more than four octets behind the first one are no number that a header needs.</summary>
    private static int Integer(ReadOnlySpan<byte> block, ref int read, int bits)
    {
        var most = (1 << bits) - 1;
        var value = (read < block.Length ? block[read++] : throw Cut()) & most;
        if (value < most)
        {
            return value;
        }

        for (var shift = 0; shift < 28; shift += 7)
        {
            var octet = read < block.Length ? block[read++] : throw Cut();
            value += (octet & 0x7f) << shift;
            if (octet < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("a number in a header block is too long");
    }

    private static int WriteFill(int octets, Span<byte> target)
    {
        var (length, written) = (HpackHuffman.FillBytes(octets), 0);
        const int Most = (1 << LengthBits) - 1;
        target[written++] = (byte)(HuffmanFlag | Math.Min(length, Most));
        if (length >= Most)
        {
            var rest = length - Most;
            for (; rest >= 0x80; rest >>= 7)
            {
                target[written++] = (byte)(0x80 | (rest & 0x7f));
            }

            target[written++] = (byte)rest;
        }

        HpackHuffman.WriteFill(octets, target.Slice(written, length));
        return written + length;
    }

    private static InvalidDataException Cut() => new("a header block is cut off");
}
