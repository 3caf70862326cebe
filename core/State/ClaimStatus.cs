// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.State;

/// <summary>
/// Where a claim stands, why, and what is to be done next: one answer, so that what is shown is what is done.
/// </summary>
public sealed record ClaimStatus(ClaimPhase Phase, ClaimReason Reason = ClaimReason.None)
{
    /// <summary>The device that it has, or will have; null while there is none.</summary>
    public UsbDevice? Device { get; init; }

    /// <summary>Devices that match, where the reason is Ambiguous.</summary>
    public ImmutableArray<UsbDevice> Candidates { get; init; } = [];

    /// <summary>Where the reason is DeviceAbsent: a device with another id that is in the claim's port instead; null where there is none.</summary>
    public UsbDevice? InPort { get; init; }

    /// <summary>The guest that has the device instead.</summary>
    public GuestId? OtherGuest { get; init; }

    /// <summary>What the entry in <see cref="OtherGuest"/> is for, where it is another device's than this one, which has its number now.</summary>
    public UsbId? EntryOf { get; init; }

    /// <summary>The claim that has the device instead.</summary>
    public ClaimId? OtherClaim { get; init; }

    /// <summary>What libvirt, the host or the guard said, raw.</summary>
    public string? Detail { get; init; }

    /// <summary>The use that stands against it, where the reason is InUseByHost.</summary>
    public HostUse? Use { get; init; }

    /// <summary>Why the rule that decides for the device lets it pass the guard; null where that does not.</summary>
    public string? UnsafeReason { get; init; }

    /// <summary>What would be done now if nothing else were in flight; null for nothing.</summary>
    public HostAction? Next { get; init; }

    /// <summary>The same, with what the rule for the device says of the guard.</summary>
    internal ClaimStatus JudgedIn(HostState state) =>
        Device is { } device && state.VerdictOf(device).Unsafe is { } why ? this with { UnsafeReason = why } : this;

    /// <summary>For change detection: everything but the action.</summary>
    public bool ShowsSame(ClaimStatus other) =>
        Phase == other.Phase && Reason == other.Reason && Device?.Plug == other.Device?.Plug && OtherGuest == other.OtherGuest
        && OtherClaim == other.OtherClaim && EntryOf == other.EntryOf && string.Equals(Detail, other.Detail, StringComparison.Ordinal)
        && string.Equals(UnsafeReason, other.UnsafeReason, StringComparison.Ordinal)
        && InPort?.Plug == other.InPort?.Plug
        && Candidates.Select(c => c.Plug).SequenceEqual(other.Candidates.Select(c => c.Plug));
}

/// <summary>Which device a claim means at the moment.</summary>
/// <param name="Candidates">Those that match where <paramref name="Device"/> is null although there are some.</param>
public readonly record struct Choice(UsbDevice? Device, ImmutableArray<UsbDevice> Candidates)
{
    /// <summary>A device with another id in the port that the claim follows; null where there is none.</summary>
    public UsbDevice? InPort { get; init; }
}
