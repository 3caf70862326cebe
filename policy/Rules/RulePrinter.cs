// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace UsbHostd.Policy.Rules;

/// <summary>
/// The canonical text of a rule: parsing it gives the same rule. Attributes stand in the order that usbguard-rule-parser prints them
/// in, ours behind them; ids and interfaces are in lower case; of strings, all but printable ASCII is written <c>\xHH</c>, byte by byte.
/// </summary>
public static class RulePrinter
{
    /// <summary>One line, without a line feed and without a comment.</summary>
    public static string Print(Rule rule)
    {
        var text = new StringBuilder(128).Append(Name(rule.Target));
        PrintAttributes(new RuleWriter(text, inParentheses: false), rule);
        return text.ToString();
    }

    /// <summary>The rule without its target, for <see cref="RuleParser.TryParsePartial"/>; empty where it has no attribute.</summary>
    public static string PrintPartial(Rule rule)
    {
        var text = new StringBuilder(128);
        PrintAttributes(new RuleWriter(text, inParentheses: false), rule);
        return text.Length > 0 ? text.ToString(1, text.Length - 1) : "";
    }

    /// <summary>What a file says for it: <c>allow</c>, <c>block</c> and so on.</summary>
    public static string Name(RuleTarget target) => target switch
    {
        RuleTarget.Allow => "allow",
        RuleTarget.Block => "block",
        RuleTarget.Reject => "reject",
        RuleTarget.Assign => "assign",
        RuleTarget.Ask => "ask",
        RuleTarget.Match => "match",
        RuleTarget.Device => "device",
        _ => throw new ArgumentOutOfRangeException(nameof(target), target, message: null),
    };

    /// <summary>What a file says for it. A switch, here and where it is read: a dictionary of an enum is compiled at each start of a program.</summary>
    internal static string Name(SetOperator set) => set switch
    {
        SetOperator.AllOf => "all-of",
        SetOperator.OneOf => "one-of",
        SetOperator.NoneOf => "none-of",
        SetOperator.Equals => "equals",
        SetOperator.EqualsOrdered => "equals-ordered",
        SetOperator.MatchAll => "match-all",
        _ => throw new ArgumentOutOfRangeException(nameof(set), set, message: null),
    };

    private static void PrintAttributes(RuleWriter to, Rule rule)
    {
        to.Attribute("id", rule.Id, to.Id);
        to.Attribute("serial", rule.Serial, to.String);
        to.Attribute("name", rule.Name, to.String);
        to.Attribute("hash", rule.Hash, to.String);
        to.Attribute("parent-hash", rule.ParentHash, to.String);
        to.Attribute("via-port", rule.ViaPort, to.String);
        to.Attribute("with-interface", rule.WithInterface, to.Interface);
        to.Attribute("if", rule.If, condition => PrintCondition(to, condition));
        to.Attribute("with-connect-type", rule.WithConnectType, to.String);
        to.Attribute("label", rule.Label, to.String);
        to.Attribute("on-bus", rule.OnBus, bus => to.Text.Append(CultureInfo.InvariantCulture, $"{bus}"));
        to.Attribute("on-controller", rule.OnController, to.String);
        to.Attribute("path", rule.Path, glob => to.String(glob.Pattern));
        to.Attribute("to-guest", Plain(rule.ToGuest), glob => to.String(glob.Pattern));
        PrintUse(to, rule);
        to.Attribute("owner", Plain(rule.Owners), to.String);
        to.Attribute("group", Plain(rule.Groups), to.String);
        if (rule.Unsafe is { } reason)
        {
            to.Attribute("unsafe", Plain([reason]), to.String);
        }
    }

    private static void PrintUse(RuleWriter to, Rule rule)
    {
        if (rule.Mode is { } mode)
        {
            to.Text.Append(" mode ").Append(ClaimWords.Of(mode));
        }

        if (rule.GuestReset is { } reset)
        {
            to.Text.Append(" guest-reset ").Append(ClaimWords.Of(reset));
        }

        if (rule.Settle is { } settle)
        {
            var milliseconds = (long)settle.TotalMilliseconds;
            to.Text.Append(" settle ").Append(milliseconds % 1000 == 0 ? milliseconds / 1000 : milliseconds).Append(milliseconds % 1000 == 0 ? "s" : "ms");
        }

        to.Text.Append(rule.ShareKubelet ? " share kubelet" : "");
    }

    private static RuleAttribute<T>? Plain<T>(ImmutableArray<T> values) =>
        values.IsDefaultOrEmpty ? null : new RuleAttribute<T>(SetOperator.Equals, values, IsSet: values.Length > 1);

    private static void PrintCondition(RuleWriter to, RuleCondition condition)
    {
        to.Text.Append(condition.Negated ? "!" : "");
        switch (condition)
        {
            case RuleCondition.Constant constant:
                to.Text.Append(constant.Value ? "true" : "false");
                break;
            case RuleCondition.Random { Probability: var probability }:
                to.Text.Append("random").Append(probability == 0.5 ? "" : string.Create(CultureInfo.InvariantCulture, $"({probability:R})"));
                break;
            case RuleCondition.LocalTime time:
                to.Text.Append("localtime(").Append(Range(time.From, time.To)).Append(')');
                break;
            case RuleCondition.RuleApplied applied:
                to.Text.Append("rule-applied").Append(Within(applied.Within));
                break;
            case RuleCondition.RuleEvaluated evaluated:
                to.Text.Append("rule-evaluated").Append(Within(evaluated.Within));
                break;
            case RuleCondition.AllowedMatches { Query: var query }:
                to.Text.Append("allowed-matches(");
                PrintAttributes(new RuleWriter(to.Text, inParentheses: true), query);
                to.Text.Append(to.Text[^1] == '(' ? "#)" : ")");
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(condition), condition, message: null);
        }
    }

    /// <summary>
    /// USBGuard compares a time that has seconds by these alone, and refuses a range that then seems to end before it begins: the
    /// form is chosen so that it takes what it can.
    /// </summary>
    private static string Range(TimeOnly from, TimeOnly to)
    {
        var seconds = from.Second > 0 || to.Second > 0;
        return to == from ? Clock(from, seconds) : $"{Clock(from, seconds)}-{Clock(to, seconds && (to.Second > 0 || from.Second == 0))}";
    }

    private static string Clock(TimeOnly time, bool seconds) => time.ToString(seconds ? "HH:mm:ss" : "HH:mm", CultureInfo.InvariantCulture);

    /// <summary>Hours and minutes as far as the form goes; what is longer than a day stands in seconds.</summary>
    private static string Within(TimeSpan? within) => within switch
    {
        null => "",
        { Days: 0 } time => string.Create(CultureInfo.InvariantCulture, $"({time:hh\\:mm\\:ss})"),
        { } time => string.Create(CultureInfo.InvariantCulture, $"({(long)time.TotalSeconds})"),
    };
}
