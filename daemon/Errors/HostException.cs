// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;

namespace UsbHostd.Daemon.Errors;

/// <summary>A request is refused. Everything in it is shown to the caller.</summary>
internal sealed class HostException : Exception
{
    /// <param name="message">What happened, to which device and guest, and why.</param>
    /// <param name="hint">What to do now.</param>
    public HostException(ErrorCode code, string message, string hint = "", Exception? inner = null)
        : base(message, inner)
    {
        Code = code;
        Hint = hint;
    }

    public ErrorCode Code { get; }

    public string Hint { get; }

    /// <summary>Devices that match, for ErrorAmbiguous.</summary>
    public IReadOnlyList<Device> Candidates { get; init; } = [];

    /// <summary>The claim that stands in the way, for ErrorHeldByGuest.</summary>
    public Claim? Claim { get; init; }

    /// <summary>The guest that stands in the way.</summary>
    public GuestRef? Guest { get; init; }

    /// <summary>As it goes over the wire.</summary>
    public ErrorDetail ToDetail()
    {
        var detail = new ErrorDetail { Code = Code, Message = Message, Hint = Hint, Claim = Claim, Guest = Guest };
        detail.Candidates.AddRange(Candidates);
        return detail;
    }
}
