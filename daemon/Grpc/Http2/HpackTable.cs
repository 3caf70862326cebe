// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Grpc.Http2;

/// <summary>
/// HPACK's tables (RFC 7541, section 2.3) as far as it takes to say which index is the name <c>:authority</c>: of each entry the length
/// of its name and of its value.
/// </summary>
/// <param name="capacity">Octets that the decoder behind has: SETTINGS_HEADER_TABLE_SIZE as the server sent it.</param>
internal sealed class HpackTable(int capacity)
{
    /// <summary>What an entry counts beyond its name and value (section 4.1), so that there are never more than capacity / 32.</summary>
    private const int Overhead = 32;

    private const int Authority = 1;

    // Newest first, from start on, around the end.
    private readonly Entry[] entries = new Entry[capacity / Overhead];
    private int start;
    private int count;
    private int used;
    private readonly int capacity = capacity;
    private int limit = capacity;

    /// <summary>Lengths of the names of the static table (appendix A), whose first is <c>:authority</c>.</summary>
    private static ReadOnlySpan<byte> StaticNames =>
    [
        10, 7, 7, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 14, 15, 15, 13, 6, 27, 3, 5, 13, 13, 19, 16, 16, 14, 16, 13, 12, 6, 4, 4, 6, 7, 4, 4, 8, 17, 13,
        8, 19, 13, 4, 8, 12, 18, 19, 5, 7, 7, 11, 6, 10, 25, 17, 10, 4, 3, 16,
    ];

    /// <exception cref="InvalidDataException">There is no such entry.</exception>
    public HeaderName Name(int index)
    {
        if (index is > 0 && index <= StaticNames.Length)
        {
            return new HeaderName(StaticNames[index - 1], index == Authority);
        }

        var dynamic = index - StaticNames.Length - 1;
        return dynamic >= 0 && dynamic < count
            ? entries[(start + dynamic) % entries.Length].Name
            : throw new InvalidDataException($"there is no header {index} in the table");
    }

    public void Add(HeaderName name, int valueLength)
    {
        var entry = new Entry(name, valueLength);
        Shrink(limit - entry.Size);
        if (entry.Size <= limit)
        {
            start = (start + entries.Length - 1) % entries.Length;
            entries[start] = entry;
            count++;
            used += entry.Size;
        }
    }

    /// <exception cref="InvalidDataException">It is more than the server allows.</exception>
    public void Resize(int octets)
    {
        limit = octets <= capacity ? octets : throw new InvalidDataException($"a header table of {octets} octets is more than {capacity}");
        Shrink(limit);
    }

    private void Shrink(int most)
    {
        while (count > 0 && used > most)
        {
            count--;
            used -= entries[(start + count) % entries.Length].Size;
        }
    }

    private readonly record struct Entry(HeaderName Name, int ValueLength)
    {
        public int Size => Name.Length + ValueLength + Overhead;
    }
}

/// <summary>What is kept of a header's name.</summary>
internal readonly record struct HeaderName(int Length, bool IsAuthority);
