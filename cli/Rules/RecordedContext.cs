// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;

namespace UsbHostd.Cli.Rules;

/// <summary>
/// What conditions see where there is no daemon: the clock; draws that fall on the likelier side; no history, as right after a reload; as
/// allowed devices those that were judged before.
/// </summary>
internal sealed class RecordedContext(DateTimeOffset now) : IRuleContext
{
    private readonly List<RuleSubject> allowed = [];

    public DateTimeOffset Now => now;

    public double Draw(int rule, int condition) => 0.5;

    public DateTimeOffset? LastApplied(int rule) => null;

    public DateTimeOffset? LastEvaluated(int rule) => null;

    public bool AllowedMatches(Rule query) => allowed.Exists(device => RuleMatch.Attributes(query, device));

    public void Evaluated(int rule)
    {
    }

    /// <summary>The rule that decides; null where none matches.</summary>
    public Rule? Judge(RuleSet rules, RuleSubject device)
    {
        var place = rules.Decide(device, this);
        var rule = place < 0 ? null : rules.Rules[place];
        if (rule?.Target is RuleTarget.Allow or RuleTarget.Assign)
        {
            allowed.Add(device);
        }

        return rule;
    }
}
