// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using System.Runtime.InteropServices;

namespace UsbHostd.Policy.Rules.Matching;

/// <summary>Sets of rules by place, one bit each, 64 to a word.</summary>
internal static class Bits
{
    public static int Words(int rules) => (rules + 63) / 64;

    public static void Set(Span<ulong> set, int place) => set[place >> 6] |= 1UL << (place & 63);

    public static void Clear(Span<ulong> set, int place) => set[place >> 6] &= ~(1UL << (place & 63));

    public static bool Has(ReadOnlySpan<ulong> set, int place) => (set[place >> 6] & (1UL << (place & 63))) != 0;

    public static void Add(Span<ulong> set, ReadOnlySpan<ulong> other)
    {
        var wide = MemoryMarshal.Cast<ulong, Vector<ulong>>(set);
        var wideOther = MemoryMarshal.Cast<ulong, Vector<ulong>>(other);
        for (var i = 0; i < wide.Length; i++)
        {
            wide[i] |= wideOther[i];
        }

        for (var i = wide.Length * Vector<ulong>.Count; i < set.Length; i++)
        {
            set[i] |= other[i];
        }
    }

    public static void Remove(Span<ulong> set, ReadOnlySpan<ulong> other)
    {
        var wide = MemoryMarshal.Cast<ulong, Vector<ulong>>(set);
        var wideOther = MemoryMarshal.Cast<ulong, Vector<ulong>>(other);
        for (var i = 0; i < wide.Length; i++)
        {
            wide[i] = Vector.AndNot(wide[i], wideOther[i]);
        }

        for (var i = wide.Length * Vector<ulong>.Count; i < set.Length; i++)
        {
            set[i] &= ~other[i];
        }
    }

    /// <summary>Whether the other has all of them.</summary>
    public static bool AreWithin(ReadOnlySpan<ulong> set, ReadOnlySpan<ulong> other)
    {
        for (var i = 0; i < set.Length; i++)
        {
            if ((set[i] & ~other[i]) != 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Keeps what both have; false where nothing is left.</summary>
    public static bool Keep(Span<ulong> set, ReadOnlySpan<ulong> other)
    {
        var wide = MemoryMarshal.Cast<ulong, Vector<ulong>>(set);
        var wideOther = MemoryMarshal.Cast<ulong, Vector<ulong>>(other);
        var (left, rest) = (Vector<ulong>.Zero, 0UL);
        for (var i = 0; i < wide.Length; i++)
        {
            wide[i] &= wideOther[i];
            left |= wide[i];
        }

        for (var i = wide.Length * Vector<ulong>.Count; i < set.Length; i++)
        {
            set[i] &= other[i];
            rest |= set[i];
        }

        return rest != 0 || left != Vector<ulong>.Zero;
    }
}
