// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Core.Claims;

/// <summary>
/// Persisted intent: who wants which device in which guest, and how. Nothing that can be observed is in it: no bus and device
/// number, no phase.
/// </summary>
public sealed record Claim
{
    /// <summary>(uid_t)-1, which no account has: the uid of a caller without one.</summary>
    public const uint NoUid = uint.MaxValue;

    public required ClaimId Id { get; init; }

    public ClaimTarget Target { get; init; } = ClaimTarget.Guest;

    /// <summary>The guest's UUID; for other targets an all-zero UUID.</summary>
    public required GuestId Guest { get; init; }

    /// <summary>What it follows; fixed at creation.</summary>
    public required DeviceKey Follows { get; init; }

    /// <summary>Which ids the device may show up with; the device's own at creation, or the <c>--follow</c> set. Never empty.</summary>
    public required ImmutableArray<UsbId> Ids { get; init; }

    public ClaimMode Mode { get; init; } = ClaimMode.Hostdev;

    public ClaimLifetime Lifetime { get; init; } = ClaimLifetime.Forever;

    public ClaimOrigin Origin { get; init; } = ClaimOrigin.Explicit;

    /// <summary><c>uid:1000</c>, or a certificate's subject; <c>rule</c> for a claim by rule.</summary>
    public required string Owner { get; init; }

    /// <summary>
    /// Whoever asked, as the rule's <c>owner</c> and <c>group</c> ask for it each time; (uid_t)-1 for one without. Null where that is not
    /// known, of claims from before it was kept and of recovered ones: those pass as they did.
    /// </summary>
    public uint? Uid { get; init; }

    /// <summary>Of the same, as they were when it was asked for.</summary>
    public ImmutableArray<uint> Gids { get; init; } = [];

    /// <summary>Whoever moved it to its guest last, as the rule's <c>owner</c> and <c>group</c> ask for that beside its maker; null for one never moved.</summary>
    public uint? MoverUid { get; init; }

    /// <summary>Of the same, as they were when it was moved.</summary>
    public ImmutableArray<uint> MoverGids { get; init; } = [];

    /// <summary>Which door it came through: <c>grpc</c>, <c>dbus</c>, <c>metadata</c>, <c>kubelet</c>, <c>startup</c>, <c>policy</c>.</summary>
    public required string Door { get; init; }

    /// <summary>The client's own request id, unique per owner; null where it gave none.</summary>
    public string? RequestId { get; init; }

    /// <summary>What that request said; null where it had no id, and of claims from before it was kept.</summary>
    public RequestPrint? Request { get; init; }

    public GuestReset GuestReset { get; init; } = GuestReset.Off;

    /// <summary>Why policy was passed; null where it was not.</summary>
    public string? OverrideReason { get; init; }

    /// <summary>Why the guard was passed; null where it was not.</summary>
    public string? ForceReason { get; init; }

    /// <summary>The plug that an until-unplug claim belongs to; null for the others.</summary>
    public PlugToken? LifetimePlug { get; init; }

    /// <summary>The run that an until-guest-stops claim belongs to; null for the others, and until the guest runs.</summary>
    public GuestRun? LifetimeRun { get; init; }

    /// <summary>Set aside until <c>claim-retry</c>; None for a claim that is acted on.</summary>
    public ClaimHold Hold { get; init; } = ClaimHold.None;

    /// <summary>
    /// Whether the claim only keeps its device out of its own guest, because somebody released it there. Another guest's claim may have the device.
    /// </summary>
    public bool IsHeldBack => Hold == ClaimHold.Withheld || (Origin == ClaimOrigin.Rule && Hold != ClaimHold.None);

    public required DateTimeOffset Created { get; init; }

    /// <summary>When it was released; null while it stands. A released claim is kept for as long as its device is still attached.</summary>
    public DateTimeOffset? Released { get; init; }

    /// <summary>The claim as it is once it is released.</summary>
    public Claim EndedAt(DateTimeOffset when) => this with { Released = when, Hold = ClaimHold.None };

    public bool Equals(Claim? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => Id.GetHashCode();
}

public enum ClaimTarget
{
    Guest,
    Pod,
    Export,
}

public enum ClaimLifetime
{
    Forever,
    UntilUnplug,
    UntilGuestStops,
}

public enum ClaimOrigin
{
    /// <summary>Somebody asked for it by name.</summary>
    Explicit,

    /// <summary>A policy rule assigns it.</summary>
    Rule,

    /// <summary>The guest's own definition asks for it.</summary>
    Metadata,

    /// <summary>The kubelet allocated it.</summary>
    Kubelet,

    /// <summary>Found attached under our alias at start, with no such claim in the database.</summary>
    Recovered,
}

/// <summary>Why a claim is set aside. Part of the intent: a restart of the daemon must not undo it.</summary>
public enum ClaimHold
{
    None,

    /// <summary>Somebody else took the device out of the guest.</summary>
    DetachedByOther,

    /// <summary>Adopted from a guest's XML; nobody has confirmed it yet.</summary>
    Recovered,

    /// <summary>Somebody released what a rule or the guest's definition gives: it does not come back by itself.</summary>
    Withheld,
}
