// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.State;

namespace UsbHostd.Core.Evaluation;

/// <summary>While libvirt answers nothing.</summary>
public static partial class Assessor
{
    /// <summary>What needs libvirt, or was seen through it, is uncertain while libvirt answers nothing. What to do next stays as it is.</summary>
    private static ClaimStatus WhileSilent(HostState state, ClaimStatus status) =>
        state.LibvirtSilentSince is { } since && status.Phase is (ClaimPhase.Attaching or ClaimPhase.Detaching or ClaimPhase.Attached or ClaimPhase.WaitingForGuest)
            ? status with { Reason = ClaimReason.LibvirtUnavailable, Detail = StatusText.SilentSince(since) }
            : status;
}
