// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace UsbHostd.Core.State;

/// <summary>An immutable index; each update costs the logarithm of the number of keys and of the values of one key.</summary>
public sealed class MultiIndex<TKey, TValue>
    where TKey : notnull
    where TValue : notnull
{
    public static readonly MultiIndex<TKey, TValue> Empty = new(ImmutableDictionary<TKey, IndexValues<TValue>>.Empty);

    private readonly ImmutableDictionary<TKey, IndexValues<TValue>> map;

    private MultiIndex(ImmutableDictionary<TKey, IndexValues<TValue>> map) => this.map = map;

    public IEnumerable<TKey> Keys => map.Keys;

    /// <summary>In the order in which they were added; empty where there is none.</summary>
    public IndexValues<TValue> this[TKey key] => map.TryGetValue(key, out var values) ? values : IndexValues<TValue>.Empty;

    public MultiIndex<TKey, TValue> Add(TKey key, TValue value)
    {
        var values = this[key];
        var more = values.Add(value);
        return ReferenceEquals(more, values) ? this : new(map.SetItem(key, more));
    }

    public MultiIndex<TKey, TValue> Remove(TKey key, TValue value)
    {
        var values = this[key];
        var left = values.Remove(value);
        return ReferenceEquals(left, values) ? this : new(left.IsEmpty ? map.Remove(key) : map.SetItem(key, left));
    }
}
