// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.State;

/// <summary>What an event led to.</summary>
/// <param name="Changes">To be stored; intent before any action that follows from it.</param>
/// <param name="Claims">Claims whose status or next action may differ now.</param>
/// <param name="Plugs">Plugs whose hand-back to the host may be due.</param>
/// <param name="ClaimsChanged">Whether the set of claims that stand is another one.</param>
public sealed record Transition(
    HostState State,
    ImmutableArray<StoreChange> Changes,
    ImmutableArray<ClaimId> Claims,
    ImmutableArray<GuestId> Guests,
    ImmutableArray<string> Devices,
    ImmutableArray<PlugToken> Plugs,
    ImmutableArray<(DeviceId Id, UsbDevice Device)> RemovedDevices,
    bool ClaimsChanged);
