// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Core.Guests;

/// <summary>
/// One device that a guest's own definition asks for: <c>&lt;usbhostd:claim device="serial:0951:1666:4C530"/&gt;</c> in its metadata.
/// </summary>
/// <param name="Device">A selector as in any request, at most 256 characters.</param>
/// <param name="Optional">Whether the guest does without; else what stands in the way is a warning.</param>
public sealed record GuestWish(string Device, bool Optional)
{
    /// <summary>Ids that the device changes to, on the same port; the claim is by port then.</summary>
    public ImmutableArray<UsbId> Follow { get; init; } = [];

    /// <summary>Null: as the rule says, else hostdev.</summary>
    public ClaimMode? Mode { get; init; }

    /// <summary>Null: as the rule says, else off.</summary>
    public GuestReset? GuestReset { get; init; }

    /// <summary>What is not in order in its text; null where all is. Such a wish is never met.</summary>
    public string? Fault { get; init; }

    public bool Equals(GuestWish? other) =>
        other is not null && Device == other.Device && Optional == other.Optional && Mode == other.Mode && GuestReset == other.GuestReset
        && Fault == other.Fault && Follow.AsSpan().SequenceEqual(other.Follow.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Device, Optional, Mode, GuestReset, Fault);
}
