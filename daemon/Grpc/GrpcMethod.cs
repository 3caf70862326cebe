using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using Google.Protobuf;
using UsbHostd.Api.Grpc;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc;

/// <summary>One method: reads its request, asks the service, writes its answers. The status is the door's to write.</summary>
internal abstract class GrpcMethod
{
    /// <summary>Bytes of an answer that are sent at once, and that an answer may have without anybody waiting for its reader.</summary>
    private const int PartBytes = 64 * 1024;

    private GrpcMethod(string path) => Path = path;

    /// <summary><c>/usbhostd.v1.UsbHost/ListDevices</c>.</summary>
    public string Path { get; }

    /// <summary>Whether an answer may consist of any number of messages, over any time.</summary>
    public abstract bool IsStream { get; }

    /// <param name="isRepeated">The handler may give the same object again, which is then encoded once.</param>
    public static GrpcMethod Unary<TRequest, TResponse>(
        string path, MessageParser<TRequest> parser, Func<Caller, TRequest, CancellationToken, ValueTask<TResponse>> handler, bool isRepeated = false)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> => new UnaryMethod<TRequest, TResponse>(path, parser, handler, isRepeated);

    public static GrpcMethod Stream<TRequest, TResponse>(
        string path, MessageParser<TRequest> parser, Func<Caller, TRequest, CancellationToken, IAsyncEnumerable<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> => new StreamMethod<TRequest, TResponse>(path, parser, handler);

    /// <summary>Any number of requests over any time, each with one answer, in their order.</summary>
    /// <param name="begin">What is held until the call ends; may refuse it.</param>
    /// <param name="handler">May refuse, which ends the call.</param>
    public static GrpcMethod Dialogue<TRequest, TResponse>(
        string path, MessageParser<TRequest> parser, Func<Caller, IDisposable?> begin, Func<Caller, TRequest, TResponse> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> => new DialogueMethod<TRequest, TResponse>(path, parser, begin, handler);

    /// <exception cref="HostException">The service refuses.</exception>
    /// <exception cref="GrpcException">The request can't be read.</exception>
    /// <exception cref="SlowReaderException">The caller does not take the answers.</exception>
    public abstract Task InvokeAsync(Caller caller, HttpRequest request, HttpResponse response, GrpcOptions options, CancellationToken cancellationToken);

    private static async ValueTask<T> RequestAsync<T>(
        HttpRequest request, MessageParser<T> parser, GrpcOptions options, CancellationToken cancellationToken)
        where T : class, IMessage<T> =>
        await MessageAsync(request, parser, options, cancellationToken)
        ?? throw new GrpcException(GrpcStatusCode.InvalidArgument, "the call ended without a request");

    /// <summary>The next message, which is to arrive whole before long: what there is of it is held in memory. Null where the caller sends no more.</summary>
    private static async ValueTask<T?> MessageAsync<T>(
        HttpRequest request, MessageParser<T> parser, GrpcOptions options, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var read = GrpcFrame.ReadAsync(request.Body, parser, options.MaxRequestBytes, reading.Token);
        if (read.IsCompleted)
        {
            return await read;
        }

        await using var timer = options.Time.CreateTimer(_ => reading.Cancel(), null, options.RequestPatience, Timeout.InfiniteTimeSpan);
        try
        {
            return await read;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new GrpcException(GrpcStatusCode.DeadlineExceeded, $"the request did not arrive within {Seconds(options.RequestPatience)} s");
        }
    }

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString(CultureInfo.InvariantCulture);

    /// <summary>What is long is sent in parts: a reader may be slow, and has to take some of it from time to time.</summary>
    private static async ValueTask SendAsync(HttpResponse response, byte[] frame, GrpcOptions options, CancellationToken cancellationToken)
    {
        for (var sent = 0; sent < frame.Length; sent += PartBytes)
        {
            response.BodyWriter.Write(frame.AsSpan(sent, Math.Min(PartBytes, frame.Length - sent)));
            if (frame.Length > PartBytes)
            {
                await FlushAsync(response, options, cancellationToken);
            }
        }
    }

    /// <summary>Waits while the reader's window is full; one that takes nothing for too long is cut off, for what it was sent is held in memory.</summary>
    private static async ValueTask FlushAsync(HttpResponse response, GrpcOptions options, CancellationToken cancellationToken)
    {
        var flush = response.BodyWriter.FlushAsync(cancellationToken);
        try
        {
            if ((flush.IsCompleted ? await flush : await flush.AsTask().WaitAsync(options.Patience, options.Time, cancellationToken)).IsCompleted)
            {
                throw new OperationCanceledException("the reader is gone");
            }
        }
        catch (TimeoutException)
        {
            throw new SlowReaderException(options.Patience);
        }
    }

    private sealed class UnaryMethod<TRequest, TResponse>(
        string path, MessageParser<TRequest> parser, Func<Caller, TRequest, CancellationToken, ValueTask<TResponse>> handler, bool isRepeated)
        : GrpcMethod(path)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        private readonly RepeatedAnswer<TResponse>? repeated = isRepeated ? new RepeatedAnswer<TResponse>() : null;

        public override bool IsStream => false;

        public override async Task InvokeAsync(
            Caller caller, HttpRequest request, HttpResponse response, GrpcOptions options, CancellationToken cancellationToken)
        {
            var answer = await handler(caller, await RequestAsync(request, parser, options, cancellationToken), cancellationToken);
            if (repeated is null && answer.CalculateSize() <= PartBytes)
            {
                GrpcFrame.Write(response.BodyWriter, answer);
            }
            else
            {
                await SendAsync(response, repeated?.Frame(answer) ?? GrpcFrame.ToArray(answer), options, cancellationToken);
            }
        }
    }

    private sealed class StreamMethod<TRequest, TResponse>(
        string path, MessageParser<TRequest> parser, Func<Caller, TRequest, CancellationToken, IAsyncEnumerable<TResponse>> handler)
        : GrpcMethod(path)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        public override bool IsStream => true;

        public override async Task InvokeAsync(
            Caller caller, HttpRequest request, HttpResponse response, GrpcOptions options, CancellationToken cancellationToken)
        {
            var message = await RequestAsync(request, parser, options, cancellationToken);

            // A client that waits for headers must not wait for the first event, which may be hours away.
            await response.StartAsync(cancellationToken);
            await response.BodyWriter.FlushAsync(cancellationToken);
            await foreach (var answer in handler(caller, message, cancellationToken).WithCancellation(cancellationToken))
            {
                GrpcFrame.Write(response.BodyWriter, answer);

                // What a slow reader has not taken stays with the service, which bounds it.
                await FlushAsync(response, options, cancellationToken);
            }
        }
    }

    private sealed class DialogueMethod<TRequest, TResponse>(
        string path, MessageParser<TRequest> parser, Func<Caller, IDisposable?> begin, Func<Caller, TRequest, TResponse> handler)
        : GrpcMethod(path)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        public override bool IsStream => true;

        public override async Task InvokeAsync(
            Caller caller, HttpRequest request, HttpResponse response, GrpcOptions options, CancellationToken cancellationToken)
        {
            using var open = begin(caller);
            await response.StartAsync(cancellationToken);
            await response.BodyWriter.FlushAsync(cancellationToken);
            while (await IsNextAsync(request.BodyReader, cancellationToken) && await MessageAsync(request, parser, options, cancellationToken) is { } question)
            {
                GrpcFrame.Write(response.BodyWriter, handler(caller, question));
                await FlushAsync(response, options, cancellationToken);
            }
        }

        /// <summary>Waits for the beginning of a message, for as long as it takes; false where none comes any more.</summary>
        private static async ValueTask<bool> IsNextAsync(PipeReader body, CancellationToken cancellationToken)
        {
            var read = await body.ReadAsync(cancellationToken);
            body.AdvanceTo(read.Buffer.Start);
            return !(read.IsCompleted && read.Buffer.IsEmpty);
        }
    }
}
