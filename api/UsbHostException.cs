// SPDX-License-Identifier: Apache-2.0
using Grpc.Core;
using UsbHostd.Api.V1;

namespace UsbHostd.Api;

/// <summary>A request was refused, or usbhostd could not be asked.</summary>
public sealed class UsbHostException : Exception
{
    public UsbHostException(ErrorCode code, string message, string hint = "", Exception? inner = null)
        : this(new ErrorDetail { Code = code, Message = message, Hint = hint }, ErrorCodes.Of(code).Status, inner)
    {
    }

    public UsbHostException(ErrorDetail detail, StatusCode grpcStatus, Exception? inner = null)
        : base(detail?.Message, inner)
    {
        ArgumentNullException.ThrowIfNull(detail);
        Detail = detail;
        GrpcStatus = grpcStatus;
    }

    public ErrorCode Code => Detail.Code;

    /// <summary>What to do now; empty where nothing helps.</summary>
    public string Hint => Detail.Hint;

    /// <summary>With the candidates, or the claim or guest that stands in the way. Strings of devices in it are hostile input.</summary>
    public ErrorDetail Detail { get; }

    /// <summary>The status on the wire, or the one that fits where the call never got that far.</summary>
    public StatusCode GrpcStatus { get; }
}
