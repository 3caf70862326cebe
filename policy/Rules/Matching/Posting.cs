// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace UsbHostd.Policy.Rules.Matching;

/// <summary>
/// The rules that name one value. A list while they are few, a bit set once there are as many of them as words in one, so that neither
/// ten thousand values of one rule each nor ten thousand rules of one value cost more than they must.
/// </summary>
internal sealed class Posting(int words)
{
    // Most values are named once: no list for these.
    private int first = -1;
    private List<int>? more;
    private ulong[]? all;

    /// <summary>Places come in rising order; the same one may come twice.</summary>
    public void Add(int place)
    {
        if (all is not null)
        {
            Bits.Set(all, place);
        }
        else if (first < 0 || first == place)
        {
            first = place;
        }
        else if (more is null || more.Count < words)
        {
            (more ??= []).Add(place);
        }
        else
        {
            all = new ulong[words];
            Bits.Set(all, first);
            more.ForEach(listed => Bits.Set(all, listed));
            Bits.Set(all, place);
            more = null;
        }
    }

    public void AddTo(Span<ulong> set)
    {
        if (all is not null)
        {
            Bits.Add(set, all);
            return;
        }

        if (first >= 0)
        {
            Bits.Set(set, first);
        }

        foreach (var place in CollectionsMarshal.AsSpan(more))
        {
            Bits.Set(set, place);
        }
    }

    public void RemoveFrom(Span<ulong> set)
    {
        if (all is not null)
        {
            Bits.Remove(set, all);
            return;
        }

        if (first >= 0)
        {
            Bits.Clear(set, first);
        }

        foreach (var place in CollectionsMarshal.AsSpan(more))
        {
            Bits.Clear(set, place);
        }
    }
}
