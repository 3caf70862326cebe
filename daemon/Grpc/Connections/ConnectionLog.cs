// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Grpc.Connections;

/// <summary>Messages about connections, before any call is read from them.</summary>
internal static partial class ConnectionLog
{
    [LoggerMessage(1304, LogLevel.Warning, "A connection is closed: the kernel does not say who its peer is")]
    public static partial void NoCaller(ILogger logger, Exception failure);

    [LoggerMessage(1305, LogLevel.Information, "Removed {Path}, which a daemon that is gone had left")]
    public static partial void StaleSocket(ILogger logger, string path);

    [LoggerMessage(1306, LogLevel.Information, "A connection of {Caller} is closed: {Reason}")]
    public static partial void Unreadable(ILogger logger, Service.Caller? caller, string reason);
}
