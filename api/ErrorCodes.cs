// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Grpc.Core;
using UsbHostd.Api.V1;

namespace UsbHostd.Api;

/// <summary>How <c>usbhostctl</c> exits, by kind of error; the manual page lists the same.</summary>
public enum ExitCode
{
    Ok = 0,

    /// <summary>An error of the program itself, or one that has no number of its own.</summary>
    Other = 1,

    /// <summary>The command line, or a value in it, is wrong.</summary>
    Usage = 2,

    /// <summary>No such device, guest or claim.</summary>
    NotFound = 3,

    /// <summary>More than one device matches.</summary>
    Ambiguous = 4,

    /// <summary>The caller may not do this, the policy forbids it, or it is more than one caller may have.</summary>
    Denied = 5,

    /// <summary>Another guest, or somebody else's attachment, has the device.</summary>
    Held = 6,

    /// <summary>The host uses the device, or it is a hub.</summary>
    InUseByHost = 7,

    /// <summary>The guest can't take it: no controller, no free port, speed, mode, or it is in a state where it can't.</summary>
    GuestRefuses = 8,

    /// <summary>usbhostd or libvirt can't be reached.</summary>
    Unavailable = 9,

    /// <summary>The time allowed is over.</summary>
    TimedOut = 10,

    /// <summary>The daemon's database can't take more.</summary>
    Storage = 11,

    /// <summary>The claim stands, but is held or failed, or has ended.</summary>
    NotAttached = 12,
}

/// <summary>One kind of refusal, as each door shows it.</summary>
/// <param name="Status">The gRPC status.</param>
/// <param name="Exit">The exit code of usbhostctl.</param>
/// <param name="Name">The last part of the D-Bus error name: <c>HeldByGuest</c>.</param>
public sealed record ErrorCodeInfo(ErrorCode Code, StatusCode Status, ExitCode Exit, string Name)
{
    /// <summary>For example <c>org.usbhostd.UsbHost1.Error.HeldByGuest</c>.</summary>
    public string DBusName => ErrorCodes.DBusPrefix + Name;
}

/// <summary>The one table that ties an <see cref="ErrorCode"/> to its gRPC status, its exit code and its D-Bus name.</summary>
public static class ErrorCodes
{
    public const string DBusPrefix = "org.usbhostd.UsbHost1.Error.";

    /// <summary>In the order of the numbers: the index is the code.</summary>
    public static ImmutableArray<ErrorCodeInfo> All { get; } =
    [
        new(ErrorCode.Unspecified, StatusCode.Unknown, ExitCode.Other, "Unknown"),
        new(ErrorCode.ErrorInvalidArgument, StatusCode.InvalidArgument, ExitCode.Usage, "InvalidArgument"),
        new(ErrorCode.ErrorPermissionDenied, StatusCode.PermissionDenied, ExitCode.Denied, "PermissionDenied"),
        new(ErrorCode.ErrorDeviceNotFound, StatusCode.NotFound, ExitCode.NotFound, "DeviceNotFound"),
        new(ErrorCode.ErrorGuestNotFound, StatusCode.NotFound, ExitCode.NotFound, "GuestNotFound"),
        new(ErrorCode.ErrorClaimNotFound, StatusCode.NotFound, ExitCode.NotFound, "ClaimNotFound"),
        new(ErrorCode.ErrorAmbiguous, StatusCode.FailedPrecondition, ExitCode.Ambiguous, "Ambiguous"),
        new(ErrorCode.ErrorHeldByGuest, StatusCode.FailedPrecondition, ExitCode.Held, "HeldByGuest"),
        new(ErrorCode.ErrorHeldByOther, StatusCode.FailedPrecondition, ExitCode.Held, "HeldByOther"),
        new(ErrorCode.ErrorInUseByHost, StatusCode.FailedPrecondition, ExitCode.InUseByHost, "InUseByHost"),
        new(ErrorCode.ErrorIsHub, StatusCode.FailedPrecondition, ExitCode.InUseByHost, "IsHub"),
        new(ErrorCode.ErrorNoController, StatusCode.FailedPrecondition, ExitCode.GuestRefuses, "NoController"),
        new(ErrorCode.ErrorNoFreePort, StatusCode.FailedPrecondition, ExitCode.GuestRefuses, "NoFreePort"),
        new(ErrorCode.ErrorSpeedMismatch, StatusCode.FailedPrecondition, ExitCode.GuestRefuses, "SpeedMismatch"),
        new(ErrorCode.ErrorUnsupportedMode, StatusCode.FailedPrecondition, ExitCode.GuestRefuses, "UnsupportedMode"),
        new(ErrorCode.ErrorLibvirtUnavailable, StatusCode.Unavailable, ExitCode.Unavailable, "LibvirtUnavailable"),
        new(ErrorCode.ErrorStorageFull, StatusCode.ResourceExhausted, ExitCode.Storage, "StorageFull"),
        new(ErrorCode.ErrorNotAllowed, StatusCode.PermissionDenied, ExitCode.Denied, "NotAllowed"),
        new(ErrorCode.ErrorGuestActive, StatusCode.FailedPrecondition, ExitCode.GuestRefuses, "GuestActive"),
        new(ErrorCode.ErrorRequestReused, StatusCode.AlreadyExists, ExitCode.Usage, "RequestReused"),
        new(ErrorCode.ErrorInternal, StatusCode.Internal, ExitCode.Other, "Internal"),
        new(ErrorCode.ErrorUnavailable, StatusCode.Unavailable, ExitCode.Unavailable, "Unavailable"),
        new(ErrorCode.ErrorTimedOut, StatusCode.DeadlineExceeded, ExitCode.TimedOut, "TimedOut"),
        new(ErrorCode.ErrorUnimplemented, StatusCode.Unimplemented, ExitCode.Other, "Unimplemented"),
        new(ErrorCode.ErrorRulesRefused, StatusCode.FailedPrecondition, ExitCode.Usage, "RulesRefused"),
        new(ErrorCode.ErrorTooMany, StatusCode.ResourceExhausted, ExitCode.Denied, "TooMany"),
    ];

