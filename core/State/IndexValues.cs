// SPDX-License-Identifier: Apache-2.0
using System.Collections;
using System.Collections.Immutable;

namespace UsbHostd.Core.State;

/// <summary>The values of one key, each once, in the order in which they were added. Few stay in an array; many are in trees, so that none copies all.</summary>
public sealed class IndexValues<TValue> : IReadOnlyList<TValue>
    where TValue : notnull
{
    public static readonly IndexValues<TValue> Empty = new([], null, null, 0);

    /// <summary>So many are still "few".</summary>
    private const int MostInArray = 16;

    private readonly ImmutableArray<TValue> few;
    private readonly ImmutableDictionary<TValue, long>? places;
    private readonly ImmutableSortedDictionary<long, TValue>? many;
    private readonly long next;

    private IndexValues(ImmutableArray<TValue> few, ImmutableDictionary<TValue, long>? places, ImmutableSortedDictionary<long, TValue>? many, long next)
    {
        this.few = few;
        this.places = places;
        this.many = many;
        this.next = next;
    }

    public int Length => many?.Count ?? few.Length;

    public int Count => Length;

    public bool IsEmpty => Length == 0;

    /// <summary>The first few cost little; the last of many costs as much as going through them.</summary>
    public TValue this[int index] => many is null ? few[index] : many.Values.ElementAt(index);

    /// <summary>This one where the value is there already.</summary>
    public IndexValues<TValue> Add(TValue value)
    {
        if (many is not null)
        {
            return places!.ContainsKey(value) ? this : new([], places.Add(value, next), many.Add(next, value), next + 1);
        }

        if (few.Contains(value))
        {
            return this;
        }

        if (few.Length < MostInArray)
        {
            return new(few.Add(value), null, null, 0);
        }

        var all = few.Add(value);
        return new(
            [], all.Select((v, i) => KeyValuePair.Create(v, (long)i)).ToImmutableDictionary(),
            all.Select((v, i) => KeyValuePair.Create((long)i, v)).ToImmutableSortedDictionary(), all.Length);
    }

    /// <summary>This one where the value is not there.</summary>
    public IndexValues<TValue> Remove(TValue value)
    {
        if (many is null)
        {
            var left = few.Remove(value);
            return left.Length == few.Length ? this : new(left, null, null, 0);
        }

        if (!places!.TryGetValue(value, out var place))
        {
            return this;
        }

        var rest = many.Remove(place);
        return rest.Count > MostInArray / 2 ? new([], places.Remove(value), rest, next) : new([.. rest.Values], null, null, 0);
    }

    public IEnumerator<TValue> GetEnumerator() => many is null ? ((IEnumerable<TValue>)few).GetEnumerator() : many.Values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
