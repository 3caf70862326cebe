// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Rules;

namespace UsbHostd.Bench;

/// <summary>
/// Deciding for a device against many rules: those that somebody would write, and sets made so that the values of a rule set it apart as
/// little as can be.
/// </summary>
internal static class DecideFigure
{
    private const int Few = 1_000;
    private const int Many = 10_000;
    private const int Batches = 41;

    private static readonly RuleSubject Known = RuleParts.Stick with { Interfaces = [new UsbClass(0x08, 0x06, 0x50), new UsbClass(0x03, 0x01, 0x01)] };

    private static readonly Rule Allow = new() { Target = RuleTarget.Allow };
    private static readonly NoContext Context = new();

    private static readonly Shape[] Shapes =
    [
        new("id, serial, port, interface", Plain),
        new("one serial, many ports", i => Allow with { Serial = RuleParts.Single(Known.Serial), ViaPort = RuleParts.Single($"9-{i}") }),
        new("one port, many ids by names", i => Allow with { ViaPort = RuleParts.Single(Known.ViaPort), Id = RuleParts.Single(Id(0x0951, i / 100)), Name = RuleParts.Single($"{i % 100}") }),
        new("interfaces", i => Allow with { WithInterface = Set(SetOperator.AllOf, Any(0x08), Odd(i)) }),
        new("one pair of interfaces", _ => Allow with { WithInterface = Set(SetOperator.AllOf, Any(0x08), Any(0x0e)) }),
        new("none-of interfaces", i => Allow with { WithInterface = Set(SetOperator.NoneOf, Any(0x08), Odd(i)) }),
        new("none-of ids", i => Allow with { Id = Set(SetOperator.NoneOf, Id(0x0951, 0x1666), Id(0x1050, i)) }),
        new("paths", i => Allow with { Path = RuleParts.Single(new Glob($"pci-0000:00:14.0-usb-0:{i + 10}*")) }),
        new("if false", _ => Allow with { If = RuleParts.Single<RuleCondition>(new RuleCondition.Constant(Value: false, Negated: false)) }),
        new("if localtime", i => Allow with { If = RuleParts.Single<RuleCondition>(new RuleCondition.LocalTime(new TimeOnly(0, 0), new TimeOnly(0, i % 60), Negated: false)) }),
    ];

    public static IEnumerable<Figure> Measure()
    {
        var costs = Shapes.Select(shape => (shape.Name, Few: Cost(shape, Few), Many: Cost(shape, Many))).ToList();
        var (worstFew, worstMany) = (costs.Max(c => c.Few.Nanoseconds), costs.Max(c => c.Many.Nanoseconds));
        var allocated = costs.Max(c => Math.Max(c.Few.Allocated, c.Many.Allocated));
        var built = Figures.Median(Enumerable.Range(0, 9).Select(_ => IndexTime(Shapes[0])));
        yield return new Figure(
            "decide against 1,000 rules", Text(worstFew), $"{allocated} B allocated", null, "<= 20 us and 0 B", worstFew <= 20_000 && allocated == 0);
        yield return new Figure(
            "decide against 10,000 rules", Text(worstMany), $"{Text(worstFew)} (1,000)", worstMany / worstFew, "<= 3 x", worstMany / worstFew <= 3)
        {
            Notes =
            [
                "median of a decision that no rule, or only the last, is for; the table has the dearest set of each size",
                .. costs.Select(c => $"{c.Name,-30} {Text(c.Many.Nanoseconds),10} {Text(c.Few.Nanoseconds),10} {c.Many.Nanoseconds / c.Few.Nanoseconds,6:0.00}"),
                $"the index of {Many} rules on id, serial, port and interface is made in {Figures.Time(built)}",
            ],
        };
    }

    private static string Text(double nanoseconds) => nanoseconds < 1000 ? $"{nanoseconds:0} ns" : $"{nanoseconds / 1000:0.0} us";

    private static (double Nanoseconds, long Allocated) Cost(Shape shape, int count)
    {
        var rules = Rules(shape, count);
        var unknown = Known with { Serial = "", ViaPort = "1-5", IdPath = "pci-0000:00:14.0-usb-0:x" };
        // Makes the index, and has the code compiled for good.
        for (var i = 0; i < 100; i++)
        {
            BatchTime(rules, i % 2 == 0 ? Known : unknown, 100);
        }

        var decisions = 1;
        while (BatchTime(rules, unknown, decisions) < TimeSpan.FromMilliseconds(1))
        {
            decisions *= 2;
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        BatchTime(rules, Known, decisions);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        var times = Figures.Median(Enumerable.Range(0, Batches).Select(i => BatchTime(rules, i % 2 == 0 ? Known : unknown, decisions)));
        return (times.TotalNanoseconds / decisions, allocated);
    }

    private static TimeSpan BatchTime(RuleSet rules, RuleSubject device, int decisions)
    {
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < decisions; i++)
        {
            rules.Decide(device, Context);
        }

        return Stopwatch.GetElapsedTime(start);
    }

    private static TimeSpan IndexTime(Shape shape)
    {
        var rules = Rules(shape, Many);
        var start = Stopwatch.GetTimestamp();
        rules.Decide(Known, Context);
        return Stopwatch.GetElapsedTime(start);
    }

    /// <summary>The last one alone may be for the known device, where the shape lets any be.</summary>
    private static RuleSet Rules(Shape shape, int count) => new([.. Enumerable.Range(1, count).Select(shape.Rule)]);

    private static Rule Plain(int i) => (i % 4) switch
    {
        0 => Allow with { Id = RuleParts.Single(Id(0x0951, 0x1666)), Serial = RuleParts.Single(i % 1000 == 0 ? Known.Serial : $"S{i:D6}"), ViaPort = RuleParts.Single($"9-{i}") },
        1 => Allow with { Id = RuleParts.Single(new UsbIdPattern((ushort)(0x2000 + i), null)), WithInterface = RuleParts.Single(Any(0x08)) },
        2 => Allow with { ViaPort = RuleParts.Single($"9-{i}"), Id = Set(SetOperator.NoneOf, Id(0x1050, i), Id(0x1050, i + 1)) },
        _ => Allow with { WithInterface = Set(SetOperator.AllOf, Any(0x08), Odd(i)) },
    };

    private static RuleAttribute<T> Set<T>(SetOperator how, params T[] values) => new(how, [.. values], IsSet: true);

    private static UsbIdPattern Id(int vendor, int product) => new((ushort)vendor, (ushort)product);

    private static InterfacePattern Any(byte kind) => new(kind, null, null);

    private static InterfacePattern Odd(int i) => new(0xff, (byte)i, (byte)(i >> 8));

    private sealed record Shape(string Name, Func<int, Rule> Rule);

    private sealed class NoContext : IRuleContext
    {
        public DateTimeOffset Now { get; } = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

        public double Draw(int rule, int condition) => 0.5;

        public DateTimeOffset? LastApplied(int rule) => null;

        public DateTimeOffset? LastEvaluated(int rule) => null;

        public bool AllowedMatches(Rule query) => false;

        public void Evaluated(int rule)
        {
        }
    }
}
