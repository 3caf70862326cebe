// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace UsbHostd.Tests.Grpc;

/// <summary>Keeps what the daemon's own code logs.</summary>
internal sealed class RecordedLog : ILoggerProvider
{
    private readonly ConcurrentDictionary<int, TaskCompletionSource<string>> awaited = new();

    public ConcurrentQueue<(int Id, LogLevel Level, string Text)> Entries { get; } = new();

    /// <summary>The text of the next entry with this id.</summary>
    public Task<string> NextAsync(int id) =>
        awaited.GetOrAdd(id, _ => new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName.StartsWith("UsbHostd.", StringComparison.Ordinal));

    public void Dispose()
    {
    }

    private sealed class Logger(RecordedLog log, bool ours) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => ours;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (ours)
            {
                var text = formatter(state, exception);
                log.Entries.Enqueue((eventId.Id, logLevel, text));
                if (log.awaited.TryRemove(eventId.Id, out var next))
                {
                    next.SetResult(text);
                }
            }
        }
    }
}
