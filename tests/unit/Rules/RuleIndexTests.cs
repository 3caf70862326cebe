// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using static UsbHostd.Tests.Rules.RuleParts;

namespace UsbHostd.Tests.Rules;

[TestFixture]
internal sealed class RuleIndexTests
{
    private static readonly Arbitrary<int> Seeds = Gen.Choose(0, int.MaxValue).ToArbitrary();
    private static readonly Config Often = Config.QuickThrowOnFailure.WithMaxTest(500);

    [Test]
    public void Decide_AnyRulesAndDevice_IsWhatGoingThroughThemGives() => Prop.ForAll(Seeds, seed =>
    {
        var random = new RandomRules(seed);
        var rules = random.Rules(most: 200);
        var device = random.Device();

        // Also without all up to the one that decided: else what stands behind would seldom be asked.
        for (var decided = 0; decided >= 0; rules = rules[(decided + 1)..])
        {
            var (byIndex, oneByOne, set) = (new RandomRules(seed).Context(), new RandomRules(seed).Context(), new RuleSet(rules));
            decided = set.Decide(device, byIndex);

            Assert.That(decided, Is.EqualTo(set.DecideOneByOne(device, oneByOne)));
            Assert.That(byIndex.Noted, Is.EqualTo(oneByOne.Noted));
        }
    }).Check(Often);

    [Test]
    public void Decide_RuleAddedThatDoesNotMatch_DecidesTheSame() => Prop.ForAll(Seeds, Gen.Choose(0, 1000).ToArbitrary(), (seed, at) =>
    {
        var random = new RandomRules(seed);
        // What a condition remembers goes by place, and places move.
        var rules = random.Rules(most: 50).Select(rule => rule with { If = null }).ToImmutableArray();
        var (device, added) = (random.Device(), random.Rule() with { If = null });
        if (RuleMatch.Attributes(added, device))
        {
            return;
        }

        var place = at % (rules.Length + 1);
        var before = new RuleSet(rules).Decide(device, new FakeRuleContext());
        var after = new RuleSet(rules.Insert(place, added)).Decide(device, new FakeRuleContext());

        Assert.That(after, Is.EqualTo(before >= place ? before + 1 : before));
    }).Check(Often);

    [TestCase(1000)]
    [TestCase(10000)]
    public void Decide_PlainRules_AllocatesNothing(int count)
    {
        var rules = new RuleSet([.. Enumerable.Range(0, count).Select(PlainRule)]);
        var (known, unknown, context) = (Stick with { Serial = $"S{count - 4:D6}" }, Stick with { Id = new UsbId(1, 1) }, new FakeRuleContext());
        Assert.That(rules.Decide(known, context), Is.EqualTo(count - 4));

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            rules.Decide(known, context);
            rules.Decide(unknown, context);
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    private static Rule PlainRule(int i) => (i % 4) switch
    {
        0 => new Rule { Target = RuleTarget.Allow, Id = Single(new UsbIdPattern(0x0951, 0x1666)), Serial = Single($"S{i:D6}") },
        1 => new Rule { Target = RuleTarget.Allow, Id = Single(new UsbIdPattern((ushort)(0x2000 + i), null)) },
        2 => new Rule { Target = RuleTarget.Block, ViaPort = Single($"9-{i}"), Id = Set(SetOperator.NoneOf, new UsbIdPattern(0x0951, null)) },
        _ => new Rule { Target = RuleTarget.Reject, WithInterface = Set(SetOperator.AllOf, Pattern("08:*:*"), new InterfacePattern(0xff, (byte)i, (byte)(i >> 8))) },
    };
}
