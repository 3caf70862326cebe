// SPDX-License-Identifier: Apache-2.0
using Grpc.Core;
using UsbHostd.Api.V1;

namespace UsbHostd.Api;

/// <summary>What the gRPC library says of a call that failed, as <see cref="UsbHostClient"/> says it.</summary>
internal static class CallFailure
{
    /// <summary>How the library begins what it says of an answer that is not gRPC's.</summary>
    private const string NotGrpc = "Bad gRPC response.";

    /// <summary>An <see cref="OperationCanceledException"/> where the caller cancelled, else a <see cref="UsbHostException"/>.</summary>
    public static Exception Of(RpcException failure, CancellationToken callers)
    {
        if (callers.IsCancellationRequested && failure.StatusCode == StatusCode.Cancelled)
        {
            return new OperationCanceledException(callers);
        }

        if (Causes(failure.Status.DebugException).OfType<UsbHostException>().FirstOrDefault() is { } refused)
        {
            // The connection was never made.
            return refused;
        }

        if (ErrorStatus.Unpack(failure.Trailers) is { } detail)
        {
            return new UsbHostException(detail, failure.StatusCode, failure);
        }

        if (failure.StatusCode == StatusCode.DeadlineExceeded)
        {
            return new UsbHostException(ErrorCode.ErrorTimedOut, "usbhostd did not answer in time", "see what it is doing: journalctl -u usbhostd", failure);
        }

        if (IsLostConnection(failure))
        {
            return new UsbHostException(
                ErrorCode.ErrorUnavailable, "the connection to usbhostd was lost", "see whether it runs: systemctl status usbhostd", failure);
        }

        return failure.Status.DebugException is not null || failure.Status.Detail.StartsWith(NotGrpc, StringComparison.Ordinal)
            ? new UsbHostException(
                ErrorCode.ErrorInternal, "usbhostd's answer can't be read: " + failure.Status.Detail, "see whether it is a usbhostd that listens there", failure)
            : new UsbHostException(
                new ErrorDetail { Code = ErrorCodes.OfStatus(failure.StatusCode), Message = failure.Status.Detail }, failure.StatusCode, failure);
    }

    /// <summary>Whether a connection that had been made broke before the answer was there.</summary>
    public static bool IsLostConnection(RpcException failure) =>
        failure.StatusCode != StatusCode.DeadlineExceeded && ErrorStatus.Unpack(failure.Trailers) is null
        && Causes(failure.Status.DebugException).All(cause => cause is not UsbHostException)
        && Causes(failure.Status.DebugException).Any(cause => cause is IOException or HttpRequestException or OperationCanceledException);

    private static IEnumerable<Exception> Causes(Exception? failure)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            yield return cause;
        }
    }
}
