// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using V1 = UsbHostd.Api.V1;

namespace UsbHostd.Daemon.Service;

/// <summary>Claims as the contract shows them, and the contract's wishes as the core takes them.</summary>
internal static class WireClaims
{
    public static V1.Claim Claim(HostState state, ClaimEntry entry, DateTimeOffset now)
    {
        var claim = entry.Claim;
        var status = Assessor.Assess(state, entry, now);
        var wire = new V1.Claim
        {
            Id = claim.Id.ToString(),
            Target = (V1.Target)((int)claim.Target + 1),
            Guest = WireDevices.Guest(state, claim.Guest),
            Follow = claim.Follows.Kind == FollowKind.Serial ? V1.Follow.Serial : V1.Follow.Port,
            Key = claim.Follows.Text,
            Mode = (V1.Mode)((int)claim.Mode + 1),
            Lifetime = (V1.Lifetime)((int)claim.Lifetime + 1),
            Origin = (V1.Origin)((int)claim.Origin + 1),
            Owner = claim.Owner,
            Door = claim.Door,
            RequestId = claim.RequestId ?? "",
            GuestReset = (V1.GuestReset)((int)claim.GuestReset + 1),
            OverrideReason = claim.OverrideReason ?? "",
            ForceReason = claim.ForceReason ?? "",
            Created = WireDevices.Time(claim.Created),
            Released = claim.Released is { } released ? WireDevices.Time(released) : null,
            Phase = (V1.Phase)((int)status.Phase + 1),
            Reason = (V1.Reason)(int)status.Reason,
            Message = StatusText.Message(state, claim, status),
            Hint = StatusText.Hint(state, claim, status),
            DeviceId = status.Device is { } device ? state.IdOf(device).ToString() : "",
            Plug = status.Device?.Plug.ToString() ?? "",
            DeviceName = StatusText.DeviceName(state, claim, status.Device),
            UnsafeReason = status.UnsafeReason ?? "",
            Serial = DeviceMark.SerialOf(state, claim.Follows, claim.Ids, status.Device),
            Port = DeviceMark.PortOf(state, claim.Follows, claim.Ids, status.Device),
        };
        wire.Ids.AddRange(claim.Ids.Select(i => i.ToString()));
        wire.Candidates.AddRange(status.Candidates.Select(c => state.IdOf(c).ToString()));
        return wire;
    }

    public static V1.ErrorCode ErrorCode(Refusal why) => why switch
    {
        Refusal.InvalidArgument => V1.ErrorCode.ErrorInvalidArgument,
        Refusal.DeviceNotFound => V1.ErrorCode.ErrorDeviceNotFound,
        Refusal.Ambiguous => V1.ErrorCode.ErrorAmbiguous,
        Refusal.HeldByGuest => V1.ErrorCode.ErrorHeldByGuest,
        Refusal.HeldByOther => V1.ErrorCode.ErrorHeldByOther,
        Refusal.InUseByHost => V1.ErrorCode.ErrorInUseByHost,
        Refusal.IsHub => V1.ErrorCode.ErrorIsHub,
        Refusal.NoController => V1.ErrorCode.ErrorNoController,
        Refusal.NoFreePort => V1.ErrorCode.ErrorNoFreePort,
        Refusal.SpeedMismatch => V1.ErrorCode.ErrorSpeedMismatch,
        Refusal.UnsupportedMode => V1.ErrorCode.ErrorUnsupportedMode,
        Refusal.NotAllowed => V1.ErrorCode.ErrorNotAllowed,
        Refusal.RequestReused => V1.ErrorCode.ErrorRequestReused,
        _ => throw new ArgumentOutOfRangeException(nameof(why), why, "a refusal without a code"),
    };

    public static FollowKind? Follow(V1.Follow follow) => follow switch
    {
        V1.Follow.Unspecified => null,
        V1.Follow.Serial => FollowKind.Serial,
        V1.Follow.Port => FollowKind.Port,
        _ => throw Refusals.Invalid($"follow {(int)follow} is unknown", "use SERIAL or PORT"),
    };

    public static ClaimMode? Mode(V1.Mode mode) => mode switch
    {
        V1.Mode.Unspecified => null,
        V1.Mode.Hostdev => ClaimMode.Hostdev,
        V1.Mode.Spicevmc => ClaimMode.Spicevmc,
        V1.Mode.Usbredir => ClaimMode.Usbredir,
        _ => throw Refusals.Invalid($"mode {(int)mode} is unknown", "use HOSTDEV"),
    };

    public static ClaimLifetime? Lifetime(V1.Lifetime lifetime) => lifetime switch
    {
        V1.Lifetime.Unspecified => null,
        V1.Lifetime.Forever => ClaimLifetime.Forever,
        V1.Lifetime.UntilUnplug => ClaimLifetime.UntilUnplug,
        V1.Lifetime.UntilGuestStops => ClaimLifetime.UntilGuestStops,
        _ => throw Refusals.Invalid($"lifetime {(int)lifetime} is unknown", "use FOREVER, UNTIL_UNPLUG or UNTIL_GUEST_STOPS"),
    };

    public static GuestReset? Reset(V1.GuestReset reset) => reset switch
    {
        V1.GuestReset.Unspecified => null,
        V1.GuestReset.Off => GuestReset.Off,
        V1.GuestReset.Uninitialized => GuestReset.Uninitialized,
        V1.GuestReset.On => GuestReset.On,
        _ => throw Refusals.Invalid($"guest reset {(int)reset} is unknown", "use OFF, UNINITIALIZED or ON"),
    };
}
