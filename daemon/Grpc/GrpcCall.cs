// SPDX-License-Identifier: Apache-2.0
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc;

/// <summary>One call while it lasts, and what its failure is to the caller and to the log.</summary>
/// <param name="gone">Cancelled when the caller is gone.</param>
/// <param name="stopping">Cancelled when the server stops.</param>
internal sealed class GrpcCall(Caller caller, string path, ILogger logger, CancellationToken gone, CancellationToken stopping)
{
    public Caller Caller => caller;

    /// <summary><c>/usbhostd.v1.UsbHost/ListDevices</c>, or whatever else was asked for.</summary>
    public string Path => path;

    public CancellationToken Gone => gone;

    /// <summary>Why the call is refused before its request is read; null where it is not.</summary>
    public HostException? Refusal { get; init; }

    /// <summary>Whether the log has what there is to say of its failure.</summary>
    public bool IsExplained { get; private set; }

    public static GrpcCall Of(ServerCallContext context) => context.GetHttpContext().Features.GetRequiredFeature<GrpcCall>();

    /// <summary>What the caller is told of what a method threw; it is logged where it is a fault of ours.</summary>
    public RpcException Explain(Exception failure)
    {
        var isExplained = IsExplained;
        IsExplained = true;
        switch (failure)
        {
            case HostException refused:
                GrpcLog.Refused(logger, path, caller, refused.Code, refused.Message);
                return GrpcFault.Of(refused.ToDetail());
            case GrpcRefusal refused:
                GrpcLog.Refused(logger, path, caller, ErrorCodes.OfStatus(refused.Status), refused.Message);
                return GrpcFault.Of(refused.Status, refused.Message);
            case RpcException unreadable:
                if (!isExplained)
                {
                    GrpcLog.Broken(logger, caller, unreadable.Status.Detail);
                }

                return unreadable;

            // The library answers a write after the end with an InvalidOperationException.
            case OperationCanceledException or IOException or InvalidOperationException when gone.IsCancellationRequested:
                return GrpcFault.Of(StatusCode.Cancelled, "the caller is gone");
            case OperationCanceledException or InvalidOperationException when stopping.IsCancellationRequested:
                return GrpcFault.Of(GrpcFault.Detail(ErrorCode.ErrorUnavailable, "usbhostd is stopping", "ask again when it is up"));
            case OperationCanceledException:
                return GrpcFault.Of(GrpcFault.Detail(ErrorCode.ErrorTimedOut, "the caller's deadline has passed"));
            default:
                GrpcLog.Failed(logger, failure, path, caller);
                return GrpcFault.Of(GrpcFault.Detail(
                    ErrorCode.ErrorInternal, "an internal error of usbhostd", "see the details: journalctl -u usbhostd; please report them"));
        }
    }

    /// <summary>What the caller is told of a request that can't be read.</summary>
    public RpcException Unreadable(StatusCode status, string why) => Explain(GrpcFault.Of(status, why));

    /// <summary>Its reader took nothing for too long; no status would reach it either.</summary>
    public void CutOff(string why)
    {
        IsExplained = true;
        GrpcLog.CutOff(logger, path, caller, why);
    }

    /// <summary>The log has what the library refused by itself: before a method was asked, or behind one that answered well.</summary>
    public void End(Status status)
    {
        if (IsExplained || gone.IsCancellationRequested || status.StatusCode is StatusCode.OK or StatusCode.DeadlineExceeded)
        {
            return;
        }

        if (status is { StatusCode: StatusCode.Unknown, DebugException: { } fault })
        {
            GrpcLog.Failed(logger, fault, path, caller);
        }
        else
        {
            GrpcLog.Broken(logger, caller, status.Detail);
        }
    }
}
