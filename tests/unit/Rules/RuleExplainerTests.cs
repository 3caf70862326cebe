// SPDX-License-Identifier: Apache-2.0
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using static UsbHostd.Tests.Rules.RuleParts;

namespace UsbHostd.Tests.Rules;

[TestFixture]
internal sealed class RuleExplainerTests
{
    private static readonly Rule Other = new() { Target = RuleTarget.Allow };
    private static readonly Rule All = new() { Target = RuleTarget.Block };

    [TestCaseSource(nameof(Cases))]
    public void Explain_RuleThatDoesNotMatch_SaysWhatItWantsAndWhatThereIs(Rule rule, string attribute, string wanted, string found)
    {
        var explanation = new RuleSet([rule, All]).Explain(Stick, new FakeRuleContext());

        Assert.That(explanation.Decided, Is.EqualTo(1));
        Assert.That(explanation.Misses.Single() with { Mismatches = 0 }, Is.EqualTo(new RuleMiss(0, attribute, wanted, found, 0)));
    }

    [Test]
    public void Explain_SeveralMismatches_TellsOfTheFirstAndCountsThem()
    {
        var rule = Other with { Id = Single(new UsbIdPattern(0x0951, null)), Name = Single("x"), ViaPort = Single("9-1"), Path = Single(new Glob("*:4.2")) };

        var miss = new RuleSet([rule]).Explain(Stick, new FakeRuleContext()).Misses.Single();

        Assert.That((miss.Attribute, miss.Mismatches), Is.EqualTo(("name", 2)));
    }

    [Test]
    public void Explain_MoreThanIsAskedFor_KeepsTheNearestAndCountsTheRest()
    {
        var far = Other with { Serial = Single("x"), Name = Single("x") };
        var near = Other with { Serial = Single("x") };

        var explanation = new RuleSet([far, near, far, Allow(new RuleCondition.Constant(false, Negated: false)), far, near, near, All]).Explain(Stick, new FakeRuleContext(), most: 3);

        int[] nearest = [1, 3, 5];
        Assert.That(explanation.Misses.Select(miss => miss.Place), Is.EqualTo(nearest));
        Assert.That((explanation.Decided, explanation.LeftOut), Is.EqualTo((7, 4)));
    }

    [Test]
    public void Explain_NoRuleMatches_NoneDecides() =>
        Assert.That(new RuleSet([Other with { Serial = Single("x") }]).Explain(Stick, new FakeRuleContext()).Decided, Is.EqualTo(-1));

    [Test]
    public void Explain_AnyRulesAndDevice_DecidesAsDecideDoesAndLeavesNoTrace() => Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
    {
        var random = new RandomRules(seed);
        var (rules, device, context) = (new RuleSet(random.Rules(most: 60)), random.Device(), random.Context());

        var explanation = rules.Explain(device, context, most: 5);
        Assert.That(context.Noted, Is.Empty);
        Assert.That(explanation.Decided, Is.EqualTo(rules.Decide(device, context)));
        Assert.That(explanation.Misses.Length + explanation.LeftOut, Is.EqualTo(explanation.Decided < 0 ? rules.Rules.Length : explanation.Decided));
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    private static IEnumerable<TestCaseData> Cases()
    {
        static TestCaseData Case(Rule rule, string attribute, string wanted, string found) => new TestCaseData(rule, attribute, wanted, found).SetArgDisplayNames(wanted);
        yield return Case(Other with { Id = Single(new UsbIdPattern(0x1050, null)) }, "id", "1050:*", "0951:1666");
        yield return Case(Other with { Serial = Set(SetOperator.OneOf, "A", "b c") }, "serial", "one-of { \"A\" \"b c\" }", "\"60A44C413FAE\"");
        yield return Case(Other with { WithInterface = Set(SetOperator.AllOf, Pattern("08:*:*"), Pattern("03:00:*")) }, "with-interface", "all-of { 08:*:* 03:00:* }", "08:06:50");
        yield return Case(Other with { OnBus = Single(2) }, "on-bus", "2", "1");
        yield return Case(Other with { Path = Single(new Glob("pci-0000:02*")) }, "path", "\"pci-0000:02*\"", "\"pci-0000:00:14.0-usb-0:4.2\"");
        yield return Case(Allow(new RuleCondition.Random(0.25, Negated: true)), "if", "!random(0.25)", "false");
        RuleCondition no = new RuleCondition.Constant(false, Negated: false);
        RuleCondition yes = new RuleCondition.Constant(true, Negated: false);
        yield return Case(Other with { If = Set(SetOperator.AllOf, yes, no) }, "if", "false", "false");
        yield return Case(Other with { If = Set(SetOperator.NoneOf, no, yes) }, "if", "true", "true");
        yield return Case(Other with { If = Set(SetOperator.OneOf, no, no) }, "if", "one-of { false false }", "false");
    }
}
