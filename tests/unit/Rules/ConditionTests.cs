// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using static UsbHostd.Tests.Rules.RuleParts;

namespace UsbHostd.Tests.Rules;

[TestFixture]
internal sealed class ConditionTests
{
    private FakeRuleContext context = new();

    [SetUp]
    public void Begin() => context = new FakeRuleContext();

    [TestCase("08:00", "17:00", "08:00:00", true)]
    [TestCase("08:00", "17:00", "17:00:00.9", true)]
    [TestCase("08:00", "17:00", "17:00:01", false)]
    [TestCase("08:00", "17:00", "07:59:59.9", false)]
    [TestCase("22:00", "06:00", "23:59:59", true)]
    [TestCase("22:00", "06:00", "00:00", true)]
    [TestCase("22:00", "06:00", "06:00:01", false)]
    [TestCase("22:00", "06:00", "21:59:59", false)]
    [TestCase("12:00", "12:00", "12:00:00.5", true)]
    [TestCase("12:00", "12:00", "12:00:01", false)]
    public void Decide_LocalTime_HoldsWithinBothEnds(string from, string to, string now, bool holds)
    {
        context.Now = new DateTimeOffset(2026, 11, 21, 0, 0, 0, TimeSpan.FromHours(-5)) + TimeSpan.Parse(now);

        Assert.That(Holds(new RuleCondition.LocalTime(TimeOnly.Parse(from), TimeOnly.Parse(to), Negated: false)), Is.EqualTo(holds));
    }

    [TestCase(0.0, 0.0, false)]
    [TestCase(0.5, 0.4999, true)]
    [TestCase(0.5, 0.5, false)]
    [TestCase(1.0, 0.9999, true)]
    public void Decide_Random_HoldsBelowTheProbability(double probability, double draw, bool holds)
    {
        context.NextDraw = draw;

        Assert.That(Holds(new RuleCondition.Random(probability, Negated: false)), Is.EqualTo(holds));
    }

    [Test]
    public void Decide_RuleNeverApplied_DoesNotHold() => Assert.That(Holds(new RuleCondition.RuleApplied(null, Negated: false)), Is.False);

    [TestCase(null, true)]
    [TestCase(0, true)]
    [TestCase(60, true)]
    [TestCase(59, false)]
    public void Decide_RuleAppliedAMinuteAgo_HoldsWithin(int? within, bool holds)
    {
        context.Applied[0] = context.Now.AddMinutes(-1);

        Assert.That(Holds(new RuleCondition.RuleApplied(within is { } s ? TimeSpan.FromSeconds(s) : null, Negated: false)), Is.EqualTo(holds));
    }

    [TestCase(null, true)]
    [TestCase(59, false)]
    public void Decide_RuleEvaluatedAMinuteAgo_HoldsWithin(int? within, bool holds)
    {
        context.EvaluatedBefore[0] = context.Now.AddMinutes(-1);

        Assert.That(Holds(new RuleCondition.RuleEvaluated(within is { } s ? TimeSpan.FromSeconds(s) : null, Negated: false)), Is.EqualTo(holds));
    }

    [Test]
    public void Decide_RuleThatLooksBack_IsNotedAlsoWhereItDoesNotHold()
    {
        var asks = Allow(new RuleCondition.RuleEvaluated(null, Negated: false));

        new RuleSet([asks with { Serial = Single("other") }, asks, Allow(new RuleCondition.Constant(true, Negated: false)), asks]).Decide(Stick, context);

        int[] looked = [1];
        Assert.That(context.Noted, Is.EqualTo(looked));
    }

    [Test]
    public void Decide_AllowedMatches_AsksForTheQuery()
    {
        var condition = new RuleCondition.AllowedMatches(new Rule { Target = RuleTarget.Allow, Id = Single(new UsbIdPattern(0x1050, null)) }, Negated: false);
        Assert.That(Holds(condition), Is.False);

        context.Allowed.Add(Stick with { Id = new UsbId(0x1050, 0x0407) });

        Assert.That(Holds(condition));
    }

    [TestCase(true, false, true)]
    [TestCase(true, true, false)]
    [TestCase(false, false, false)]
    [TestCase(false, true, true)]
    public void Decide_Constant_IsNegatedByTheMark(bool value, bool negated, bool holds) =>
        Assert.That(Holds(new RuleCondition.Constant(value, negated)), Is.EqualTo(holds));

    [TestCase(SetOperator.AllOf, "tt", true)]
    [TestCase(SetOperator.AllOf, "tf", false)]
    [TestCase(SetOperator.Equals, "tt", true)]
    [TestCase(SetOperator.Equals, "ft", false)]
    [TestCase(SetOperator.EqualsOrdered, "tt", true)]
    [TestCase(SetOperator.MatchAll, "tf", false)]
    [TestCase(SetOperator.OneOf, "ft", true)]
    [TestCase(SetOperator.OneOf, "ff", false)]
    [TestCase(SetOperator.NoneOf, "ff", true)]
    [TestCase(SetOperator.NoneOf, "ft", false)]
    public void Decide_SeveralConditions_OperatorHolds(SetOperator how, string values, bool holds)
    {
        var conditions = values.Select(v => (RuleCondition)new RuleCondition.Constant(v == 't', Negated: false));

        Assert.That(Decides(new Rule { Target = RuleTarget.Allow, If = Set(how, conditions) }), Is.EqualTo(holds));
    }

    [Test]
    public void Decide_ConditionFails_GoesOnToTheNextRule()
    {
        var rules = new RuleSet([Allow(new RuleCondition.Constant(false, Negated: false)), new Rule { Target = RuleTarget.Block }]);

        Assert.That(rules.Decide(Stick, context), Is.EqualTo(1));
    }

    [Test]
    public void Decide_NoRules_NoneDecides() => Assert.That(RuleSet.Empty.Decide(Stick, context), Is.EqualTo(-1));

    private bool Holds(RuleCondition condition) => Decides(Allow(condition));

    private bool Decides(Rule rule) => new RuleSet([rule]).Decide(Stick, context) == 0;
}
