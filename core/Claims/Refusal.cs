// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Core.Claims;

/// <summary>Why a request was refused.</summary>
public enum Refusal
{
    InvalidArgument,
    DeviceNotFound,
    Ambiguous,
    HeldByGuest,
    HeldByOther,
    InUseByHost,
    IsHub,
    NoController,
    NoFreePort,
    SpeedMismatch,
    UnsupportedMode,
    NotAllowed,
    RequestReused,
}
