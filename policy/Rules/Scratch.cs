using System.Collections.Immutable;

namespace UsbHostd.Policy.Rules;

/// <summary>Values while they are gathered; used again for the next attribute of their kind.</summary>
internal struct Scratch<T>
{
    private T[]? items;
    private int count;

    public void Clear() => count = 0;

    public void Add(T item)
    {
        if (items is null || count == items.Length)
        {
            Array.Resize(ref items, count == 0 ? 4 : count * 2);
        }

        items[count++] = item;
    }

    public readonly int Count => count;

    public readonly ImmutableArray<T> ToImmutable() => [.. items.AsSpan(0, count)];
}
