// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Rules.Matching;

/// <summary>
/// The rules by globs on one text, each glob under what stands before its first wildcard. A text is looked up once for each length that
/// such a beginning has, and only the globs found are tried.
/// </summary>
internal sealed class GlobIndex(int rules)
{
    private readonly ulong[] otherwise = new ulong[Bits.Words(rules)];
    private readonly ulong[] looselyFiled = new ulong[Bits.Words(rules)];
    private readonly Dictionary<string, List<Filed>> byBeginning = new(StringComparer.Ordinal);
    private readonly Dictionary<(Glob Glob, bool Excepts), Filed> each = [];
    private readonly SortedSet<int> lengths = [];
    private int[] lengthsInOrder = [];
    private bool isIdle = true;

    /// <summary>Whether the rule is filed under a glob that must match, but is not all that it asks for.</summary>
    public bool IsLoose(int place) => Bits.Has(looselyFiled, place);

    public void Add(int place, RuleAttribute<Glob>? attribute)
    {
        if (attribute is null || attribute.Values.IsEmpty)
        {
            Bits.Set(otherwise, place);
            return;
        }

        isIdle = false;
        var values = attribute.Values;
        switch (attribute.Operator)
        {
            case SetOperator.NoneOf:
                Bits.Set(otherwise, place);
                File(place, values.AsSpan(), excepts: true);
                break;
            case SetOperator.OneOf or SetOperator.MatchAll:
                File(place, values.AsSpan(), excepts: false);
                break;
            case SetOperator.AllOf:
                File(place, values.AsSpan()[..1], excepts: false);
                Bits.Set(looselyFiled, place);
                break;
            default:
                File(place, values.Length == 1 ? values.AsSpan() : [], excepts: false);
                break;
        }
    }

    public void Complete() => lengthsInOrder = [.. lengths];

    public bool Narrow(Span<ulong> left, Span<ulong> passing, string text)
    {
        if (isIdle)
        {
            return true;
        }

        otherwise.CopyTo(passing);
        Apply(passing, text, excepts: false);
        Apply(passing, text, excepts: true);
        return Bits.Keep(left, passing);
    }

    private void Apply(Span<ulong> passing, string text, bool excepts)
    {
        var beginnings = byBeginning.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var length in lengthsInOrder)
        {
            if (length > text.Length)
            {
                return;
            }

            if (!beginnings.TryGetValue(text.AsSpan(0, length), out var globs))
            {
                continue;
            }

            foreach (var filed in globs)
            {
                if (filed.Excepts == excepts && filed.Glob.Matches(text))
                {
                    filed.Apply(passing);
                }
            }
        }
    }

    private void File(int place, ReadOnlySpan<Glob> globs, bool excepts)
    {
        foreach (var glob in globs)
        {
            var wildcard = glob.Pattern.AsSpan().IndexOfAny('*', '?');
            var beginning = wildcard < 0 ? glob.Pattern : glob.Pattern[..wildcard];
            lengths.Add(beginning.Length);
            if (!byBeginning.TryGetValue(beginning, out var filed))
            {
                byBeginning.Add(beginning, filed = []);
            }

            if (!each.TryGetValue((glob, excepts), out var there))
            {
                each.Add((glob, excepts), there = new Filed(glob, excepts, new Posting(otherwise.Length)));
                filed.Add(there);
            }

            there.Rules.Add(place);
        }
    }

    private sealed record Filed(Glob Glob, bool Excepts, Posting Rules)
    {
        public void Apply(Span<ulong> passing)
        {
            if (Excepts)
            {
                Rules.RemoveFrom(passing);
            }
            else
            {
                Rules.AddTo(passing);
            }
        }
    }
}
