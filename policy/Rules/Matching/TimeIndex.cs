// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Rules.Matching;

/// <summary>The rules whose only condition is a time of day: each range is held against the clock once, however many rules share it.</summary>
internal sealed class TimeIndex(int rules)
{
    private readonly ulong[] otherwise = new ulong[Bits.Words(rules)];
    private readonly Dictionary<RuleCondition.LocalTime, Posting> ranges = [];
    private (RuleCondition.LocalTime Range, Posting Rules)[] inOrder = [];

    /// <summary>False where the rule has other conditions: then it is not in the index.</summary>
    public bool TryAdd(int place, Rule rule)
    {
        if (rule.If is not { Values: [RuleCondition.LocalTime range] } conditions)
        {
            Bits.Set(otherwise, place);
            return false;
        }

        var asked = conditions.Operator == SetOperator.NoneOf ? range with { Negated = !range.Negated } : range;
        if (!ranges.TryGetValue(asked, out var posting))
        {
            ranges.Add(asked, posting = new Posting(otherwise.Length));
        }

        posting.Add(place);
        return true;
    }

    public void Complete() => inOrder = [.. ranges.Select(range => (range.Key, range.Value))];

    public bool Narrow(Span<ulong> left, Span<ulong> passing, IRuleContext context)
    {
        if (inOrder.Length == 0 || Bits.AreWithin(left, otherwise))
        {
            // The clock is not asked where no rule that is left asks for it: it has no say then.
            return true;
        }

        otherwise.CopyTo(passing);
        var now = context.Now;
        foreach (var (range, posting) in inOrder)
        {
            if (RuleConditions.Holds(range, now))
            {
                posting.AddTo(passing);
            }
        }

        return Bits.Keep(left, passing);
    }
}
