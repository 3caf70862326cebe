// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Rules;

/// <summary>
/// What the rules say of one plugging-in of a device: decided when it comes and at each reload, and held in between, so that
/// neither the clock nor another device takes it away.
/// </summary>
/// <param name="Place">Of the rule that decides, from 0; −1 where none matches.</param>
/// <param name="Rule">Null where none matches: blocked.</param>
/// <param name="Since">When the device was first seen in this plug.</param>
public sealed record Verdict(int Place, Rule? Rule, DateTimeOffset Since)
{
    /// <summary>Whether a condition on time, draws, history or other devices had a say: only then would it come out otherwise another time.</summary>
    public bool IsStateful { get; init; }

    /// <summary>Of a device that has not been judged: blocked.</summary>
    public static readonly Verdict None = new(-1, null, default);

    public RuleTarget Target => Rule?.Target ?? RuleTarget.Block;

    /// <summary>Whether some guest may have it.</summary>
    public bool IsAllowed => Target is RuleTarget.Allow or RuleTarget.Assign;

    /// <summary>Whether some guest may have it, perhaps after an answer.</summary>
    private bool MayBeAllowed => IsAllowed || Target == RuleTarget.Ask;

    /// <summary>Why the guard may be passed; null where it may not.</summary>
    public string? Unsafe => MayBeAllowed ? Rule!.Unsafe : null;

    /// <summary>Until when the device is left alone.</summary>
    public DateTimeOffset? SettlesAt => MayBeAllowed && Rule!.Settle is { } settle ? Since + settle : null;
}

/// <summary>When a rule was last looked at, and when it last decided; null for never since the rules were loaded.</summary>
public sealed record RuleHistory(DateTimeOffset? Evaluated, DateTimeOffset? Applied)
{
    public static readonly RuleHistory None = new(null, null);
}
