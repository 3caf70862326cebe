// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Policy.Identity;

namespace UsbHostd.Policy.Rules.Matching;

/// <summary>The rules by vendor and product. A device is looked up four times: by both, by either, by neither.</summary>
internal sealed class IdIndex(int rules)
{
    private readonly ValueIndex<UsbIdPattern> index = new(rules);

    public void Add(int place, RuleAttribute<UsbIdPattern>? attribute)
    {
        // The only operator under which a wildcard and an id that it covers are not two separate values.
        if (attribute is { Operator: SetOperator.AllOf, Values.IsEmpty: false })
        {
            UsbIdPattern? both = attribute.Values.Aggregate((UsbIdPattern?)new UsbIdPattern(null, null), Meet);
            index.AddOneOf(place, both is { } pattern ? [pattern] : []);
        }
        else
        {
            index.Add(place, attribute);
        }
    }

    public bool Narrow(Span<ulong> left, Span<ulong> passing, UsbId id)
    {
        if (index.IsIdle)
        {
            return true;
        }

        ReadOnlySpan<UsbIdPattern> keys = [new(id.Vendor, id.Product), new(id.Vendor, null), new(null, id.Product), new(null, null)];
        index.Begin(passing);
        foreach (var key in keys)
        {
            index.Pass(passing, key);
        }

        foreach (var key in keys)
        {
            index.Except(passing, key);
        }

        return Bits.Keep(left, passing);
    }

    /// <summary>What matches both; null where nothing can.</summary>
    private static UsbIdPattern? Meet(UsbIdPattern? one, UsbIdPattern other) =>
        one is not { } first
            || (first.Vendor is { } v && other.Vendor is { } w && v != w)
            || (first.Product is { } p && other.Product is { } q && p != q)
            ? null
            : new UsbIdPattern(first.Vendor ?? other.Vendor, first.Product ?? other.Product);
}
