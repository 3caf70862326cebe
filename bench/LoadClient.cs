// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace UsbHostd.Bench;

/// <summary>Calls one gRPC method over one connection to a unix socket, as fast as answers come. It reads an answer's bytes and no further.</summary>
internal sealed class LoadClient : IDisposable
{
    private const int PrefixLength = 5;
    private static readonly MediaTypeHeaderValue ContentType = new("application/grpc");
    private static readonly byte[] EmptyRequest = new byte[PrefixLength];

    private readonly HttpMessageInvoker http;
    private readonly Uri method;

    /// <param name="path"><c>/usbhostd.v1.UsbHost/ListDevices</c>.</param>
    public LoadClient(string socket, string path)
    {
        method = new Uri("http://localhost" + path);
        http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
                return new NetworkStream(connection, ownsSocket: true);
            },
            UseProxy = false,
            ActivityHeadersPropagator = null,
            InitialHttp2StreamWindowSize = 1 << 20, // An answer at once, whatever this client's guess of the bandwidth comes to.
        });
    }

    public void Dispose() => http.Dispose();

    /// <summary>The message of one answer.</summary>
    /// <exception cref="IOException">The call failed.</exception>
    public async Task<byte[]> CallAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, method)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(EmptyRequest) { Headers = { ContentType = ContentType } },
        };
        request.Headers.TryAddWithoutValidation("te", "trailers");
        using var response = await http.SendAsync(request, CancellationToken.None);
        var answer = await response.Content.ReadAsByteArrayAsync();
        return response.TrailingHeaders.TryGetValues("grpc-status", out var status) && status.Single() == "0"
            && BinaryPrimitives.ReadInt32BigEndian(answer.AsSpan(1)) == answer.Length - PrefixLength
            ? answer[PrefixLength..]
            : throw new IOException($"{method.AbsolutePath} failed: {response}");
    }

    /// <summary>How long each call took, with so many under way at any time.</summary>
    public async Task<IReadOnlyList<TimeSpan>> RunAsync(int atOnce, TimeSpan duration)
    {
        var began = Stopwatch.GetTimestamp();
        return [.. (await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(() => RepeatAsync(began, duration))))).SelectMany(times => times)];
    }

    private async Task<List<TimeSpan>> RepeatAsync(long began, TimeSpan duration)
    {
        List<TimeSpan> times = [];
        while (Stopwatch.GetElapsedTime(began) < duration)
        {
            var asked = Stopwatch.GetTimestamp();
            await CallAsync();
            times.Add(Stopwatch.GetElapsedTime(asked));
        }

        return times;
    }
}
