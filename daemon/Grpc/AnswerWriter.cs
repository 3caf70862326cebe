// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace UsbHostd.Daemon.Grpc;

/// <summary>
/// A call's answer, as the gRPC library writes it. What is long is sent in parts: a reader may be slow, and has to take some of it from time to time.
/// One that takes nothing for too long is cut off, for what it was sent is held in memory.
/// </summary>
/// <param name="body">The server's own.</param>
/// <param name="abort">Resets the call.</param>
/// <param name="ended">Cancelled when the call is over, one way or another.</param>
internal sealed class AnswerWriter(IHttpResponseBodyFeature body, GrpcCall call, GrpcOptions options, Action abort, CancellationToken ended)
    : PipeWriter, IHttpResponseBodyFeature
{
    /// <summary>Bytes of an answer that are sent at once, and that an answer may have without anybody waiting for its reader.</summary>
    private const int PartBytes = 64 * 1024;

    /// <summary>What is written and does not fit into the first part.</summary>
    private readonly Queue<(byte[] Bytes, int Length)> parts = [];

    private byte[]? part;
    private int inPart;
    private int handedOn;

    public PipeWriter Writer => this;

    public Stream Stream => body.Stream;

    public void DisableBuffering() => body.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default) => body.StartAsync(cancellationToken);

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        body.SendFileAsync(path, offset, count, cancellationToken);

    public Task CompleteAsync() => body.CompleteAsync();

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (part is null && handedOn + sizeHint < PartBytes)
        {
            return body.Writer.GetMemory(sizeHint);
        }

        if (part is null || part.Length - inPart < Math.Max(1, sizeHint))
        {
            EndPart();
            part = ArrayPool<byte>.Shared.Rent(Math.Max(PartBytes, sizeHint));
        }

        return part.AsMemory(inPart);
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        if (part is not null)
        {
            inPart += bytes;
            return;
        }

        handedOn += bytes;
        body.Writer.Advance(bytes);
    }

    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        EndPart();
        var flushed = await SendAsync(cancellationToken);
        while (parts.TryDequeue(out var next))
        {
            body.Writer.Write(next.Bytes.AsSpan(0, next.Length));
            ArrayPool<byte>.Shared.Return(next.Bytes);
            flushed = await SendAsync(cancellationToken);
        }

        return flushed;
    }

    /// <summary>The rest of an answer, which the library leaves to the server: a short one is sent with the call's end.</summary>
    public async ValueTask EndAsync()
    {
        if (part is not null || parts.Count > 0)
        {
            await FlushAsync(CancellationToken.None);
        }
    }

    public override void CancelPendingFlush() => body.Writer.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => body.Writer.Complete(exception);

    private void EndPart()
    {
        if (part is not null)
        {
            parts.Enqueue((part, inPart));
            (part, inPart) = (null, 0);
        }
    }

    /// <summary>Waits while the reader's window is full.</summary>
    private async ValueTask<FlushResult> SendAsync(CancellationToken cancellationToken)
    {
        handedOn = 0;
        var flush = body.Writer.FlushAsync(cancellationToken);
        try
        {
            var flushed = flush.IsCompleted ? await flush : await flush.AsTask().WaitAsync(options.Patience, options.Time, ended);
            return flushed.IsCompleted ? throw new OperationCanceledException("the reader is gone") : flushed;
        }
        catch (TimeoutException late)
        {
            var why = $"nothing was taken for {options.Patience.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s";
            call.CutOff(why);
            abort();
            throw new OperationCanceledException(why, late);
        }
    }
}
