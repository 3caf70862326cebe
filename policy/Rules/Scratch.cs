// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace UsbHostd.Policy.Rules;

/// <summary>Values while they are gathered; used again for the next attribute of their kind.</summary>
internal struct Scratch<T>
{
    private T? first;
    private T[]? more;
    private int count;

    public readonly int Count => count;

    public void Clear() => count = 0;

    /// <summary>Most attributes have one value, for which no array is made.</summary>
    public void Add(T item)
    {
        if (count++ == 0)
        {
            first = item;
            return;
        }

        if (more is null || count > more.Length)
        {
            Array.Resize(ref more, more is null ? 4 : more.Length * 2);
        }

        more[0] = first!;
        more[count - 1] = item;
    }

    public readonly ImmutableArray<T> ToImmutable() => count switch
    {
        0 => [],
        1 => [first!],
        _ => [.. more.AsSpan(0, count)],
    };
}
