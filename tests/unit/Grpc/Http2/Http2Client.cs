// SPDX-License-Identifier: Apache-2.0
using System.Net.Sockets;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using static UsbHostd.Tests.Grpc.Http2.Http2Bytes;

namespace UsbHostd.Tests.Grpc.Http2;

/// <summary>A client of the door that sends octets as it is told, and says what came of each call.</summary>
internal sealed class Http2Client : IAsyncDisposable
{
    private readonly Stream stream;
    private readonly HpackReader hpack = new();
    private uint last;

    private Http2Client(Stream stream) => this.stream = stream;

    public static async Task<Http2Client> ConnectAsync(string path, byte[]? first = null)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        var client = new Http2Client(new NetworkStream(socket, ownsSocket: true));
        await client.SendAsync(first ?? [.. Preface, .. Frame(Settings, 0, 0)]);
        return client;
    }

    public async Task SendAsync(byte[] bytes) => await stream.WriteAsync(bytes);

    /// <summary>Calls GetVersion with these fields before and behind the others, in frames of <paramref name="most"/> octets: its gRPC status, or how it ended otherwise.</summary>
    public async Task<string> CallAsync(byte[] authority, byte[]? more = null, int most = 16_384)
    {
        var call = last = last == 0 ? 1 : last + 2;
        byte[] block =
        [
            0x83, 0x86, .. authority, .. NotAdded(4, Raw(UsbHostMethods.GetVersion)), .. NotAdded(31, Raw("application/grpc")),
            .. NotAdded(0, [.. Raw("te"), .. Raw("trailers")]), .. more ?? [],
        ];
        var parts = block.Chunk(most).ToList();
        List<byte> sent = [];
        for (var i = 0; i < parts.Count; i++)
        {
            sent.AddRange(Frame(i == 0 ? Headers : Continuation, i == parts.Count - 1 ? EndHeaders : (byte)0, call, parts[i]));
        }

        await SendAsync([.. sent, .. Frame(Data, EndStream, call, GrpcFrame.ToArray(new GetVersionRequest()))]);
        return await AnswerAsync(call);
    }

    /// <summary>All that comes until the other side ends the connection.</summary>
    public async Task<byte[]> ReadToEndAsync()
    {
        using var all = new MemoryStream();
        try
        {
            await stream.CopyToAsync(all);
        }
        catch (IOException)
        {
            // It was reset, which is an end too.
        }

        return all.ToArray();
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();

    private async Task<string> AnswerAsync(uint call)
    {
        var header = new byte[9];
        string? status = null;
        while (true)
        {
            await stream.ReadExactlyAsync(header);
            var payload = new byte[(header[0] << 16) | (header[1] << 8) | header[2]];
            await stream.ReadExactlyAsync(payload);
            if (header[3] == 7 || (header[3] == 3 && header[8] == call))
            {
                return header[3] == 7 ? "GOAWAY" : "RST_STREAM";
            }

            if (header[3] == Headers)
            {
                var headers = hpack.Read(payload);
                status = headers.Find(h => h.Name == "grpc-status").Value ?? status;
                if ((header[4] & EndStream) != 0)
                {
                    return status ?? "no status";
                }
            }
        }
    }
}
