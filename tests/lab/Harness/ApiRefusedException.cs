// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;

namespace UsbHostd.Lab.Harness;

/// <summary>The daemon's refusal of a request, as it came over the wire.</summary>
public sealed class ApiRefusedException : Exception
{
    public ApiRefusedException()
        : this(0, "", null)
    {
    }

    public ApiRefusedException(string message)
        : this(0, message, null)
    {
    }

    public ApiRefusedException(string message, Exception innerException)
        : base(message, innerException)
    {
        Detail = new ErrorDetail();
    }

    public ApiRefusedException(int status, string message, ErrorDetail? detail)
        : base($"gRPC status {status}: {message} ({detail?.Code.ToString() ?? "no detail"})")
    {
        Detail = detail ?? new ErrorDetail();
    }

    public ErrorDetail Detail { get; }

    public ErrorCode Code => Detail.Code;
}
