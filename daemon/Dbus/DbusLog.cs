// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Dbus;

internal static partial class DbusLog
{
    [LoggerMessage(1400, LogLevel.Information, "{Name} is served on the bus at {Address}")]
    public static partial void Serving(ILogger logger, string name, string address);

    [LoggerMessage(1401, LogLevel.Error, "{Method} for {Caller} failed; the caller is told that it was an internal error")]
    public static partial void Failed(ILogger logger, Exception failure, string method, string caller);

    [LoggerMessage(1402, LogLevel.Debug, "{Method} for {Caller} was refused: {Name}: {Reason}")]
    public static partial void Refused(ILogger logger, string method, string caller, string name, string reason);

    [LoggerMessage(1403, LogLevel.Warning, "The bus at {Address} can't be used: {Reason}. It is tried again; everything else goes on without it")]
    public static partial void Away(ILogger logger, string address, string reason);

    [LoggerMessage(1404, LogLevel.Debug, "The bus at {Address} still can't be used: {Reason}")]
    public static partial void StillAway(ILogger logger, string address, string reason);

    [LoggerMessage(1405, LogLevel.Warning, "Another process has the name {Name} on the bus; usbhostd gets it when that one leaves")]
    public static partial void NameTaken(ILogger logger, string name);

    [LoggerMessage(1406, LogLevel.Error, "Telling {Peer} of changes ended with a fault; it is told nothing more until it asks again")]
    public static partial void WatchFailed(ILogger logger, Exception failure, string peer);

    [LoggerMessage(1408, LogLevel.Debug, "polkit said of {Action} for {Peer}: {Granted}")]
    public static partial void PolkitSaid(ILogger logger, string action, string peer, bool granted);

    [LoggerMessage(1409, LogLevel.Information, "polkit could not be asked about {Action} for {Peer}: {Reason}. That counts as a no")]
    public static partial void NoPolkit(ILogger logger, string action, string peer, string reason);

    [LoggerMessage(1410, LogLevel.Information, "{Peer} has not read for {Seconds} s what it was told of changes; it is told nothing more until it asks again")]
    public static partial void CutOff(ILogger logger, string peer, double seconds);
}
