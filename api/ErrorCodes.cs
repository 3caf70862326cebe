using System.Collections.Immutable;
using UsbHostd.Api.Grpc;
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
public sealed record ErrorCodeInfo(ErrorCode Code, GrpcStatusCode Status, ExitCode Exit, string Name)
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
        new(ErrorCode.Unspecified, GrpcStatusCode.Unknown, ExitCode.Other, "Unknown"),
        new(ErrorCode.ErrorInvalidArgument, GrpcStatusCode.InvalidArgument, ExitCode.Usage, "InvalidArgument"),
        new(ErrorCode.ErrorPermissionDenied, GrpcStatusCode.PermissionDenied, ExitCode.Denied, "PermissionDenied"),
        new(ErrorCode.ErrorDeviceNotFound, GrpcStatusCode.NotFound, ExitCode.NotFound, "DeviceNotFound"),
        new(ErrorCode.ErrorGuestNotFound, GrpcStatusCode.NotFound, ExitCode.NotFound, "GuestNotFound"),
        new(ErrorCode.ErrorClaimNotFound, GrpcStatusCode.NotFound, ExitCode.NotFound, "ClaimNotFound"),
        new(ErrorCode.ErrorAmbiguous, GrpcStatusCode.FailedPrecondition, ExitCode.Ambiguous, "Ambiguous"),
        new(ErrorCode.ErrorHeldByGuest, GrpcStatusCode.FailedPrecondition, ExitCode.Held, "HeldByGuest"),
        new(ErrorCode.ErrorHeldByOther, GrpcStatusCode.FailedPrecondition, ExitCode.Held, "HeldByOther"),
        new(ErrorCode.ErrorInUseByHost, GrpcStatusCode.FailedPrecondition, ExitCode.InUseByHost, "InUseByHost"),
        new(ErrorCode.ErrorIsHub, GrpcStatusCode.FailedPrecondition, ExitCode.InUseByHost, "IsHub"),
        new(ErrorCode.ErrorNoController, GrpcStatusCode.FailedPrecondition, ExitCode.GuestRefuses, "NoController"),
        new(ErrorCode.ErrorNoFreePort, GrpcStatusCode.FailedPrecondition, ExitCode.GuestRefuses, "NoFreePort"),
        new(ErrorCode.ErrorSpeedMismatch, GrpcStatusCode.FailedPrecondition, ExitCode.GuestRefuses, "SpeedMismatch"),
        new(ErrorCode.ErrorUnsupportedMode, GrpcStatusCode.FailedPrecondition, ExitCode.GuestRefuses, "UnsupportedMode"),
        new(ErrorCode.ErrorLibvirtUnavailable, GrpcStatusCode.Unavailable, ExitCode.Unavailable, "LibvirtUnavailable"),
        new(ErrorCode.ErrorStorageFull, GrpcStatusCode.ResourceExhausted, ExitCode.Storage, "StorageFull"),
        new(ErrorCode.ErrorNotAllowed, GrpcStatusCode.PermissionDenied, ExitCode.Denied, "NotAllowed"),
        new(ErrorCode.ErrorGuestActive, GrpcStatusCode.FailedPrecondition, ExitCode.GuestRefuses, "GuestActive"),
        new(ErrorCode.ErrorRequestReused, GrpcStatusCode.AlreadyExists, ExitCode.Usage, "RequestReused"),
        new(ErrorCode.ErrorInternal, GrpcStatusCode.Internal, ExitCode.Other, "Internal"),
        new(ErrorCode.ErrorUnavailable, GrpcStatusCode.Unavailable, ExitCode.Unavailable, "Unavailable"),
        new(ErrorCode.ErrorTimedOut, GrpcStatusCode.DeadlineExceeded, ExitCode.TimedOut, "TimedOut"),
        new(ErrorCode.ErrorUnimplemented, GrpcStatusCode.Unimplemented, ExitCode.Other, "Unimplemented"),
        new(ErrorCode.ErrorRulesRefused, GrpcStatusCode.FailedPrecondition, ExitCode.Usage, "RulesRefused"),
        new(ErrorCode.ErrorTooMany, GrpcStatusCode.ResourceExhausted, ExitCode.Denied, "TooMany"),
    ];

    /// <summary>The row of a code; that of <see cref="ErrorCode.Unspecified"/> for a code which a newer daemon sent.</summary>
    public static ErrorCodeInfo Of(ErrorCode code) => code is >= ErrorCode.Unspecified and <= ErrorCode.ErrorTooMany ? All[(int)code] : All[0];

    /// <summary>The code of an error that came without details, from its gRPC status alone.</summary>
    public static ErrorCode OfStatus(GrpcStatusCode status) => status switch
    {
        GrpcStatusCode.InvalidArgument or GrpcStatusCode.OutOfRange => ErrorCode.ErrorInvalidArgument,
        GrpcStatusCode.PermissionDenied or GrpcStatusCode.Unauthenticated => ErrorCode.ErrorPermissionDenied,
        GrpcStatusCode.DeadlineExceeded => ErrorCode.ErrorTimedOut,
        GrpcStatusCode.Unimplemented => ErrorCode.ErrorUnimplemented,
        GrpcStatusCode.Unavailable => ErrorCode.ErrorUnavailable,
        GrpcStatusCode.Internal or GrpcStatusCode.DataLoss => ErrorCode.ErrorInternal,
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
