// SPDX-License-Identifier: Apache-2.0
using System.Text;
using NUnit.Framework;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Architecture;

namespace UsbHostd.Tests.Rules;

/// <summary>Rules of USBGuard's language are judged as usbguard-rule-parser judges them.</summary>
[TestFixture]
internal sealed class VerdictTests
{
    private static readonly string[] Good = Lines("good.rules");

    private static readonly string[] Bad = Lines("bad.rules");

    [Test]
    public void Corpus_HasEnoughOfBothKinds() =>
        Assert.That(new[] { Good, Bad }.Select(rules => rules.Distinct(StringComparer.Ordinal).Count()), Has.All.GreaterThanOrEqualTo(150));

    [Test]
    public void Usbguard_GoodRules_TakesAll() => Assert.That(UsbguardRuleParser.Read(Bytes(Good)).Taken, Is.True);

    [Test]
    public void Usbguard_BadRules_TakesNone() => Assert.That(Bad.Zip(UsbguardRuleParser.Judge(Bad)).Where(r => r.Second).Select(r => r.First), Is.Empty);

    [Test]
    public void Parse_GoodRules_TakesAll() => Assert.That(Good.Select(ErrorOf).OfType<string>(), Is.Empty);

    [Test]
    public void Parse_BadRules_TakesNone() => Assert.That(Bad.Where(rule => ErrorOf(rule) is null), Is.Empty);

    [Test]
    public void Print_GoodRules_IsWhatUsbguardPrintsToo()
    {
        // It prints rule-evaluated as rule-applied, which is another condition.
        string[] printed = [.. Good.Select(Rule).OfType<Rule>().Select(RulePrinter.Print).Where(rule => !rule.Contains("rule-evaluated", StringComparison.Ordinal))];

        Assert.That(UsbguardRuleParser.Read(Bytes(printed)).Printed, Is.EqualTo(printed));
    }

    private static string? ErrorOf(string rule) => RuleParser.TryParse("corpus", rule, out _, out var error) ? null : error.Message;

    private static Rule? Rule(string text) => RuleParser.TryParseRule(text, out var rule, out _) ? rule : null;

    private static byte[] Bytes(IEnumerable<string> rules) => Encoding.UTF8.GetBytes(string.Concat(rules.Select(rule => rule + "\n")));

    private static string[] Lines(string file) =>
        File.ReadAllText(Path.Combine(Repository.Root, "tests/unit/Rules", file)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
