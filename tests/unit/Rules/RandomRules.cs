// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using static UsbHostd.Tests.Rules.RuleParts;

namespace UsbHostd.Tests.Rules;

/// <summary>Rules and devices of few values, so that they often meet; the same ones for the same seed.</summary>
internal sealed class RandomRules(int seed)
{
    private static readonly string[] Texts = ["", "A", "B", "a"];
    private static readonly ushort[] Numbers = [0x0951, 0x1050, 0x1666];
    private static readonly byte[] Classes = [0x03, 0x08, 0x0e];
    private static readonly byte[] Parts = [0x00, 0x01];
    private static readonly string[] Globs = ["*", "pci-0-usb-0:1", "pci-0-usb-0:1*", "pci-?-usb*", "*:2", "pci-*:1", "", "pci-0*"];
    private static readonly string[] Paths = ["pci-0-usb-0:1", "pci-0-usb-0:12", "pci-1-usb-0:2", ""];

    private readonly Random random = new(seed);

    public ImmutableArray<Rule> Rules(int most) => [.. Enumerable.Range(0, random.Next(most + 1)).Select(_ => Rule())];

    public RuleSubject Device() => new()
    {
        Id = new UsbId(Pick(Numbers), Pick(Numbers)),
        Name = Pick(Texts),
        Hash = Pick(Texts),
        ParentHash = Pick(Texts),
        Serial = Pick(Texts),
        ViaPort = Pick(Texts),
        Interfaces = [.. Enumerable.Range(0, random.Next(4)).Select(_ => new UsbClass(Pick(Classes), Pick(Parts), Pick(Parts)))],
        ConnectType = Pick(Texts),
        Bus = random.Next(3),
        Controller = Pick(Texts),
        IdPath = Pick(Paths),
    };

    /// <summary>Draws that are the same each time they are asked for.</summary>
    public FakeRuleContext Context()
    {
        var draws = random.Next();
        var context = new FakeRuleContext { Draws = (rule, condition) => new Random(HashCode.Combine(draws, rule, condition)).NextDouble() };
        context.Allowed.Add(Device());
        for (var place = 0; place < 20; place++)
        {
            context.EvaluatedBefore[random.Next(200)] = context.Now.AddSeconds(-random.Next(100));
            context.Applied[random.Next(200)] = context.Now.AddSeconds(-random.Next(100));
        }

        return context;
    }

    public Rule Rule() => new()
    {
        Target = (RuleTarget)random.Next(5),
        Id = Maybe(() => new UsbIdPattern(random.Next(4) > 0 ? Pick(Numbers) : null, random.Next(3) > 0 ? Pick(Numbers) : null)),
        Name = Maybe(() => Pick(Texts)),
        Hash = Maybe(() => Pick(Texts)),
        ParentHash = Maybe(() => Pick(Texts)),
        Serial = Maybe(() => Pick(Texts)),
        ViaPort = Maybe(() => Pick(Texts)),
        WithInterface = Maybe(Interface, often: true),
        WithConnectType = Maybe(() => Pick(Texts)),
        OnBus = Maybe(() => random.Next(3)),
        OnController = Maybe(() => Pick(Texts)),
        Path = Maybe(() => new Glob(Pick(Globs)), often: true),
        If = Maybe(Condition),
    };

    private InterfacePattern Interface()
    {
        byte? subclass = random.Next(3) > 0 ? Pick(Parts) : null;
        return new InterfacePattern(Pick(Classes), subclass, subclass is null || random.Next(2) == 0 ? null : Pick(Parts));
    }

    private RuleCondition Condition() => random.Next(6) switch
    {
        0 => new RuleCondition.Constant(random.Next(2) == 0, random.Next(2) == 0),
        1 => new RuleCondition.Random(random.NextDouble(), random.Next(2) == 0),
        2 => new RuleCondition.RuleEvaluated(TimeSpan.FromSeconds(random.Next(100)), random.Next(2) == 0),
        3 => new RuleCondition.RuleApplied(null, random.Next(2) == 0),
        4 => new RuleCondition.LocalTime(new TimeOnly(random.Next(24), 0), new TimeOnly(random.Next(24), 30), random.Next(2) == 0),
        _ => new RuleCondition.AllowedMatches(new Rule { Target = RuleTarget.Allow, Serial = Single(Pick(Texts)) }, random.Next(2) == 0),
    };

    private RuleAttribute<T>? Maybe<T>(Func<T> value, bool often = false)
    {
        if (random.Next(often ? 3 : 6) > 0)
        {
            return null;
        }

        var how = (SetOperator)random.Next(6);
        var count = random.Next(8) == 0 ? 0 : random.Next(1, 4);
        return new RuleAttribute<T>(how, [.. Enumerable.Range(0, count).Select(_ => value())], IsSet: true);
    }

    private T Pick<T>(T[] values) => values[random.Next(values.Length)];
}
