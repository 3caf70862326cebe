// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Tests.Grpc.Http2;

/// <summary>What one side of a connection said: its header blocks decoded, and all other frames as they came.</summary>
internal sealed class Http2Reader
{
    private readonly HpackReader hpack = new();

    /// <summary>Frames: of header blocks, their stream, END_STREAM, priority and headers; of others all octets in hex. In order.</summary>
    public List<string> Seen { get; } = [];

    public List<(string Name, string Value)> Headers { get; } = [];

    /// <summary>Reads frames as long as they are whole, header blocks too.</summary>
    /// <exception cref="InvalidDataException">It isn't HTTP/2.</exception>
    public static Http2Reader Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new Http2Reader();
        while (Take(ref bytes) is { } frame)
        {
            var payload = frame[9..];
            if (frame[3] != Http2Bytes.Headers)
            {
                reader.Seen.Add(frame[3] == Http2Bytes.Continuation ? throw new InvalidDataException("continuation") : Convert.ToHexString(frame));
                continue;
            }

            var priority = "";
            var padding = (frame[4] & Http2Bytes.Padded) != 0 ? 1 + payload.FirstOrDefault() : 0;
            var from = (padding > 0 ? 1 : 0) + ((frame[4] & Http2Bytes.Priority) != 0 ? 5 : 0);
            if (from + Math.Max(0, padding - 1) > payload.Length)
            {
                throw new InvalidDataException("padding");
            }

            if ((frame[4] & Http2Bytes.Priority) != 0)
            {
                priority = Convert.ToHexString(payload[(from - 5)..from]);
            }

            var block = payload[from..^Math.Max(0, padding - 1)];
            var last = frame;
            while ((last[4] & Http2Bytes.EndHeaders) == 0)
            {
                if (Take(ref bytes) is not { } more)
                {
                    return reader;
                }

                if (more[3] != Http2Bytes.Continuation || (more[5] & 0x7f) != (frame[5] & 0x7f) || !more.AsSpan(6, 3).SequenceEqual(frame.AsSpan(6, 3)))
                {
                    throw new InvalidDataException("no continuation");
                }

                (block, last) = ([.. block, .. more[9..]], more);
            }

            var headers = reader.hpack.Read(block);
            reader.Headers.AddRange(headers);
            reader.Seen.Add($"{frame[5] & 0x7f} {Convert.ToHexString(frame, 6, 3)} {frame[4] & 1} {priority} "
                + string.Join('|', headers.Select(h => h.Name == ":authority" ? $"{h.Name}*{h.Value.Length}" : $"{h.Name}={h.Value}")));
        }

        return reader;
    }

    private static byte[]? Take(ref ReadOnlySpan<byte> bytes)
    {
        var length = bytes.Length < 9 ? 0 : 9 + ((bytes[0] << 16) | (bytes[1] << 8) | bytes[2]);
        if (length == 0 || length > bytes.Length)
        {
            return null;
        }

        var frame = bytes[..length].ToArray();
        bytes = bytes[length..];
        return frame;
    }
}
