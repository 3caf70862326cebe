// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using UsbHostd.Api.V1;

namespace UsbHostd.Lab.Harness;

/// <summary>
/// The daemon's API as a stranger's client would speak it: plain gRPC over HTTP/2, written for these tests from the specification, so that
/// a mistake which the project's own client and server share does not go unseen.
/// </summary>
public sealed class ApiClient : IDisposable
{
    private readonly HttpClient _http;

    /// <param name="connect">Gives a fresh stream to the API's socket.</param>
    /// <param name="tls">Where the stream is TLS: whom to trust, and who to be.</param>
    public ApiClient(Func<CancellationToken, ValueTask<Stream>> connect, SslClientAuthenticationOptions? tls = null)
    {
        var handler = new SocketsHttpHandler { ConnectCallback = (_, cancellation) => connect(cancellation), EnableMultipleHttp2Connections = true };
        if (tls is not null)
        {
            handler.SslOptions = tls;
        }

        _http = new HttpClient(handler) { BaseAddress = new Uri(tls is null ? "http://localhost" : "https://localhost"), Timeout = Timeout.InfiniteTimeSpan };
    }

    public async Task<TReply> CallAsync<TReply>(string method, IMessage request)
        where TReply : IMessage<TReply>, new()
    {
        using var deadline = new CancellationTokenSource(Within.Moments);
        await foreach (var reply in StreamAsync<TReply>(method, request, deadline.Token).ConfigureAwait(false))
        {
            return reply;
        }

        throw new LabException($"{method}: status 0 without a message");
    }

    public async IAsyncEnumerable<TReply> StreamAsync<TReply>(string method, IMessage request, [EnumeratorCancellation] CancellationToken cancellation)
        where TReply : IMessage<TReply>, new()
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, "/usbhostd.v1.UsbHost/" + method)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(Frame(request)),
        };
        message.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        using var response = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new LabException($"{method}: HTTP status {(int)response.StatusCode}");
        }

        await using var body = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        var head = new byte[5];
        while (await body.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false) == head.Length)
        {
            var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1))];
            await body.ReadExactlyAsync(payload, cancellation).ConfigureAwait(false);
            var reply = new TReply();
            reply.MergeFrom(payload);
            yield return reply;
        }

        ThrowIfRefused(method, response);
    }

    public void Dispose() => _http.Dispose();

    private static byte[] Frame(IMessage request)
    {
        var frame = new byte[5 + request.CalculateSize()];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), frame.Length - 5);
        request.WriteTo(frame.AsSpan(5));
        return frame;
    }

    private static void ThrowIfRefused(string method, HttpResponseMessage response)
    {
        // An error before the first message puts the status among the headers.
        string? Find(string name) =>
            response.TrailingHeaders.TryGetValues(name, out var trailer) ? trailer.First()
            : response.Headers.TryGetValues(name, out var header) ? header.First() : null;
        var status = int.Parse(Find("grpc-status") ?? throw new LabException($"{method}: the daemon broke off"), CultureInfo.InvariantCulture);
        if (status == 0)
        {
            return;
        }

        ErrorDetail? detail = null;
        if (Find("grpc-status-details-bin") is { } packed)
        {
            var bytes = Convert.FromBase64String(packed.PadRight((packed.Length + 3) / 4 * 4, '='));
            var any = Google.Rpc.Status.Parser.ParseFrom(bytes).Details.FirstOrDefault(d => d.Is(ErrorDetail.Descriptor));
            detail = any?.Unpack<ErrorDetail>();
        }

        throw new ApiRefusedException(status, Uri.UnescapeDataString(Find("grpc-message") ?? ""), detail);
    }
}
