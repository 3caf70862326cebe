// SPDX-License-Identifier: Apache-2.0
using System.Collections;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace UsbHostd.Policy.Rules.Import;

/// <summary>Rules as a usbredir filter.</summary>
/// <param name="Notes">Where the filter lets pass what the rules do not, each a sentence.</param>
public sealed record Exported(RedirFilter Filter, ImmutableArray<string> Notes);

/// <summary>
/// Rules as a usbredir filter. All that a filter can say of an id is which classes each interface may be of: rules that say more, or
/// something else, are refused by name. A filter is held against the class of the device as a whole too, so it may let fewer pass.
/// </summary>
public static class RedirExport
{
    private const int Classes = 256;
    /// <summary>Refuses with file, line and attribute of the first rule that can't be said.</summary>
    public static bool TryExport(ImmutableArray<Rule> rules, [NotNullWhen(true)] out Exported? exported, [NotNullWhen(false)] out string? error)
    {
        (exported, error) = (null, null);
        foreach (var rule in rules)
        {
            if (Unsayable(rule) is { } attribute)
            {
                error = $"{rule.Source}: {attribute}; a usbredir filter knows vendor, product and the classes of interfaces. Export without this rule, or change it";
                return false;
            }
        }

        var live = rules.Where(rule => RuleConditions.Settled(rule) is true).ToList();
        var ids = live.SelectMany(rule => rule.Id?.Values ?? []).Distinct().ToList();
        var ordered = ids.Where(id => id.Product is not null)
            .Concat(ids.Where(id => id is { Vendor: not null, Product: null }))
            .Append(new UsbIdPattern(null, null));
        var filter = ImmutableArray.CreateBuilder<RedirRule>();
        var leaky = false;
        foreach (var id in ordered)
        {
            var classes = new ClassSet();
            if (live.FirstOrDefault(rule => Covers(rule, id) && !classes.TryTake(rule)) is { } odd)
            {
                error = $"{odd.Source}: with-interface: what this rule asks for does not come down to classes that each interface may be of; "
                    + "a filter can say 'block with-interface one-of { 03:*:* }' and, once for an id, 'allow with-interface match-all { 08:*:* }'";
                return false;
            }

            leaky |= classes.LeaksNonBootHid;
            filter.AddRange(RulesFor(id, classes.Allowed()));
        }

        exported = new Exported(new RedirFilter(filter.DrainToImmutable()), leaky
            ? ["usbredir lets an interface of 03:00:00 pass beside others whatever the filter says of class 03; these rules do not"]
            : []);
        return true;
    }

    /// <summary>What of the rule no filter can say; null where nothing is.</summary>
    private static string? Unsayable(Rule rule)
    {
        if (rule.Target == RuleTarget.Ask)
        {
            return "target ask can't be exported";
        }

        (string Name, bool IsThere)[] attributes =
        [
            ("serial", rule.Serial is not null), ("name", rule.Name is not null), ("hash", rule.Hash is not null),
            ("parent-hash", rule.ParentHash is not null), ("via-port", rule.ViaPort is not null),
            ("with-connect-type", rule.WithConnectType is not null), ("on-bus", rule.OnBus is not null),
            ("on-controller", rule.OnController is not null), ("path", rule.Path is not null),
            ("if", RuleConditions.Settled(rule) is null), ("to-guest", !rule.ToGuest.IsEmpty),
            ("mode hostdev", rule is { Mode: ClaimMode.Hostdev, Target: RuleTarget.Allow or RuleTarget.Assign }),
            ("owner", !rule.Owners.IsEmpty), ("group", !rule.Groups.IsEmpty),
            ("id with an operator other than one-of", rule.Id is { } id && id.Operator is not (SetOperator.OneOf or SetOperator.MatchAll) && id.Values.Length != 1),
            ("id none-of", rule.Id is { Operator: SetOperator.NoneOf }),
            ("id without a vendor", rule.Id?.Values.Any(pattern => pattern is { Vendor: null, Product: not null }) ?? false),
        ];
        return Array.Find(attributes, attribute => attribute.IsThere).Name is { } name ? $"{name} can't be exported" : null;
    }

    private static bool Covers(Rule rule, UsbIdPattern id) => rule.Id is null || rule.Id.Values.Any(pattern =>
        (pattern.Vendor is null || pattern.Vendor == id.Vendor) && (pattern.Product is null || pattern.Product == id.Product));

    private static IEnumerable<RedirRule> RulesFor(UsbIdPattern id, BitArray allowed)
    {
        RedirRule Of(int kind, bool allow) => new(kind, id.Vendor ?? RedirRule.Any, id.Product ?? RedirRule.Any, RedirRule.Any, allow);
        var kept = Enumerable.Range(0, Classes).Where(kind => allowed[kind]).ToList();
        var majority = kept.Count > Classes / 2;
        return Enumerable.Range(0, Classes).Where(kind => allowed[kind] != majority).Select(kind => Of(kind, !majority)).Append(Of(RedirRule.Any, majority));
    }
}
