// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace UsbHostd.Policy.Rules.Matching;

/// <summary>
/// The rules by one attribute of which a device has exactly one value, compared for equality. Every operator comes down to "one of
/// these" or "none of these" then, so the answer is exact.
/// </summary>
internal sealed class ValueIndex<TKey>(int rules)
    where TKey : notnull
{
    private readonly Dictionary<TKey, Posting> named = [];
    private readonly Dictionary<TKey, Posting> excepted = [];
    private readonly ulong[] otherwise = new ulong[Bits.Words(rules)];

    /// <summary>Whether no rule asks for the attribute: then there is nothing to narrow.</summary>
    public bool IsIdle { get; private set; } = true;

    /// <summary>A rule that says nothing of the attribute.</summary>
    public void AddIndifferent(int place) => Bits.Set(otherwise, place);

    public void Add(int place, RuleAttribute<TKey>? attribute)
    {
        if (attribute is null || attribute.Values.IsEmpty)
        {
            AddIndifferent(place);
            return;
        }

        var values = attribute.Values;
        switch (attribute.Operator)
        {
            case SetOperator.NoneOf:
                AddExcept(place, values);
                break;
            case SetOperator.OneOf or SetOperator.MatchAll:
                AddOneOf(place, values);
                break;
            case SetOperator.AllOf:
                AddOneOf(place, values.All(value => EqualityComparer<TKey>.Default.Equals(value, values[0])) ? [values[0]] : []);
                break;
            default:
                AddOneOf(place, values.Length == 1 ? values : []);
                break;
        }
    }

    /// <summary>With no values: a rule that matches nothing.</summary>
    public void AddOneOf(int place, ImmutableArray<TKey> values) => File(named, place, values);

    public void AddExcept(int place, ImmutableArray<TKey> values)
    {
        AddIndifferent(place);
        File(excepted, place, values);
    }

    /// <summary>Begins a device: <paramref name="passing"/> becomes the rules that do not care.</summary>
    public void Begin(Span<ulong> passing) => otherwise.CopyTo(passing);

    /// <summary>The device has this value, or one that this key stands for. First for every key, then <see cref="Except"/> for every key.</summary>
    public void Pass(Span<ulong> passing, TKey key)
    {
        if (named.TryGetValue(key, out var posting))
        {
            posting.AddTo(passing);
        }
    }

    public void Except(Span<ulong> passing, TKey key)
    {
        if (excepted.Count > 0 && excepted.TryGetValue(key, out var posting))
        {
            posting.RemoveFrom(passing);
        }
    }

    /// <summary>Keeps of <paramref name="left"/> the rules that a device with this value passes; false where none is left.</summary>
    public bool Narrow(Span<ulong> left, Span<ulong> passing, TKey value)
    {
        if (IsIdle)
        {
            return true;
        }

        Begin(passing);
        Pass(passing, value);
        Except(passing, value);
        return Bits.Keep(left, passing);
    }

    private void File(Dictionary<TKey, Posting> under, int place, ImmutableArray<TKey> values)
    {
        IsIdle = false;
        foreach (var value in values)
        {
            if (!under.TryGetValue(value, out var posting))
            {
                under.Add(value, posting = new Posting(otherwise.Length));
            }

            posting.Add(place);
        }
    }
}
