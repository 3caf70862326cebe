// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using UsbHostd.Daemon.Usb;

namespace UsbHostd.Tests.Usb;

/// <summary>Keeps the event ids of what was logged, by whichever thread.</summary>
internal sealed class UsbLog : ILogger<UdevUsbHost>
{
    public ConcurrentQueue<int> Ids { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Ids.Enqueue(eventId.Id);
}
