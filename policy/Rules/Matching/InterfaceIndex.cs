// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Policy.Devices;

namespace UsbHostd.Policy.Rules.Matching;

/// <summary>
/// The rules by interfaces. <c>one-of</c> and <c>none-of</c> are answered by looking up what the device has; every other demand is kept
/// once, however many rules make it, under the value that the fewest of them name, and tried only where the device has that.
/// </summary>
internal sealed class InterfaceIndex(int rules)
{
    private readonly ulong[] otherwise = new ulong[Bits.Words(rules)];
    private readonly Dictionary<InterfacePattern, Slot> slots = [];
    private readonly Dictionary<DemandKey, Demand> demands = [];

    // A device without interfaces passes match-all: each of none is named.
    private readonly Posting withoutAny = new(Bits.Words(rules));
    private bool isIdle = true;

    public void Add(int place, RuleAttribute<InterfacePattern>? attribute)
    {
        if (attribute is null || attribute.Values.IsEmpty)
        {
            Bits.Set(otherwise, place);
            return;
        }

        isIdle = false;
        switch (attribute.Operator)
        {
            case SetOperator.OneOf:
                foreach (var value in attribute.Values)
                {
                    (At(value).Named ??= new Posting(otherwise.Length)).Add(place);
                }

                break;
            case SetOperator.NoneOf:
                Bits.Set(otherwise, place);
                foreach (var value in attribute.Values)
                {
                    (At(value).Excepted ??= new Posting(otherwise.Length)).Add(place);
                }

                break;
            default:
                var key = new DemandKey(attribute);
                if (!demands.TryGetValue(key, out var demand))
                {
                    demands.Add(key, demand = new Demand(attribute, new Posting(otherwise.Length)));
                }

                demand.Rules.Add(place);
                if (attribute.Operator == SetOperator.MatchAll)
                {
                    withoutAny.Add(place);
                }

                break;
        }
    }

    /// <summary>Files the demands, now that it is known how often each value is named.</summary>
    public void Complete()
    {
        var frequency = demands.Values.SelectMany(demand => demand.Attribute.Values.Distinct()).CountBy(value => value).ToDictionary();
        foreach (var demand in demands.Values)
        {
            if (demand.Attribute.Operator == SetOperator.MatchAll)
            {
                foreach (var value in demand.Attribute.Values.Distinct())
                {
                    (At(value).OfFirst ??= []).Add(demand);
                }
            }
            else
            {
                (At(demand.Attribute.Values.MinBy(value => frequency[value])).OfAny ??= []).Add(demand);
            }
        }
    }

    public bool Narrow(Span<ulong> left, Span<ulong> passing, ReadOnlySpan<UsbClass> there)
    {
        if (isIdle)
        {
            return true;
        }

        otherwise.CopyTo(passing);
        if (there.IsEmpty)
        {
            withoutAny.AddTo(passing);
        }

        for (var i = 0; i < there.Length; i++)
        {
            if (!IsRepeated(there, i))
            {
                Pass(passing, there, i);
            }
        }

        for (var i = 0; i < there.Length; i++)
        {
            if (!IsRepeated(there, i))
            {
                Except(passing, there[i]);
            }
        }

        return Bits.Keep(left, passing);
    }

    /// <summary>Alternate settings repeat their interface's class, so most repetitions follow at once; others only cost time.</summary>
    private static bool IsRepeated(ReadOnlySpan<UsbClass> there, int i) => i > 0 && (there[i] == there[i - 1] || there[i] == there[0]);

    private static InterfacePattern Level(UsbClass there, int level) =>
        new(there.Class, level < 2 ? there.Subclass : null, level < 1 ? there.Protocol : null);

    private void Pass(Span<ulong> passing, ReadOnlySpan<UsbClass> there, int i)
    {
        for (var level = 0; level < 3; level++)
        {
            if (!slots.TryGetValue(Level(there[i], level), out var slot))
            {
                continue;
            }

            slot.Named?.AddTo(passing);
            Try(slot.OfAny, passing, there);
            if (i == 0)
            {
                Try(slot.OfFirst, passing, there);
            }
        }
    }

    private void Except(Span<ulong> passing, UsbClass there)
    {
        for (var level = 0; level < 3; level++)
        {
            if (slots.TryGetValue(Level(there, level), out var slot))
            {
                slot.Excepted?.RemoveFrom(passing);
            }
        }
    }

    private static void Try(List<Demand>? demands, Span<ulong> passing, ReadOnlySpan<UsbClass> there)
    {
        if (demands is null)
        {
            return;
        }

        foreach (var demand in demands)
        {
            if (RuleMatch.Holds(demand.Attribute, there))
            {
                demand.Rules.AddTo(passing);
            }
        }
    }

    private Slot At(InterfacePattern value)
    {
        if (!slots.TryGetValue(value, out var slot))
        {
            slots.Add(value, slot = new Slot());
        }

        return slot;
    }

    private sealed class Slot
    {
        public Posting? Named { get; set; }

        public Posting? Excepted { get; set; }

        /// <summary>Demands that an interface of this kind is necessary for, wherever it stands.</summary>
        public List<Demand>? OfAny { get; set; }

        /// <summary>Demands of match-all: the device's first interface is among what they name.</summary>
        public List<Demand>? OfFirst { get; set; }
    }

    private sealed record Demand(RuleAttribute<InterfacePattern> Attribute, Posting Rules);

    /// <summary>Two attributes that ask for the same, word for word.</summary>
    private readonly struct DemandKey(RuleAttribute<InterfacePattern> attribute) : IEquatable<DemandKey>
    {
        private readonly RuleAttribute<InterfacePattern> attribute = attribute;

        public bool Equals(DemandKey other) =>
            attribute.Operator == other.attribute.Operator && attribute.Values.AsSpan().SequenceEqual(other.attribute.Values.AsSpan());

        public override bool Equals(object? obj) => obj is DemandKey other && Equals(other);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            hash.Add(attribute.Operator);
            foreach (var value in attribute.Values)
            {
                hash.Add(value);
            }

            return hash.ToHashCode();
        }
    }
}
