using System.Buffers;
using System.IO.Pipelines;
using Google.Protobuf;
using UsbHostd.Api.Grpc;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc;

/// <summary>One method: reads its request, asks the service, writes its answers. The status is the door's to write.</summary>
internal abstract class GrpcMethod
{
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
    public static GrpcMethod Dialogue<TRequest, TResponse>(string path, MessageParser<TRequest> parser, Func<TRequest, TResponse> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> => new DialogueMethod<TRequest, TResponse>(path, parser, handler);

    /// <exception cref="HostException">The service refuses.</exception>
    /// <exception cref="GrpcException">The request can't be read.</exception>
    /// <exception cref="SlowReaderException">The caller does not take the answers.</exception>
    public abstract Task InvokeAsync(Caller caller, HttpRequest request, HttpResponse response, GrpcOptions options, CancellationToken cancellationToken);

    private static async ValueTask<T> RequestAsync<T>(
        HttpRequest request, MessageParser<T> parser, int limit, CancellationToken cancellationToken)
        where T : class, IMessage<T> =>
        await GrpcFrame.ReadAsync(request.Body, parser, limit, cancellationToken)
        ?? throw new GrpcException(GrpcStatusCode.InvalidArgument, "the call ended without a request");

    /// <summary>Waits while the reader's window is full; one that takes nothing for too long is cut off, for what it was sent is held in memory.</summary>
    private static async ValueTask FlushAsync(HttpResponse response, TimeSpan patience, CancellationToken cancellationToken)
    {
        var flush = response.BodyWriter.FlushAsync(cancellationToken);
        try
        {
            if ((flush.IsCompleted ? await flush : await flush.AsTask().WaitAsync(patience, cancellationToken)).IsCompleted)
            {
                throw new OperationCanceledException("the reader is gone");
            }
        }
        catch (TimeoutException)
        {
            throw new SlowReaderException(patience);
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
            var answer = await handler(caller, await RequestAsync(request, parser, options.MaxRequestBytes, cancellationToken), cancellationToken);
            if (repeated is null)
            {
                GrpcFrame.Write(response.BodyWriter, answer);
            }
            else
            {
                response.BodyWriter.Write(repeated.Frame(answer));
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
            var message = await RequestAsync(request, parser, options.MaxRequestBytes, cancellationToken);

            // A client that waits for headers must not wait for the first event, which may be hours away.
            await response.StartAsync(cancellationToken);
            await response.BodyWriter.FlushAsync(cancellationToken);
            await foreach (var answer in handler(caller, message, cancellationToken).WithCancellation(cancellationToken))
            {
                GrpcFrame.Write(response.BodyWriter, answer);

                // What a slow reader has not taken stays with the service, which bounds it.
                await FlushAsync(response, options.Patience, cancellationToken);
            }
        }
    }

    private sealed class DialogueMethod<TRequest, TResponse>(string path, MessageParser<TRequest> parser, Func<TRequest, TResponse> handler)
        : GrpcMethod(path)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        public override bool IsStream => true;

        public override async Task InvokeAsync(
            Caller caller, HttpRequest request, HttpResponse response, GrpcOptions options, CancellationToken cancellationToken)
        {
            await response.StartAsync(cancellationToken);
            await response.BodyWriter.FlushAsync(cancellationToken);
            while (await GrpcFrame.ReadAsync(request.Body, parser, options.MaxRequestBytes, cancellationToken) is { } question)
            {
                GrpcFrame.Write(response.BodyWriter, handler(question));
                await FlushAsync(response, options.Patience, cancellationToken);
            }
        }
    }
}
