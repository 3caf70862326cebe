using System.Collections.Immutable;

namespace UsbHostd.Policy.Reconcile;

/// <summary>An immutable index of few values a key; each update costs the logarithm of the number of keys.</summary>
public sealed class MultiIndex<TKey, TValue>
    where TKey : notnull
    where TValue : notnull
{
    public static readonly MultiIndex<TKey, TValue> Empty = new(ImmutableDictionary<TKey, ImmutableArray<TValue>>.Empty);

    private readonly ImmutableDictionary<TKey, ImmutableArray<TValue>> map;

    private MultiIndex(ImmutableDictionary<TKey, ImmutableArray<TValue>> map) => this.map = map;

    public IEnumerable<TKey> Keys => map.Keys;

    /// <summary>Empty where there is none.</summary>
    public ImmutableArray<TValue> this[TKey key] => map.TryGetValue(key, out var values) ? values : [];

    public MultiIndex<TKey, TValue> Add(TKey key, TValue value)
    {
        var values = this[key];
        return values.Contains(value) ? this : new(map.SetItem(key, values.Add(value)));
    }

    public MultiIndex<TKey, TValue> Remove(TKey key, TValue value)
    {
        var values = this[key];
        var left = values.Remove(value);
        return left.Length == values.Length ? this : new(left.IsEmpty ? map.Remove(key) : map.SetItem(key, left));
    }
}
