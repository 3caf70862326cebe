// SPDX-License-Identifier: Apache-2.0
using System.Collections;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace UsbHostd.Policy.Rules.Import;

/// <summary>
/// A usbredir filter as rules. For one id a filter comes down to the set of classes that all interfaces must be of, and so does a rule
/// with <c>match-all</c>; the ids that the filter names come first, then vendors, then all others.
/// </summary>
public static class RedirImport
{
    private const int Classes = 256;
    private const byte Hid = Devices.UsbClass.Hid;

    /// <summary>
    /// Refuses what would allow more, or cannot be said: a bcdDevice, and a product without its vendor. The class of the device as a whole
    /// is left out, since rules do not see it; a note says so where it matters.
    /// </summary>
    public static bool TryImport(RedirFilter filter, [NotNullWhen(true)] out Imported? imported, [NotNullWhen(false)] out string? error)
    {
        (imported, error) = (null, null);
        for (var i = 0; i < filter.Rules.Length; i++)
        {
            var fault = filter.Rules[i] switch
            {
                { Release: not RedirRule.Any } => "asks for a bcdDevice, which no attribute of a rule is for; take it out, or name the device by its serial or hash afterwards",
                { Vendor: RedirRule.Any, Product: not RedirRule.Any } => "names a product without a vendor, which an id in a rule can't; give the vendor",
                _ => null,
            };
            if (fault is not null)
            {
                error = $"rule {i + 1} of the usbredir filter {fault}";
                return false;
            }
        }

        var ids = filter.Rules.Select(rule => (rule.Vendor, rule.Product)).Distinct().ToList();
        var ordered = ids.Where(id => id.Product != RedirRule.Any)
            .Concat(ids.Where(id => id is { Vendor: not RedirRule.Any, Product: RedirRule.Any }))
            .Append((Vendor: RedirRule.Any, Product: RedirRule.Any));
        var rules = ImmutableArray.CreateBuilder<Rule>();
        var byClass = false;
        foreach (var id in ordered)
        {
            var allowed = AllowedClasses(filter, id.Vendor, id.Product);
            byClass |= !allowed.HasAllSet() && allowed.HasAnySet();
            rules.AddRange(RulesFor(id.Vendor, id.Product, allowed));
        }

        ImmutableArray<string> notes = byClass
            ? ["usbredir also holds the class of the device as a whole against the filter; rules see those of its interfaces alone"]
            : [];
        imported = new Imported(rules.DrainToImmutable(), notes);
        return true;
    }

    /// <summary>For devices of this id that no rule further down the list of ids is for.</summary>
    private static BitArray AllowedClasses(RedirFilter filter, int vendor, int product)
    {
        var allowed = new BitArray(Classes);
        var settled = new BitArray(Classes);
        foreach (var rule in filter.Rules)
        {
            if ((rule.Vendor != RedirRule.Any && rule.Vendor != vendor) || (rule.Product != RedirRule.Any && rule.Product != product))
            {
                continue;
            }

            for (var kind = 0; kind < Classes; kind++)
            {
                if (!settled[kind] && (rule.Class == RedirRule.Any || rule.Class == kind))
                {
                    settled[kind] = true;
                    allowed[kind] = rule.Allow;
                }
            }
        }

        return allowed;
    }

    private static IEnumerable<Rule> RulesFor(int vendor, int product, BitArray allowed)
    {
        var any = new Rule
        {
            Target = RuleTarget.Block,
            Id = vendor == RedirRule.Any
                ? null
                : new(SetOperator.Equals, [new((ushort)vendor, product == RedirRule.Any ? null : (ushort)product)], IsSet: false),
        };
        var (kept, left) = (Where(allowed, value: true), Where(allowed, value: false));
        if (kept.Length == 0)
        {
            return [any];
        }

        if (left.Length == 0)
        {
            return [any with { Target = RuleTarget.Allow }];
        }

        if (allowed[Hid])
        {
            return kept.Length <= left.Length
                ? [any with { Target = RuleTarget.Allow, WithInterface = new(SetOperator.MatchAll, kept, IsSet: true) }, any]
                : [any with { WithInterface = new(SetOperator.OneOf, left, IsSet: true) }, any with { Target = RuleTarget.Allow }];
        }

        // Interfaces of 03:00:00 pass beside others, and not alone.
        ImmutableArray<InterfacePattern> nonBootHid = [new(Hid, 0, 0)];
        return
        [
            any with { WithInterface = new(SetOperator.MatchAll, nonBootHid, IsSet: true) },
            any with { Target = RuleTarget.Allow, WithInterface = new(SetOperator.MatchAll, kept.AddRange(nonBootHid), IsSet: true) },
            any,
        ];
    }

    private static ImmutableArray<InterfacePattern> Where(BitArray allowed, bool value) =>
        [.. Enumerable.Range(0, Classes).Where(kind => allowed[kind] == value).Select(kind => new InterfacePattern((byte)kind, null, null))];
}
