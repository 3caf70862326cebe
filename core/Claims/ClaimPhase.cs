// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Core.Claims;

/// <summary>Where a claim stands; computed from state, never stored.</summary>
public enum ClaimPhase
{
    WaitingForDevice,
    WaitingForGuest,
    Attaching,
    Attached,
    Detaching,
    Held,
    Failed,
    Released,
}

/// <summary>Why a claim is in its phase, machine-readable; each has a hint for a person.</summary>
public enum ClaimReason
{
    /// <summary>Nothing to say: all is as wanted.</summary>
    None,
    DeviceAbsent,
    GuestOff,
    GuestUndefined,
    LibvirtUnavailable,
    Ambiguous,
    InUseByHost,
    HeldByGuest,
    HeldByOther,
    NoController,
    NoFreePort,
    SpeedMismatch,
    GuestNotConfigured,
    HostDriverBound,
    DetachedByOther,
    Recovered,
    Quarantined,
    RetryLater,
    AttachFailed,
    DetachFailed,
    NotAllowed,
    IsHub,
    UnsupportedMode,
    LifetimeEnded,

    /// <summary>Somebody released what a rule assigns.</summary>
    Withheld,

    /// <summary>Its rule leaves the device alone for a while after it was plugged in.</summary>
    Settling,
}
