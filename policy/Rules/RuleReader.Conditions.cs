// SPDX-License-Identifier: Apache-2.0
using System.Buffers;

namespace UsbHostd.Policy.Rules;

/// <content>What stands behind <c>if</c>.</content>
internal partial struct RuleReader
{
    private const string ACondition = "a condition: localtime(…), allowed-matches(…), rule-applied, rule-evaluated, random, true or false";

    private const string RestIsIgnored = "what follows the time or number is passed over, as USBGuard does; leave it away";

    private static readonly SearchValues<char> EndOfArgument = SearchValues.Create(")\\\r\n");

    private static readonly RuleCondition[] Constants =
    [
        new RuleCondition.Constant(Value: false, Negated: false), new RuleCondition.Constant(Value: false, Negated: true),
        new RuleCondition.Constant(Value: true, Negated: false), new RuleCondition.Constant(Value: true, Negated: true),
    ];

    private static bool TryCondition(ref RuleReader reader, out RuleCondition condition)
    {
        var taken = reader.TryCondition(out var read);
        condition = read!;
        return taken;
    }

    private bool TryCondition(out RuleCondition? condition)
    {
        condition = null;
        var from = scan.Position;
        var negated = scan.Eat('!');
        var name = scan.Word();
        if (!TryArgument(out var start, out var end))
        {
            return false;
        }

        var argument = scan.Text.AsSpan(start, end - start);
        return name switch
        {
            "true" or "false" => TryConstant(name is "true", negated, start, end, out condition),
            "random" => TryRandom(argument, start, negated, out condition),
            "localtime" => TryLocalTime(argument, start, negated, out condition),
            "rule-applied" => TryWithin(argument, start, out var within) && Take(new RuleCondition.RuleApplied(within, negated), out condition),
            "rule-evaluated" => TryWithin(argument, start, out var within) && Take(new RuleCondition.RuleEvaluated(within, negated), out condition),
            "allowed-matches" => TryAllowedMatches(start, end, negated, out condition),
            _ => scan.FailAt(from, ACondition),
        };
    }

    /// <summary>What stands between parentheses; where there are none, nothing, at the scanner's place.</summary>
    private bool TryArgument(out int start, out int end)
    {
        (start, end) = (scan.Position, scan.Position);
        if (!scan.Eat('('))
        {
            return true;
        }

        start = scan.Position;
        while (true)
        {
            var step = scan.Rest.IndexOfAny(EndOfArgument);
            scan.Position = step < 0 ? scan.End : scan.Position + step;
            if (scan.Eat(')'))
            {
                end = scan.Position - 1;
                return end > start || scan.FailAt(end, "something between the parentheses, or no parentheses");
            }

            if (!scan.Sees('\\'))
            {
                return scan.Fail("the ) that ends the argument");
            }

            if (!TryArgumentEscape())
            {
                return scan.Fail(@"in parentheses one of the escapes \\ and \xHH");
            }
        }
    }

    /// <summary>USBGuard passes over more escapes than it then understands.</summary>
    private bool TryArgumentEscape()
    {
        var from = scan.Position;
        scan.Eat('\\');
        if (scan.Eat('x'))
        {
            if (scan.TryHex(2, out _))
            {
                return true;
            }
        }
        else if (!scan.AtEnd && scan.Rest[0] is (>= '0' and <= '9') or 'a' or 'b' or 'f' or 'n' or 'r' or 't' or 'v' or '\\' or '\'' or ')')
        {
            scan.Position++;
            return true;
        }

        scan.Position = from;
        return false;
    }

    private static bool Take(RuleCondition taken, out RuleCondition? condition)
    {
        condition = taken;
        return true;
    }

    private bool TryConstant(bool value, bool negated, int start, int end, out RuleCondition? condition)
    {
        if (end > start)
        {
            Warn(start, "true and false pass over what is in parentheses, as USBGuard does; leave it away");
        }

        return Take(Constants[(value ? 2 : 0) + (negated ? 1 : 0)], out condition);
    }

    private bool TryRandom(ReadOnlySpan<char> argument, int start, bool negated, out RuleCondition? condition)
    {
        var (probability, read) = (0.5, 0);
        if (!argument.IsEmpty && !NumberText.TryDouble(argument, out probability, out read))
        {
            condition = null;
            return scan.FailAt(start, "a probability, 0 to 1");
        }

        WarnOfRest(argument, start, read);
        if (!(probability is >= 0 and <= 1))
        {
            Warn(start, "a probability is 0 to 1; a smaller one, or none, is taken as 0, a greater one as 1");
        }

        return Take(new RuleCondition.Random(probability > 0 ? Math.Min(probability, 1) : 0, negated), out condition);
    }

    private bool TryLocalTime(ReadOnlySpan<char> argument, int start, bool negated, out RuleCondition? condition)
    {
        condition = null;
        var dash = argument.IndexOf('-');
        var first = dash < 0 ? argument : argument[..dash];
        var second = dash < 0 ? default : argument[(dash + 1)..];
        if (!NumberText.TryTimeOfDay(first, out var from, out var read))
        {
            return scan.FailAt(start, "a time of day, HH:MM or HH:MM:SS, or a range of two");
        }

        WarnOfRest(first, start, read);
        if (second.IsEmpty)
        {
            return Take(new RuleCondition.LocalTime(from, from, negated), out condition);
        }

        if (!NumberText.TryTimeOfDay(second, out var to, out read))
        {
            return scan.FailAt(start + dash + 1, "a time of day, HH:MM or HH:MM:SS");
        }

        WarnOfRest(second, start + dash + 1, read);
        return from <= to
            ? Take(new RuleCondition.LocalTime(from, to, negated), out condition)
            : scan.FailAt(start, "a range that begins before it ends; over midnight: one-of { localtime(22:00:00-23:59:59) localtime(00:00-06:00) }");
    }

    private bool TryWithin(ReadOnlySpan<char> argument, int start, out TimeSpan? within)
    {
        within = null;
        if (argument.IsEmpty)
        {
            return true;
        }

        if (!NumberText.TryDuration(argument, out var duration, out var read))
        {
            return scan.FailAt(start, "a duration, HH:MM:SS, HH:MM or SS");
        }

        WarnOfRest(argument, start, read);
        within = duration > TimeSpan.Zero ? duration : null;
        return true;
    }

    /// <summary>No query holds another with an argument: its own parenthesis would end the first. So this goes no deeper.</summary>
    private bool TryAllowedMatches(int start, int end, bool negated, out RuleCondition? condition)
    {
        condition = null;
        var inner = new RuleReader(file, scan.Text, strings, line);
        if (!inner.TryQuery(start, end, out var query))
        {
            return scan.FailAt(inner.scan.ErrorAt, inner.scan.Expected!);
        }

        foreach (var warning in inner.Warnings)
        {
            Warn(start, warning.Text);
        }

        return Take(new RuleCondition.AllowedMatches(query!, negated), out condition);
    }

    private void WarnOfRest(ReadOnlySpan<char> argument, int start, int read)
    {
        if (read < argument.Length)
        {
            Warn(start + read, RestIsIgnored);
        }
    }
}
