// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.RegularExpressions;
using NUnit.Framework;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Architecture;
using UsbHostd.Tests.Rules;

namespace UsbHostd.Tests.Docs;

/// <summary>
/// usbhostd-rules(5): what stands between .EX and .EE there are rules that the parser takes, and every word that it knows has its entry
/// and an example.
/// </summary>
[TestFixture]
internal sealed partial class RulesManualTests
{
    private static readonly string Page = Repository.Read("docs/man/usbhostd-rules.5");

    private static readonly string Examples = string.Concat(Example().Matches(Page).Select(m => Plain(m.Groups["text"].Value)));

    private static IEnumerable<Rule> Rules => RuleParser.TryParse("usbhostd-rules.5", Examples, out var rules, out _) ? rules.Rules : [];

    public static IEnumerable<string> Words() =>
        [.. Listed("?"), .. Listed("allow ?"), .. Listed("allow if ?"), .. Enum.GetValues<SetOperator>().Select(o => RulePrinter.Name(o))];

    public static IEnumerable<string> Attributes() => typeof(Rule).GetProperties().Select(p => p.Name)
        .Where(name => name is not (nameof(Rule.Target) or nameof(Rule.Source)));

    public static IEnumerable<Type> Conditions() => typeof(RuleCondition).GetNestedTypes();

    [Test]
    public void Examples_Parsed_AreTaken() => Assert.That(RuleParser.TryParse("usbhostd-rules.5", Examples, out _, out var error), Is.True, error?.Message);

    [Test]
    public void Examples_OfUsbguardsLanguage_AreTakenByItsParser()
    {
        var plain = Rules.Where(IsUsbguards).Select(RulePrinter.Print).ToList();

        Assert.That(plain, Is.Not.Empty);
        Assert.That(plain.Zip(UsbguardRuleParser.Judge(plain)).Where(r => !r.Second).Select(r => r.First), Is.Empty);
    }

    [TestCaseSource(nameof(Words))]
    public void Word_HasItsEntryAndAnExample(string word)
    {
        Assert.That(Entry().Matches(Page).Select(m => Plain(m.Groups["word"].Value)), Does.Contain(word));
        Assert.That(Examples.Split(' ', '\n', '(', ')', '!'), Does.Contain(word));
    }

    [TestCaseSource(nameof(Attributes))]
    public void Attribute_OfARule_IsSetByAnExample(string property)
    {
        var read = typeof(Rule).GetProperty(property)!;
        var unset = new Rule { Target = RuleTarget.Allow };

        Assert.That(Rules.Select(read.GetValue), Has.Some.Not.EqualTo(read.GetValue(unset)));
    }

    [TestCaseSource(nameof(Conditions))]
    public void Condition_IsInAnExample(Type condition) => Assert.That(Rules.SelectMany(r => r.If?.Values ?? []), Has.Some.InstanceOf(condition));

    [Test]
    public void Modes_AllHaveAnExample() => Assert.That(Rules.Select(r => r.Mode).OfType<ClaimMode>(), Is.SupersetOf(Enum.GetValues<ClaimMode>()));

    [Test]
    public void GuestResets_AllHaveAnExample() => Assert.That(Rules.Select(r => r.GuestReset).OfType<GuestReset>(), Is.SupersetOf(Enum.GetValues<GuestReset>()));

    [Test]
    public void SampleFile_AsShipped_AllowsNothing()
    {
        Assert.That(RuleParser.TryParse("rules.conf", Repository.Read("contrib/rules.conf"), out var rules, out var error), Is.True, error?.Message);
        Assert.That(rules!.Rules, Is.Empty);
    }

    [Test]
    public void SampleFile_EveryRuleUncommented_IsTaken()
    {
        var text = CommentedRule().Replace(Repository.Read("contrib/rules.conf"), "");

        Assert.That(RuleParser.TryParse("rules.conf", text, out var rules, out var error), Is.True, error?.Message);
        Assert.That(rules!.Rules, Is.Not.Empty);
    }

    /// <summary>The words that the parser says it would have taken where it met the question mark.</summary>
    private static string[] Listed(string rule)
    {
        _ = RuleParser.TryParseRule(rule, out _, out var error);
        var expected = error!.Expected[(error.Expected.IndexOf(':', StringComparison.Ordinal) + 1)..];
        return expected.Replace("(…)", "", StringComparison.Ordinal).Split([", ", " or "], StringSplitOptions.TrimEntries);
    }

    private static bool IsUsbguards(Rule rule) => rule is
    {
        Target: RuleTarget.Allow or RuleTarget.Block or RuleTarget.Reject,
        OnBus: null, OnController: null, Path: null, ToGuest.IsEmpty: true, Mode: null, GuestReset: null, Settle: null, Unsafe: null,
        ShareKubelet: false, Owners.IsEmpty: true, Groups.IsEmpty: true,
    };

    private static string Plain(string roff) => roff.Replace("\\-", "-", StringComparison.Ordinal).Replace("\\e", "\\", StringComparison.Ordinal);

    [GeneratedRegex(@"^\.EX\n(?<text>.*?)^\.EE$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Example();

    [GeneratedRegex(@"^\.TP\n\.B (?<word>\S+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Entry();

    [GeneratedRegex("^#(?=[a-z])", RegexOptions.Multiline, 1000)]
    private static partial Regex CommentedRule();
}
