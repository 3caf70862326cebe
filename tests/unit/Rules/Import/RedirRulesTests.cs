// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Import;
using UsbHostd.Policy.Rules.Matching;

namespace UsbHostd.Tests.Rules.Import;

/// <summary>Filters as rules, and rules as filters.</summary>
[TestFixture]
internal sealed class RedirRulesTests
{
    private static readonly Arbitrary<int> Seeds = Gen.Choose(0, int.MaxValue).ToArbitrary();
    private static readonly Config Often = Config.QuickThrowOnFailure.WithMaxTest(2000);

    [Test]
    public void TryImport_AnyFilter_DecidesAsTheFilterDoes() => Prop.ForAll(Seeds, seed =>
    {
        var random = new RandomFilters(seed);
        var filter = random.Filter(withRelease: false);
        Assert.That(RedirImport.TryImport(filter, out var imported, out _));

        for (var i = 0; i < 5; i++)
        {
            var device = random.Device(0x00, 0xef);
            Assert.That(Allows(imported!.Rules, device), Is.EqualTo(filter.Allows(device)), $"{filter.ToText(',')} {device}");
        }
    }).Check(Often);

    [Test]
    public void TryExport_ImportedFilter_IsTheSameFilterAgain() => Prop.ForAll(Seeds, seed =>
    {
        var random = new RandomFilters(seed);
        var filter = random.Filter(withRelease: false);
        RedirImport.TryImport(filter, out var imported, out _);
        Assert.That(RedirExport.TryExport(imported!.Rules, out var exported, out var error), error);
        Assert.That(exported!.Notes, Is.Empty);

        for (var i = 0; i < 5; i++)
        {
            var device = random.Device(0x00, 0xef, 0x08);
            Assert.That(exported.Filter.Allows(device), Is.EqualTo(filter.Allows(device)), $"{filter.ToText(',')} {exported.Filter.ToText(',')} {device}");
        }
    }).Check(Often);

    [Test]
    public void TryExport_AnyRules_TheFilterAllowsWhatTheyDoOrSaysWhatElse() => Prop.ForAll(Seeds, seed =>
    {
        var random = new RandomFilters(seed);
        var rules = random.Rules();
        if (!RedirExport.TryExport(rules, out var exported, out _))
        {
            return;
        }

        for (var i = 0; i < 5; i++)
        {
            var device = random.Device(0x00);
            var (byRules, byFilter) = (Allows(rules, device), exported.Filter.Allows(device));
            var isNoted = byFilter && !exported.Notes.IsEmpty && device.Interfaces.Any(there => there == new Policy.Devices.UsbClass(3, 0, 0));
            Assert.That(byRules == byFilter || isNoted, $"{string.Join('\n', rules.Select(RulePrinter.Print))} {exported.Filter.ToText(',')} {device}");
        }
    }).Check(Often);

    [TestCase("0x03,-1,-1,0x0100,0", "rule 1 of the usbredir filter asks for a bcdDevice")]
    [TestCase("-1,-1,-1,-1,0|-1,-1,0x1666,-1,1", "rule 2 of the usbredir filter names a product without a vendor")]
    public void TryImport_NotSayable_IsRefused(string filter, string part)
    {
        Assert.That(RedirFilter.TryParse(filter, out var parsed, out _));
        Assert.That(RedirImport.TryImport(parsed!, out _, out var error), Is.False);
        Assert.That(error, Does.Contain(part));
    }

    [Test]
    public void TryImport_ByClass_NotesThatTheDevicesOwnIsNotSeen()
    {
        Assert.That(RedirFilter.TryParse("0x08,-1,-1,-1,1", out var filter, out _));
        RedirImport.TryImport(filter!, out var imported, out _);

        Assert.That(imported!.Notes.Single(), Does.Contain("class of the device as a whole"));
    }

    [TestCase("allow id 0951:1666\nblock id 0951:*\nallow", "-1,0x0951,0x1666,-1,1|-1,0x0951,-1,-1,0|-1,-1,-1,-1,1")]
    [TestCase("allow with-interface match-all { 08:*:* }", "0x08,-1,-1,-1,1|-1,-1,-1,-1,0")]
    [TestCase("block with-interface one-of { 03:*:* 0e:*:* }\nallow", "0x03,-1,-1,-1,0|0x0e,-1,-1,-1,0|-1,-1,-1,-1,1")]
    [TestCase("", "-1,-1,-1,-1,0")]
    [TestCase("allow if false\nallow id { 0951:1666 } if true", "-1,0x0951,0x1666,-1,1|-1,-1,-1,-1,0")]
    public void TryExport_Rules_AreThisFilter(string rules, string filter)
    {
        Assert.That(RedirExport.TryExport(Parse(rules), out var exported, out var error), error);
        Assert.That(exported!.Filter.ToText(','), Is.EqualTo(filter));
    }

    [Test]
    public void TryExport_BlockedHid_NotesWhatUsbredirSpares()
    {
        RedirExport.TryExport(Parse("block with-interface one-of { 03:*:* }\nallow"), out var exported, out _);

        Assert.That(exported!.Notes.Single(), Does.Contain("03:00:00"));
    }

    [TestCase("block\nallow id 0951:1666 serial \"A\"", "test.conf:2: serial can't")]
    [TestCase("allow to-guest \"erp\"", "test.conf:1: to-guest can't")]
    [TestCase("allow if localtime(08:00-17:00)", "test.conf:1: if can't")]
    [TestCase("allow id none-of { 0951:1666 }", "test.conf:1: id none-of can't")]
    [TestCase("ask", "test.conf:1: target ask can't")]
    [TestCase("allow id 0951:1666 mode hostdev", "test.conf:1: mode hostdev can't")]
    [TestCase("allow with-interface 08:*:*", "test.conf:1: with-interface: what")]
    [TestCase("allow with-interface match-all { 08:06:* }", "test.conf:1: with-interface: what")]
    [TestCase("allow with-interface match-all { 08:*:* }\nallow with-interface match-all { 03:*:* }", "test.conf:2: with-interface: what")]
    [TestCase("allow with-interface match-all { 08:*:* }\nblock with-interface match-all { 03:*:* }\nallow", "test.conf:3: with-interface: what")]
    public void TryExport_NotSayable_NamesRuleAndAttribute(string rules, string part)
    {
        Assert.That(RedirExport.TryExport(Parse(rules), out _, out var error), Is.False);
        Assert.That(error, Does.Contain(part));
    }

    private static ImmutableArray<Rule> Parse(string text)
    {
        Assert.That(RuleParser.TryParse("test.conf", text, out var file, out var error), error?.ToString());
        return file!.Rules;
    }

    private static bool Allows(ImmutableArray<Rule> rules, RedirDevice device)
    {
        var place = new RuleSet(rules).Decide(RuleParts.Stick with { Id = device.Id, Interfaces = device.Interfaces }, new FakeRuleContext());
        return place >= 0 && rules[place].Target == RuleTarget.Allow;
    }
}
