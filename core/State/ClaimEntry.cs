// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.State;

/// <summary>A claim with what this run of the daemon has seen of it. Only <see cref="Claim"/> is stored.</summary>
public sealed record ClaimEntry(Claim Claim)
{
    private const int BriefLooks = 3;

    /// <summary>The plug that it was last attached with: that device keeps the claim when a twin shows up.</summary>
    public PlugToken? LastPlug { get; init; }

    /// <summary>The plug that was last counted for flapping.</summary>
    public PlugToken? SeenPlug { get; init; }

    /// <summary>When its device was plugged in lately, oldest first; bounded by the flap limit.</summary>
    public ImmutableArray<DateTimeOffset> RecentPlugs { get; init; } = [];

    /// <summary>When its device went away; null while it is there, or was never seen.</summary>
    public DateTimeOffset? DeviceLeft { get; init; }

    /// <summary>Where its device was when it went away.</summary>
    public DeviceKey? DeviceLeftPort { get; init; }

    /// <summary>Failures in a row with this plug in this run of the guest.</summary>
    public int Failures { get; init; }

    public ActionOutcome.Failed? LastFailure { get; init; }

    /// <summary>Nothing is tried before this time.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>Aliases whose removal we asked for and have not seen happen yet.</summary>
    public ImmutableHashSet<AttachmentAlias> DetachAsked { get; init; } = [];

    /// <summary>Since when the guest's XML has the device and the guest seems not to; null where all is well.</summary>
    public DateTimeOffset? SuspectSince { get; init; }

    /// <summary>
    /// An attachment that came with the run (a restore, an incoming migration) rather than from an attach of ours: QEMU may not have
    /// opened the device at all.
    /// </summary>
    public AttachmentAlias? CameWithRun { get; init; }

    /// <summary>How often the device was looked at since it was attached, or since the guest changed its state.</summary>
    public int Looks { get; init; }

    /// <summary>When to look at it next; null for not at all.</summary>
    public DateTimeOffset? NextLook { get; init; }

    /// <summary>Why it is in quarantine; null where it is not.</summary>
    public string? Quarantine { get; init; }

    /// <summary>
    /// Whether the last tries found the device in use, and not only for a moment: a use that may be brief is looked at three times within
    /// 1.4 s before it counts.
    /// </summary>
    public bool IsFoundInUse => LastFailure is { Reason: ClaimReason.InUseByHost } failure && (failure.Use is not { MayBeBrief: true } || Failures > BriefLooks);

    public ClaimId Id => Claim.Id;

    public bool Stands => Claim.Released is null;

    /// <summary>The same claim with a clean slate: nothing failed yet.</summary>
    public ClaimEntry Fresh() => this with { Failures = 0, LastFailure = null, NotBefore = null, SuspectSince = null, Looks = 0, NextLook = null };
}
