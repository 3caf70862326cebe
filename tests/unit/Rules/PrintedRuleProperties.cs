// SPDX-License-Identifier: Apache-2.0
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Tests.Rules;

/// <summary>What is printed is read as what was printed. A failure prints the rule's seed.</summary>
[TestFixture]
internal sealed class PrintedRuleProperties
{
    private static readonly Config Many = Config.QuickThrowOnFailure.WithMaxTest(3000);

    private static readonly Arbitrary<int> Seeds = Gen.Choose(0, int.MaxValue).ToArbitrary();

    [Test]
    public void Parse_PrintedRule_IsTheRule() => Prop.ForAll(Seeds, seed =>
    {
        var rule = RandomRule.Make(new Random(seed));
        var text = RulePrinter.Print(rule);
        var read = RuleParser.TryParseRule(text, out var again, out var error) ? RandomRule.Describe(again) : error.Message;

        Assert.That(read, Is.EqualTo(RandomRule.Describe(rule)), text);
    }).Check(Many);

    [Test]
    public void Parse_PrintedFile_IsTheRules() => Prop.ForAll(Seeds, seed =>
    {
        var random = new Random(seed);
        var rules = Enumerable.Range(0, 20).Select(_ => RandomRule.Make(random)).Where(rule => rule.Target is not (RuleTarget.Match or RuleTarget.Device)).ToList();
        var read = RuleParser.TryParse("f", string.Join('\n', rules.Select(RulePrinter.Print)), out var file, out _) ? RandomRule.Describe(file.Rules) : null;

        Assert.That(read, Is.EqualTo(RandomRule.Describe(rules)));
    }).Check(Many.WithMaxTest(200));
}
