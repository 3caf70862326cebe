// SPDX-License-Identifier: Apache-2.0
using System.Text;
using static UsbHostd.Tests.Grpc.Http2.Http2Bytes;

namespace UsbHostd.Tests.Grpc.Http2;

/// <summary>What some client might send: a few calls, with headers in every form that HPACK has, between frames of other kinds.</summary>
internal static class RandomConnection
{
    private static readonly string[] Names = [":authority", ":authority", ":path", ":method", "te", "content-type", "grpc-timeout", "x-trace", ":authoritative", ""];

    private static readonly string[] Values =
    [
        "", "localhost", "[::1]:80", "/run/usbhostd/api.sock", "%2Frun%2Fusbhostd%2Fapi.sock", "unix", "a", "/", "\0\u00ff", "trailers",
        new string('/', 130), new string('x', 500), new string('%', 255),
    ];

    public static byte[] Make(Random random)
    {
        var sent = new List<byte>(Preface);
        var table = new HpackReader();
        for (var calls = random.Next(1, 6); calls > 0; calls--)
        {
            if (random.Next(2) == 0)
            {
                sent.AddRange(Frame((byte)random.Next(10, 14), (byte)random.Next(256), (uint)random.Next(5), Bytes(random, random.Next(40))));
            }

            if (random.Next(4) == 0)
            {
                sent.AddRange(Frame(random.Next(2) == 0 ? Data : Settings, 0, 1, Bytes(random, random.Next(40))));
            }

            AddFrames(random, sent, Block(random, table));
        }

        return [.. sent];
    }

    public static byte[] Break(Random random, byte[] sent)
    {
        var broken = new List<byte>(sent);
        for (var times = random.Next(1, 4); times > 0 && broken.Count > 30; times--)
        {
            var at = random.Next(random.Next(50) == 0 ? 0 : Preface.Length, broken.Count);
            var length = Math.Min(random.Next(1, 6), broken.Count - at);
            switch (random.Next(5))
            {
                case 0:
                    broken[at] = (byte)random.Next(256);
                    break;
                case 1:
                    broken[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    broken.RemoveRange(at, length);
                    break;
                case 3:
                    broken.InsertRange(at, Bytes(random, length));
                    break;
                default:
                    broken.InsertRange(at, broken.GetRange(at, length));
                    break;
            }
        }

        return [.. broken];
    }

    private static byte[] Block(Random random, HpackReader table)
    {
        var block = new List<byte>();
        for (var updates = random.Next(8) == 0 ? random.Next(1, 3) : 0; updates > 0; updates--)
        {
            block.AddRange(TableSize(random.Next(3) == 0 ? 4096 : random.Next(300)));
        }

        // Read back at once, field by field, so that the next one knows what is in the table.
        table.Read([.. block]);
        for (var fields = random.Next(1, 8); fields > 0 && block.Count < 1000; fields--)
        {
            var field = Field(random, table);
            table.Read(field);
            block.AddRange(field);
        }

        return [.. block];
    }

    private static byte[] Field(Random random, HpackReader table)
    {
        if (random.Next(3) == 0)
        {
            return Indexed(random.Next(1, 62 + table.DynamicCount));
        }

        var name = Names[random.Next(Names.Length)];
        var index = random.Next(3) switch
        {
            0 => HpackReader.StaticIndex(name),
            1 => table.Dynamic.Select((e, i) => e.Name == name ? i + 62 : 0).Max(0),
            _ => 0,
        };
        byte[] rest = [.. index == 0 ? Text(random, name) : [], .. Text(random, Values[random.Next(Values.Length)])];
        return random.Next(4) switch
        {
            0 => NotAdded(index, rest),
            1 => NeverAdded(index, rest),
            _ => Added(index, rest),
        };
    }

    private static int Max(this IEnumerable<int> indexes, int least) => indexes.Append(least).Max();

    private static byte[] Text(Random random, string text) => random.Next(2) == 0 || text.Contains('\0', StringComparison.Ordinal)
        ? Raw(Encoding.Latin1.GetBytes(text)) : Huffman(Encoding.Latin1.GetBytes(text));

    private static void AddFrames(Random random, List<byte> sent, byte[] block)
    {
        var stream = (uint)random.Next(1, 9);
        var parts = random.Next(3) == 0 ? random.Next(1, 6) : 1;
        var flags = (byte)(random.Next(2) + (random.Next(4) == 0 ? Padded : 0) + (random.Next(4) == 0 ? Priority : 0));
        var at = 0;
        for (var part = 1; part <= parts; part++)
        {
            var length = part == parts ? block.Length - at : random.Next(block.Length - at + 1);
            var end = part == parts ? EndHeaders : (byte)0;
            var fragment = block[at..(at + length)];
            var padding = (byte)random.Next(20);
            sent.AddRange(part > 1 ? Frame(Continuation, end, stream, fragment) : Frame(
                Headers, (byte)(flags | end), stream,
                [
                    .. (flags & Padded) != 0 ? [padding] : Array.Empty<byte>(), .. (flags & Priority) != 0 ? Bytes(random, 5) : [], .. fragment,
                    .. (flags & Padded) != 0 ? new byte[padding] : [],
                ]));
            at += length;
        }
    }

    private static byte[] Bytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
