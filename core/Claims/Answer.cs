// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Claims;

/// <summary>
/// What somebody said of a device whose rule is <c>ask</c>. It holds for one plugging-in, or for every one where it is remembered. Stored.
/// </summary>
public sealed record Answer
{
    /// <summary>By serial where that tells devices apart, else by port; fixed.</summary>
    public required DeviceKey Follows { get; init; }

    public required UsbId UsbId { get; init; }

    /// <summary>The one guest that may have it; null for none.</summary>
    public GuestId? Guest { get; init; }

    public bool IsRemembered { get; init; }

    /// <summary>The plug that it was given for or last used for: that one it gives no second claim.</summary>
    public required PlugToken Plug { get; init; }

    /// <summary><c>uid:1000</c>: whose claims come of it.</summary>
    public required string Owner { get; init; }

    /// <summary>Of the same, as the rule's <c>owner</c> and <c>group</c> ask for it each time.</summary>
    public required uint Uid { get; init; }

    /// <summary>As they were when it was given.</summary>
    public required ImmutableArray<uint> Gids { get; init; }

    /// <summary>Which door it came through: <c>dbus</c>.</summary>
    public required string Door { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>When its plug was pulled; null while it is in, and after a start. Not stored.</summary>
    public DateTimeOffset? Left { get; init; }

    /// <summary>Where that was. Not stored.</summary>
    public DeviceKey? LeftPort { get; init; }

    public AnswerId Id => AnswerId.Of(Follows, UsbId);
}
