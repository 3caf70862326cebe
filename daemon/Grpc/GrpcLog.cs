// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Grpc;

internal static partial class GrpcLog
{
    [LoggerMessage(1300, LogLevel.Information, "The API listens on {Path}")]
    public static partial void Listening(ILogger logger, string path);

    [LoggerMessage(1301, LogLevel.Error, "{Method} for {Caller} failed; the caller is told that it was an internal error")]
    public static partial void Failed(ILogger logger, Exception failure, string method, Service.Caller caller);

    [LoggerMessage(1302, LogLevel.Debug, "{Method} for {Caller} was refused: {Code}: {Reason}")]
    public static partial void Refused(ILogger logger, string method, Service.Caller caller, Api.V1.ErrorCode code, string reason);

    [LoggerMessage(1303, LogLevel.Information, "{Caller} sent a call that can't be read: {Reason}")]
    public static partial void Broken(ILogger logger, Service.Caller caller, string reason);

    [LoggerMessage(1307, LogLevel.Information, "{Method} for {Caller} is cut off: {Reason}")]
    public static partial void CutOff(ILogger logger, string method, Service.Caller caller, string reason);
}
