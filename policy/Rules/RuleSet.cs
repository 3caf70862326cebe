using System.Collections.Immutable;

namespace UsbHostd.Policy.Rules;

/// <summary>An ordered list of rules with an index; immutable. The first that matches decides; where none does, the device is blocked.</summary>
public sealed class RuleSet
{
    public static readonly RuleSet Empty = new([]);

    public RuleSet(ImmutableArray<Rule> rules) => Rules = rules;

    public ImmutableArray<Rule> Rules { get; }

    /// <summary>
    /// The place of the rule that decides, or −1 where none matches. Allocates nothing for rules on id, serial, port and interface.
    /// </summary>
    public int Decide(RuleSubject device, IRuleContext context)
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
}
