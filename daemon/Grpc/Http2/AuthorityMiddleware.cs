// SPDX-License-Identifier: Apache-2.0
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using UsbHostd.Daemon.Grpc.Connections;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc.Http2;

/// <summary>Puts an <see cref="AuthorityFilter"/> between a connection's socket and Kestrel.</summary>
internal static class AuthorityMiddleware
{
    private const int BufferedBytes = 64 * 1024;

    // What is read is handed on by whoever read it: a thread hop for each request would cost more than the filter does.
    private static readonly PipeOptions Buffered = new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: BufferedBytes,
        resumeWriterThreshold: BufferedBytes / 2, useSynchronizationContext: false);

    /// <summary>Serves the connection with <paramref name="next"/>, which reads what the filter lets through.</summary>
    public static async Task FilterAsync(ConnectionContext connection, AuthorityFilter filter, ConnectionDelegate next, ILogger logger)
    {
        var transport = connection.Transport;
        var pipe = new Pipe(Buffered);
        var pumping = PumpAsync(connection, filter, transport.Input, pipe.Writer, logger);
        connection.Transport = new Filtered(pipe.Reader, transport.Output);
        try
        {
            await next(connection);
        }
        finally
        {
            await pipe.Reader.CompleteAsync();
            transport.Input.CancelPendingRead();
            await pumping;
            connection.Transport = transport;
        }
    }

    private static async Task PumpAsync(ConnectionContext connection, AuthorityFilter filter, PipeReader from, PipeWriter to, ILogger logger)
    {
        Exception? broken = null;
        try
        {
            while (await PumpOnceAsync(filter, from, to))
            {
            }
        }
        catch (InvalidDataException unreadable)
        {
            ConnectionLog.Unreadable(logger, connection.Features.Get<Caller>(), unreadable.Message);
            broken = new ConnectionAbortedException(unreadable.Message, unreadable);
            connection.Abort(new ConnectionAbortedException(unreadable.Message, unreadable));
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            broken = gone;
        }
        finally
        {
            await to.CompleteAsync(broken);
        }
    }

    /// <summary>False once the client has ended, or Kestrel.</summary>
    private static async ValueTask<bool> PumpOnceAsync(AuthorityFilter filter, PipeReader from, PipeWriter to)
    {
        var result = await from.ReadAsync();
        foreach (var part in result.Buffer)
        {
            filter.Push(part.Span, to);
        }

        from.AdvanceTo(result.Buffer.End);
        var flushed = await to.FlushAsync();
        return !result.IsCompleted && !result.IsCanceled && !flushed.IsCompleted;
    }

    private sealed record Filtered(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
