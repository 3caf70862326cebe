// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;

namespace UsbHostd.Daemon.Grpc;

/// <summary>
/// A call's body, as the gRPC library reads it. A message is to arrive whole before long, for what there is of it is held in memory; it is refused
/// by its prefix where it is too long or compressed, and reading ends with the call. The library does none of it, or not with a status that fits.
/// </summary>
internal sealed class RequestReader : PipeReader, IRequestBodyPipeFeature, IDisposable
{
    private const int PrefixBytes = 5;

    private readonly PipeReader body;
    private readonly GrpcCall call;
    private readonly GrpcOptions options;
    private readonly bool isStream;
    private readonly CancellationToken ended;
    private readonly CancellationTokenRegistration end;
    private ITimer? patience;
    private ReadOnlySequence<byte> seen;
    private bool isBegun;
    private bool isTaken;

    /// <param name="isStream">Any number of messages may come, over any time; else it is one.</param>
    /// <param name="ended">Cancelled when the call is over, one way or another.</param>
    public RequestReader(PipeReader body, GrpcCall call, GrpcOptions options, bool isStream, CancellationToken ended)
    {
        (this.body, this.call, this.options, this.isStream, this.ended) = (body, call, options, isStream, ended);
        isBegun = !isStream;
        end = ended.UnsafeRegister(reader => ((RequestReader)reader!).Interrupt(), this);
    }

    public PipeReader Reader => this;

    /// <exception cref="RpcException">The message is none that is taken, or the call has ended.</exception>
    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            var read = body.ReadAsync(cancellationToken);
            if (isBegun && !read.IsCompleted)
            {
                patience ??= options.Time.CreateTimer(
                    reader => ((RequestReader)reader!).Interrupt(), this, options.RequestPatience, Timeout.InfiniteTimeSpan);
            }

            return Checked(await read);
        }
        catch (Exception broken) when (broken is IOException or OperationCanceledException)
        {
            throw ended.IsCancellationRequested ? call.Explain(broken) : call.Unreadable(StatusCode.Internal, "the request can't be read");
        }
    }

    public override bool TryRead(out ReadResult result)
    {
        if (!body.TryRead(out result))
        {
            return false;
        }

        result = Checked(result);
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        var left = seen.Slice(consumed).Length;
        isTaken |= left < seen.Length;
        if (isStream)
        {
            isBegun = left > 0;
            if (left < seen.Length)
            {
                // A message was taken, and the next one has time of its own.
                Rest();
            }
        }

        body.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => body.CancelPendingRead();

    public override void Complete(Exception? exception = null) => body.Complete(exception);

    public void Dispose()
    {
        Rest();
        end.Dispose();
    }

    private ReadResult Checked(ReadResult read)
    {
        if (read.IsCanceled)
        {
            throw ended.IsCancellationRequested
                ? call.Explain(new OperationCanceledException(ended))
                : call.Unreadable(
                    StatusCode.DeadlineExceeded, $"the request did not arrive within {options.RequestPatience.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s");
        }

        if (read.IsCompleted)
        {
            Rest();
            if (read.Buffer.IsEmpty && !isStream && !isTaken)
            {
                throw call.Unreadable(StatusCode.InvalidArgument, "the call ended without a request");
            }
        }

        Check(read.Buffer);
        seen = read.Buffer;
        return read;
    }

    private void Check(ReadOnlySequence<byte> message)
    {
        if (message.Length < PrefixBytes)
        {
            return;
        }

        Span<byte> prefix = stackalloc byte[PrefixBytes];
        message.Slice(0, PrefixBytes).CopyTo(prefix);
        if (prefix[0] != 0)
        {
            throw call.Unreadable(StatusCode.Unimplemented, "compressed messages are not supported");
        }

        if (BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]) is var length && length > options.MaxRequestBytes)
        {
            throw call.Unreadable(StatusCode.ResourceExhausted, $"a message of {length} bytes is longer than {options.MaxRequestBytes}");
        }
    }

    /// <summary>Has the read that waits end.</summary>
    private void Interrupt()
    {
        try
        {
            body.CancelPendingRead();
        }
        catch (Exception over) when (over is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The caller has reset the call, or it is over: no read waits.
        }
    }

    private void Rest()
    {
        patience?.Dispose();
        patience = null;
    }
}
