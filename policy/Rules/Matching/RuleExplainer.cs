// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Policy.Rules.Matching;

/// <summary>Goes through rules one by one, beside the index, and says of each why it is passed over. Notes nothing in the context.</summary>
internal static class RuleExplainer
{
    private static readonly MatchedAttribute[] Attributes = Enum.GetValues<MatchedAttribute>();
    private static readonly Rule Bare = new() { Target = RuleTarget.Allow };

    /// <param name="held">The place that was decided before and is held: what is told of are the rules before that one. Null for what decides now.</param>
    public static RuleExplanation Explain(ImmutableArray<Rule> rules, RuleSubject device, IRuleContext context, int most, int? held)
    {
        var end = held < 0 ? rules.Length : held;
        var (decided, missed) = (-1, 0);
        // The farthest of the nearest comes out first; of equally far ones the last.
        var nearest = new PriorityQueue<(int Place, int Mismatches), (int, int)>();
        for (var place = 0; place < rules.Length && (decided < 0 || place < end); place++)
        {
            if (Mismatches(rules[place], place, device, context) is not { } mismatches)
            {
                decided = decided < 0 ? place : decided;
            }
            else if (end is null || place < end)
            {
                missed++;
                nearest.Enqueue((place, mismatches), (-mismatches, -place));
                if (nearest.Count > most)
                {
                    nearest.Dequeue();
                }
            }
        }

        var misses = nearest.UnorderedItems.Select(item => item.Element).OrderBy(miss => miss.Place)
            .Select(miss => Miss(rules[miss.Place], miss.Place, miss.Mismatches, device, context));
        return new RuleExplanation(decided, [.. misses], missed - nearest.Count);
    }

    /// <summary>Null where the rule decides.</summary>
    private static int? Mismatches(Rule rule, int place, RuleSubject device, IRuleContext context)
    {
        var count = 0;
        foreach (var attribute in Attributes)
        {
            count += RuleMatch.Holds(rule, device, attribute) ? 0 : 1;
        }

        return count == 0 && RuleConditions.WouldHold(rule, place, context) ? null : count;
    }

    private static RuleMiss Miss(Rule rule, int place, int mismatches, RuleSubject device, IRuleContext context)
    {
        if (RuleMatch.FirstMismatch(rule, device) is { } attribute)
        {
            var (name, wanted) = Text(Only(rule, attribute));
            var found = attribute == MatchedAttribute.WithInterface && device.Interfaces.IsEmpty ? "{ }" : Text(Only(AsRule(device), attribute)).Value;
            return new RuleMiss(place, name, wanted, found, mismatches);
        }

        var conditions = rule.If!;
        var held = Enumerable.Range(0, conditions.Values.Length).Select(i => RuleConditions.Holds(conditions.Values[i], i, place, context)).ToList();
        var at = conditions.Operator == SetOperator.OneOf ? -1 : held.IndexOf(conditions.Operator == SetOperator.NoneOf);
        var atFault = at < 0 ? conditions : new RuleAttribute<RuleCondition>(SetOperator.Equals, [conditions.Values[at]], IsSet: false);
        return new RuleMiss(place, "if", Text(Bare with { If = atFault }).Value, conditions.Operator == SetOperator.NoneOf ? "true" : "false", 0);
    }

    private static Rule Only(Rule rule, MatchedAttribute attribute) => attribute switch
    {
        MatchedAttribute.Id => Bare with { Id = rule.Id },
        MatchedAttribute.Serial => Bare with { Serial = rule.Serial },
        MatchedAttribute.Name => Bare with { Name = rule.Name },
        MatchedAttribute.Hash => Bare with { Hash = rule.Hash },
        MatchedAttribute.ParentHash => Bare with { ParentHash = rule.ParentHash },
        MatchedAttribute.ViaPort => Bare with { ViaPort = rule.ViaPort },
        MatchedAttribute.WithInterface => Bare with { WithInterface = rule.WithInterface },
        MatchedAttribute.WithConnectType => Bare with { WithConnectType = rule.WithConnectType },
        MatchedAttribute.OnBus => Bare with { OnBus = rule.OnBus },
        MatchedAttribute.OnController => Bare with { OnController = rule.OnController },
        MatchedAttribute.Path => Bare with { Path = rule.Path },
        _ => throw new ArgumentOutOfRangeException(nameof(attribute), attribute, "not an attribute that is matched"),
    };

    private static Rule AsRule(RuleSubject device) => Bare with
    {
        Id = One(new UsbIdPattern(device.Id.Vendor, device.Id.Product)),
        Serial = One(device.Serial),
        Name = One(device.Name),
        Hash = One(device.Hash),
        ParentHash = One(device.ParentHash),
        ViaPort = One(device.ViaPort),
        WithInterface = new RuleAttribute<InterfacePattern>(
            SetOperator.Equals, [.. device.Interfaces.Select(Pattern)], IsSet: device.Interfaces.Length != 1),
        WithConnectType = One(device.ConnectType),
        OnBus = One(device.Bus),
        OnController = One(device.Controller),
        Path = One(new Glob(device.IdPath)),
    };

    private static InterfacePattern Pattern(UsbClass there) => new(there.Class, there.Subclass, there.Protocol);

    private static RuleAttribute<T> One<T>(T value) => new(SetOperator.Equals, [value], IsSet: false);

    /// <summary>Of a rule with one attribute its name, and the rest.</summary>
    private static (string Name, string Value) Text(Rule rule)
    {
        var parts = RulePrinter.PrintPartial(rule).Split(' ', 2);
        return (parts[0], parts[1]);
    }
}
