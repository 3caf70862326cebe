// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Rules;

/// <summary>
/// What conditions see beside the device: the clock, draws and history. Pure data from the fold's side, so that a decision can be
/// made again and comes out the same.
/// </summary>
public interface IRuleContext
{
    /// <summary>Local time.</summary>
    DateTimeOffset Now { get; }

    /// <summary>
    /// A number from 0 (included) to 1 (excluded) that belongs to this device's plug, this rule's place and the condition's place in it,
    /// both from 0: two draws of one rule do not depend on each other.
    /// </summary>
    double Draw(int rule, int condition);

    /// <summary>When the rule last decided for a device; null for never since the rules were loaded.</summary>
    DateTimeOffset? LastApplied(int rule);

    /// <summary>When the rule was last looked at; null for never since the rules were loaded.</summary>
    DateTimeOffset? LastEvaluated(int rule);

    /// <summary>Whether a device that is allowed now matches the query; <see cref="RuleMatch.Attributes"/> holds one against it.</summary>
    bool AllowedMatches(Rule query);

    /// <summary>
    /// Told of each rule whose attributes matched and that asks for <c>rule-evaluated</c>, once its conditions were looked at: what
    /// <see cref="LastEvaluated"/> is to answer from next time. Other rules need no such record, and come and go unsaid.
    /// </summary>
    void Evaluated(int rule);
}
