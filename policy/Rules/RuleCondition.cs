// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Rules;

/// <summary>What must hold, beside the device's attributes, for a rule to be taken.</summary>
public abstract record RuleCondition(bool Negated)
{
    /// <summary>The local time of day is in the range, ends included. No text has one that ends before it begins.</summary>
    public sealed record LocalTime(TimeOnly From, TimeOnly To, bool Negated) : RuleCondition(Negated);

    /// <summary>A device that is allowed matches the query, whose own conditions are not looked at.</summary>
    public sealed record AllowedMatches(Rule Query, bool Negated) : RuleCondition(Negated);

    /// <summary>This rule decided for a device before; within the time, where one is given.</summary>
    public sealed record RuleApplied(TimeSpan? Within, bool Negated) : RuleCondition(Negated);

    /// <summary>This rule was looked at before; within the time, where one is given.</summary>
    public sealed record RuleEvaluated(TimeSpan? Within, bool Negated) : RuleCondition(Negated);

    /// <summary>A draw, true with the probability given, 0 to 1.</summary>
    public sealed record Random(double Probability, bool Negated) : RuleCondition(Negated);

    /// <summary><c>true</c> and <c>false</c>.</summary>
    public sealed record Constant(bool Value, bool Negated) : RuleCondition(Negated);

    /// <summary>Whether the answer depends on more than the device: such a condition is decided once for each plug.</summary>
    public bool IsStateful => this is not Constant;
}
