// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Core.Requests;

/// <summary>Somebody wants a device in a guest.</summary>
public sealed record ClaimRequest
{
    public required string Device { get; init; }

    public required GuestId Guest { get; init; }

    /// <summary>Null: by serial where the device has one of its own, else by port.</summary>
    public FollowKind? Follow { get; init; }

    public ImmutableArray<UsbId> FollowIds { get; init; } = [];

    /// <summary>Null: as the rule says, else hostdev.</summary>
    public ClaimMode? Mode { get; init; }

    /// <summary>Null: forever, and whatever it is where the claim stands already.</summary>
    public ClaimLifetime? Lifetime { get; init; }

    /// <summary>Null: as the rule says, else off.</summary>
    public GuestReset? GuestReset { get; init; }

    public string? ForceReason { get; init; }

    public string? OverrideReason { get; init; }

    public bool Move { get; init; }

    public string? RequestId { get; init; }

    public required string Owner { get; init; }

    /// <summary>The caller's uid and groups, as rules with <c>owner</c> and <c>group</c> ask for them.</summary>
    public uint Uid { get; init; }

    public ImmutableArray<uint> Gids { get; init; } = [];

    public required string Door { get; init; }

    /// <summary>Whether the caller may see a device; null where it sees all. One that it does not see is no candidate, and not for it.</summary>
    public Func<UsbDevice, bool>? Sees { get; init; }

    /// <summary>Whether the caller may retry a claim that was set aside. Nobody may where it is not said, and no guest's definition may.</summary>
    public Func<ClaimEntry, bool> MayRetry { get; init; } = static _ => false;
}
