// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace UsbHostd.Policy.Rules.Matching;

/// <summary>An ordered list of rules with an index; immutable. The first that matches decides; where none does, the device is blocked.</summary>
public sealed class RuleSet
{
    public static readonly RuleSet Empty = new([]);

    // Made when it is first asked: a file that is only checked needs none. A few milliseconds for ten thousand rules.
    private readonly Lazy<RuleIndex> index;
    private readonly Lazy<string> fingerprint;

    public RuleSet(ImmutableArray<Rule> rules)
    {
        Rules = rules;
        index = new Lazy<RuleIndex>(() => new RuleIndex(rules));
        fingerprint = new Lazy<string>(() => FingerprintOf(rules));
    }

    public ImmutableArray<Rule> Rules { get; }

    /// <summary>The same for rules that say the same in the same order, wherever they stand: SHA-256 of their text, in hexadecimal digits.</summary>
    public string Fingerprint => fingerprint.Value;

    /// <summary>
    /// The place of the rule that decides, or −1 where none matches. Allocates nothing but what the context does.
    /// </summary>
    public int Decide(RuleSubject device, IRuleContext context) => index.Value.Decide(device, context);

    /// <summary>
    /// What <see cref="Decide"/> decides, and why no rule before does; for people. Goes through the rules one by one, and leaves no trace
    /// in the context.
    /// </summary>
    /// <param name="most">How many rules before the deciding one are told of at most.</param>
    /// <param name="held">
    /// The place that was decided earlier and still counts, −1 for none that matched: then it is the rules before that one that are told of,
    /// less those that would match now. Null for what is decided now.
    /// </param>
    public RuleExplanation Explain(RuleSubject device, IRuleContext context, int most = 100, int? held = null) =>
        RuleExplainer.Explain(Rules, device, context, most, held);

    /// <summary>Decides rule by rule: what the index is held against.</summary>
    internal int DecideOneByOne(RuleSubject device, IRuleContext context)
    {
        for (var place = 0; place < Rules.Length; place++)
        {
            if (RuleMatch.Attributes(Rules[place], device) && RuleConditions.Hold(Rules[place], place, context))
            {
                return place;
            }
        }

        return -1;
    }

    private static string FingerprintOf(ImmutableArray<Rule> rules)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var rule in rules)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(RulePrinter.Print(rule) + "\n"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
