using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using UsbHostd.Api.V1;

namespace UsbHostd.Api.Grpc;

/// <summary>gRPC calls over one HTTP/2 connection, which is opened by the first call and again after it was lost.</summary>
internal sealed class GrpcChannel : IDisposable
{
    /// <summary>A host's whole inventory comes in one answer: 5,000 devices are some 6 MiB.</summary>
    private const int AnswerLimit = 64 << 20;

    private static readonly MediaTypeHeaderValue ContentType = new("application/grpc");

    private readonly HttpMessageInvoker http;
    private readonly Uri root;

    /// <param name="connect">Opens a connection; an SslStream, past its handshake, where <paramref name="root"/> is https.</param>
    /// <param name="root">Scheme and host for each request's headers; nothing is looked up by it.</param>
    public GrpcChannel(Func<CancellationToken, ValueTask<Stream>> connect, Uri root)
    {
        this.root = root;
        http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = (_, cancellationToken) => connect(cancellationToken),
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
        });
    }

    public void Dispose() => http.Dispose();

    /// <exception cref="UsbHostException">It was refused, or usbhostd can't be reached.</exception>
    public async Task<TResponse> UnaryAsync<TResponse>(
        string path, IMessage request, MessageParser<TResponse> parser, TimeSpan timeout, CancellationToken cancellationToken)
        where TResponse : class, IMessage<TResponse>
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (timeout != Timeout.InfiniteTimeSpan)
        {
            deadline.CancelAfter(timeout);
        }

        try
        {
            using var response = await SendAsync(path, request, timeout, deadline.Token);
            await using var body = await response.Content.ReadAsStreamAsync(deadline.Token);
            var answer = await GrpcFrame.ReadAsync(body, parser, AnswerLimit, deadline.Token);
            var second = answer is null ? null : await GrpcFrame.ReadAsync(body, parser, AnswerLimit, deadline.Token);
            ThrowUnlessOk(response);
            return second is null && answer is not null
                ? answer
                : throw Broken(answer is null ? "the answer has no message" : "the answer has more than one message");
        }
        catch (Exception failure) when (IsTranslated(failure, cancellationToken))
        {
            throw Translate(failure);
        }
    }

    /// <summary>Yields messages until the other side ends the stream well.</summary>
    /// <exception cref="UsbHostException">It was refused, or usbhostd can't be reached any more.</exception>
    public async IAsyncEnumerable<TResponse> StreamAsync<TResponse>(
        string path, IMessage request, MessageParser<TResponse> parser, [EnumeratorCancellation] CancellationToken cancellationToken)
        where TResponse : class, IMessage<TResponse>
    {
        using var response = await TranslatedAsync(
            () => SendAsync(path, request, Timeout.InfiniteTimeSpan, cancellationToken), cancellationToken);
        await using var body = await TranslatedAsync(
            () => response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken);
        while (await TranslatedAsync(
            () => GrpcFrame.ReadAsync(body, parser, AnswerLimit, cancellationToken).AsTask(), cancellationToken) is { } message)
        {
            yield return message;
        }

        ThrowUnlessOk(response);
    }

    private static async Task<T> TranslatedAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await work();
        }
        catch (Exception failure) when (IsTranslated(failure, cancellationToken))
        {
            throw Translate(failure);
        }
    }

    private static bool IsTranslated(Exception failure, CancellationToken callers) => failure switch
    {
        OperationCanceledException => !callers.IsCancellationRequested,
        HttpRequestException or IOException or GrpcException => true,
        _ => false,
    };

    private static UsbHostException Translate(Exception failure) => failure switch
    {
        OperationCanceledException => new UsbHostException(
            ErrorCode.ErrorTimedOut, "usbhostd did not answer in time", "see what it is doing: journalctl -u usbhostd", failure),
        HttpRequestException { InnerException: UsbHostException refused } => refused,
        GrpcException broken => new UsbHostException(
            ErrorCode.ErrorInternal, "usbhostd's answer can't be read: " + broken.Message, inner: broken),
        _ => new UsbHostException(
            ErrorCode.ErrorUnavailable, "the connection to usbhostd was lost", "see whether it runs: systemctl status usbhostd", failure),
    };

    private static UsbHostException Broken(string what) => new(ErrorCode.ErrorInternal, "usbhostd's answer can't be read: " + what);

    private static void ThrowUnlessOk(HttpResponseMessage response)
    {
        var text = Value(response, "grpc-status");
        if (text is "0")
        {
            return;
        }

        if (!int.TryParse(text, out var number))
        {
            throw Broken("it has no status");
        }

        var status = (GrpcStatusCode)number;
        var detail = GrpcStatusDetails.Decode(Value(response, "grpc-status-details-bin")) ?? new ErrorDetail
        {
            Code = ErrorCodes.OfStatus(status),
            Message = GrpcText.DecodeMessage(Value(response, "grpc-message") ?? ""),
        };
        throw new UsbHostException(detail, status);
    }

    // A call that fails before its first message carries its status in the headers.
    private static string? Value(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out var values) || response.Headers.TryGetValues(name, out values)
            ? values.First()
            : null;

    private async Task<HttpResponseMessage> SendAsync(
        string path, IMessage request, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var call = new HttpRequestMessage(HttpMethod.Post, new Uri(root, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(GrpcFrame.ToArray(request)),
        };
        call.Content.Headers.ContentType = ContentType;
        call.Headers.TryAddWithoutValidation("te", "trailers");
        if (timeout != Timeout.InfiniteTimeSpan)
        {
            call.Headers.TryAddWithoutValidation("grpc-timeout", GrpcText.EncodeTimeout(timeout));
        }

        var response = await http.SendAsync(call, cancellationToken);
        if (response.StatusCode == HttpStatusCode.OK)
        {
            return response;
        }

        response.Dispose();
        throw Broken($"HTTP status {(int)response.StatusCode}; is it a usbhostd that listens there?");
    }
}