    /// <summary>The row of a code; that of <see cref="ErrorCode.Unspecified"/> for a code which a newer daemon sent.</summary>
    public static ErrorCodeInfo Of(ErrorCode code) => code is >= ErrorCode.Unspecified and <= ErrorCode.ErrorTooMany ? All[(int)code] : All[0];

    /// <summary>The code of an error that came without details, from its gRPC status alone.</summary>
    public static ErrorCode OfStatus(StatusCode status) => status switch
    {
        StatusCode.InvalidArgument or StatusCode.OutOfRange => ErrorCode.ErrorInvalidArgument,
        StatusCode.PermissionDenied or StatusCode.Unauthenticated => ErrorCode.ErrorPermissionDenied,
        StatusCode.DeadlineExceeded => ErrorCode.ErrorTimedOut,
        StatusCode.Unimplemented => ErrorCode.ErrorUnimplemented,
        StatusCode.Unavailable => ErrorCode.ErrorUnavailable,
        StatusCode.Internal or StatusCode.DataLoss => ErrorCode.ErrorInternal,
        _ => ErrorCode.Unspecified,
    };

    /// <summary>
    /// The exit code for a claim that waits for nothing any more and is not attached, by its reason: that of the refusal which the
    /// same reason would have been.
    /// </summary>
    public static ExitCode OfReason(Reason reason) => reason switch
    {
        Reason.GuestUndefined => Of(ErrorCode.ErrorGuestNotFound).Exit,
        Reason.LibvirtUnavailable => Of(ErrorCode.ErrorLibvirtUnavailable).Exit,
        Reason.Ambiguous => Of(ErrorCode.ErrorAmbiguous).Exit,
        Reason.InUseByHost => Of(ErrorCode.ErrorInUseByHost).Exit,
        Reason.HeldByGuest => Of(ErrorCode.ErrorHeldByGuest).Exit,
        Reason.HeldByOther => Of(ErrorCode.ErrorHeldByOther).Exit,
        Reason.NoController => Of(ErrorCode.ErrorNoController).Exit,
        Reason.NoFreePort => Of(ErrorCode.ErrorNoFreePort).Exit,
        Reason.SpeedMismatch => Of(ErrorCode.ErrorSpeedMismatch).Exit,
        Reason.NotAllowed => Of(ErrorCode.ErrorNotAllowed).Exit,
        Reason.IsHub => Of(ErrorCode.ErrorIsHub).Exit,
        Reason.UnsupportedMode => Of(ErrorCode.ErrorUnsupportedMode).Exit,
        _ => ExitCode.NotAttached,
    };
}
