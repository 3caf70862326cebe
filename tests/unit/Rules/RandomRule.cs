// SPDX-License-Identifier: Apache-2.0
using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Tests.Rules;

/// <summary>Any rule that a text can say, made of a seed.</summary>
internal static class RandomRule
{
    private static readonly string[] Texts = ["", "a", "\"", "\\", ")", "(", "{ }", "#", "*", "é", "日本", "😀", "\t", "\0", "\u007f", "\udce9", "x y", "\\x41", "1-4.2"];

    public static Rule Make(Random random) => Attributes(random, inQuery: false) with
    {
        Target = Pick(random, Enum.GetValues<RuleTarget>()),
    } is var rule && rule.Target is RuleTarget.Allow or RuleTarget.Ask or RuleTarget.Assign ? Use(random, rule) : rule;

    /// <summary>What is in a rule, by its properties and not by its text; where it stands is left out.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "-",
        string text => $"'{string.Join(' ', text.Select(c => ((int)c).ToString("x4", CultureInfo.InvariantCulture)))}'",
        IEnumerable items => $"[{string.Join(", ", items.Cast<object>().Select(Describe))}]",
        Rule or RuleCondition => Properties(value),
        _ when value.GetType().IsGenericType => Properties(value),
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        Glob glob => Describe(glob.Pattern),
        IFormattable other => other.ToString(format: null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private static string Properties(object value) =>
        $"{value.GetType().Name}({string.Join(", ", value.GetType().GetProperties().Where(p => p.Name is not nameof(Rule.Source)).Select(p => $"{p.Name}={Describe(p.GetValue(value))}"))})";

    private static Rule Attributes(Random random, bool inQuery) => new()
    {
        Target = RuleTarget.Match,
        Id = Some(random, () => new UsbIdPattern(5, (ushort)random.Next(65536)) is var id && random.Next(3) > 0 ? id : new UsbIdPattern(random.Next(2) == 0 ? null : (ushort)7, null)),
        Name = Some(random, () => Pick(random, Texts)),
        Hash = Some(random, () => Pick(random, Texts)),
        ParentHash = Some(random, () => Pick(random, Texts)),
        Serial = Some(random, () => Text(random)),
        ViaPort = Some(random, () => Text(random)),
        WithInterface = Some(random, () => new InterfacePattern((byte)random.Next(256), 6, 80) is var type && random.Next(3) > 0 ? type : new InterfacePattern(8, random.Next(2) == 0 ? null : (byte)1, null)),
        WithConnectType = Some(random, () => Pick(random, "hotplug", "not used", "")),
        OnBus = Some(random, () => random.Next(1, 1000)),
        OnController = Some(random, () => "0000:" + Text(random)),
        Path = Some(random, () => new Glob("pci*" + Text(random))),
        Label = Some(random, () => Text(random)),
        If = Some(random, () => Condition(random, inQuery)),
    };

    private static Rule Use(Random random, Rule rule) => rule with
    {
        ToGuest = rule.Target == RuleTarget.Assign ? [new Glob("erp")] : Many(random, () => new Glob("vdi-*" + Text(random))),
        Mode = random.Next(2) == 0 ? null : Pick(random, Enum.GetValues<ClaimMode>()),
        GuestReset = random.Next(2) == 0 ? null : Pick(random, Enum.GetValues<GuestReset>()),
        Settle = random.Next(2) == 0 ? null : TimeSpan.FromMilliseconds(random.Next(60_001)),
        Unsafe = random.Next(2) == 0 ? null : "because " + Text(random),
        ShareKubelet = random.Next(2) == 0,
        Owners = Many(random, () => "o" + Text(random)),
        Groups = Many(random, () => "g" + Text(random)),
    };

    /// <summary>A query has only conditions without an argument: a parenthesis would end it.</summary>
    private static RuleCondition Condition(Random random, bool inQuery)
    {
        var negated = random.Next(2) == 0;
        return random.Next(inQuery ? 4 : 8) switch
        {
            0 => new RuleCondition.Constant(random.Next(2) == 0, negated),
            1 => new RuleCondition.Random(0.5, negated),
            2 => new RuleCondition.RuleApplied(Within: null, negated),
            3 => new RuleCondition.RuleEvaluated(Within: null, negated),
            4 => new RuleCondition.RuleApplied(TimeSpan.FromSeconds(random.Next(1, 1_000_000)), negated),
            5 => new RuleCondition.Random(random.NextDouble() * Math.Pow(10, -random.Next(9)), negated),
            6 => Range(random, negated),
            _ => new RuleCondition.AllowedMatches(Attributes(random, inQuery: true), negated),
        };
    }

    private static RuleCondition.LocalTime Range(Random random, bool negated)
    {
        var (a, b) = (random.Next(86400), random.Next(86400));
        var step = random.Next(2) == 0 ? 1 : 60;
        TimeOnly At(int second) => TimeOnly.MinValue.Add(TimeSpan.FromSeconds(second / step * step));
        return new RuleCondition.LocalTime(At(Math.Min(a, b)), At(Math.Max(a, b)), negated);
    }

    private static string Text(Random random) => string.Concat(Enumerable.Range(0, random.Next(3)).Select(_ => Pick(random, Texts)));

    private static RuleAttribute<T>? Some<T>(Random random, Func<T> make)
    {
        if (random.Next(3) > 0)
        {
            return null;
        }

        var set = random.Next(2) == 0 ? SetOperator.Equals : Pick(random, Enum.GetValues<SetOperator>());
        ImmutableArray<T> values = [make(), .. Many(random, make)];
        return new RuleAttribute<T>(set, values, IsSet: values.Length > 1 || set != SetOperator.Equals);
    }

    private static ImmutableArray<T> Many<T>(Random random, Func<T> make) => [.. Enumerable.Range(0, Math.Max(0, random.Next(6) - 2)).Select(_ => make())];

    private static T Pick<T>(Random random, params T[] from) => from[random.Next(from.Length)];
}
