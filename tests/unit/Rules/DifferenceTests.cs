// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Architecture;

namespace UsbHostd.Tests.Rules;

/// <summary>The table of differences is true of usbguard-rule-parser, of us, and of what is written about it.</summary>
[TestFixture]
internal sealed class DifferenceTests
{
    private const string Record = "docs/adr/0009-rule-language.md";

    [Test]
    public void Usbguard_JudgesAsTheTableSays() =>
        Assert.That(
            Difference.All.Zip(UsbguardRuleParser.Judge([.. Difference.All.Select(d => d.Rule)])).Where(d => d.First.UsbguardTakes != d.Second).Select(d => d.First),
            Is.Empty);

    [TestCaseSource(typeof(Difference), nameof(Difference.All))]
    public void Parse_JudgesAsTheTableSays(object row)
    {
        var difference = (Difference)row;

        Assert.That(Printed(difference.Rule), Is.EqualTo(difference.Prints));
    }

    [Test]
    public void DecisionRecord_HasTheTable() =>
        Assert.That(File.ReadAllText(Path.Combine(Repository.Root, Record)).Split('\n'), Is.SupersetOf(Difference.All.Select(d => d.Row)));

    private static string? Printed(string line) =>
        RuleParser.TryParseRule(line, out var rule, out _) ? RulePrinter.Print(rule)
        : RuleParser.TryParse("f", line, out var file, out _) && file.Rules.IsEmpty ? ""
        : null;
}
