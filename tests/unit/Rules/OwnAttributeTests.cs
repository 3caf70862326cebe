// SPDX-License-Identifier: Apache-2.0
using System.Text;
using NUnit.Framework;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Tests.Rules;

/// <summary>What usbhostd-rules(5) adds, and where an error is.</summary>
[TestFixture]
internal sealed class OwnAttributeTests
{
    [TestCase("assign id 1d6b:0104 to-guest \"erp\"")]
    [TestCase("assign to-guest \"5c1b2e0e-7f0a-4d6b-9d0e-0123456789ab\" mode spicevmc")]
    [TestCase("allow to-guest { \"erp\" \"vdi-*\" } owner \"alice\" group { \"lab\" \"1000\" }")]
    [TestCase("ask with-interface 03:01:01 if !localtime(08:00-17:00) to-guest \"vdi-?\"")]
    [TestCase("allow on-bus one-of { 1 2 } on-controller \"0000:02:01.0\" path none-of { \"pci-*\" \"platform-*\" }")]
    [TestCase("allow guest-reset uninitialized settle 500ms share kubelet")]
    [TestCase("allow mode usbredir guest-reset on settle 60s unsafe \"the rescue disk of the lab\"")]
    [TestCase("block path \"pci-0000:02:01.0-usb-0:4*\"")]
    [TestCase("reject on-controller match-all { \"a\" \"b\" }")]
    public void Print_ItsOwnText_IsTheSame(string text) => Assert.That(RulePrinter.Print(Rule(text)), Is.EqualTo(text));

    [TestCase("allow settle 1000ms", ExpectedResult = "allow settle 1s")]
    [TestCase("allow on-bus 002", ExpectedResult = "allow on-bus 2")]
    [TestCase("allow owner { \"alice\" }", ExpectedResult = "allow owner \"alice\"")]
    [TestCase("allow share kubelet mode hostdev # why", ExpectedResult = "allow mode hostdev share kubelet")]
    public string Print_AnotherText_IsCanonical(string text) => RulePrinter.Print(Rule(text));

    [TestCase("assign id 1d6b:0104", "line 1, column 20: found the end of the line, expected to-guest")]
    [TestCase("assign # x", "line 1, column 7: found \"", Description = "before the comment")]
    [TestCase("assign to-guest \"vdi-*\"", "line 1, column 8: found \"to-guest\", expected exactly one guest")]
    [TestCase("assign to-guest { \"a\" \"b\" }", "line 1, column 8: found \"to-guest\", expected exactly one guest")]
    [TestCase("block id 1:2", "line 1, column 10: found \"1:2\", expected a device id")]
    [TestCase("block id 1234:5678 to-guest \"erp\"", "line 1, column 20: found \"to-guest\", expected no such attribute here")]
    [TestCase("match mode hostdev", "line 1, column 7: found \"mode\", expected no such attribute here")]
    [TestCase("allow to-guest one-of { \"a\" }", "line 1, column 16: found \"one-of\", expected a string in double quotes")]
    [TestCase("allow to-guest \"\"", "line 1, column 16: found \"\"\"\", expected a string that is not empty")]
    [TestCase("allow on-bus 0", "line 1, column 14: found \"0\", expected a bus number")]
    [TestCase("allow on-bus { 1 x }", "line 1, column 18: found \"x\", expected a bus number")]
    [TestCase("allow mode passthrough", "line 1, column 12: found \"passthrough\", expected hostdev, spicevmc or usbredir")]
    [TestCase("allow guest-reset maybe", "line 1, column 19: found \"maybe\", expected off, uninitialized or on")]
    [TestCase("allow settle 61s", "line 1, column 14: found \"61s\", expected a time of at most 60s")]
    [TestCase("allow settle 5", "line 1, column 14: found \"5\", expected a time of at most 60s")]
    [TestCase("allow settle 2147483648ms", "line 1, column 14: found \"2147483648ms\", expected a time of at most 60s")]
    [TestCase("allow share all", "line 1, column 13: found \"all\", expected kubelet")]
    [TestCase("allow unsafe \" \"", "line 1, column 14: found \"\"\", expected a reason")]
    [TestCase("allow mode hostdev mode hostdev", "line 1, column 20: found \"mode\", expected this attribute only once")]
    [TestCase("allow name \"a\" name \"b\"", "line 1, column 16: found \"name\", expected this attribute only once")]
    [TestCase("allow name \"a\\qb\"", "line 1, column 14: found \"\\\\qb\"\", expected one of the escapes")]
    [TestCase("allow name \"😀\" x", "line 1, column 16: found \"x\", expected an attribute")]
    [TestCase("allow if allowed-matches(name x)", "line 1, column 31: found \"x)\", expected a string in double quotes")]
    [TestCase("allow if localtime(1:00-x)", "line 1, column 25: found \"x)\", expected a time of day")]
    [TestCase("allow \u001b[2J", "line 1, column 7: found \"\\x1b[2J\", expected an attribute")]
    public void Parse_BadRule_SaysWhereAndWhat(string text, string message) => Assert.That(ErrorOf(text)?.Message, Does.StartWith(message));

    [Test]
    public void Parse_BadLineInAFile_NamesFileLineAndColumn() => Assert.That(
        RuleParser.TryParse("/etc/usbhostd/rules.d/50-lab.conf", "# lab\n\nallow id 08:*:50\nblock\n", out _, out var error) ? null : error.Message,
        Is.EqualTo("/etc/usbhostd/rules.d/50-lab.conf:3:10: found \"08:*:50\", expected a device id, for example 1234:abcd, 1234:* or *:*"));

    [Test]
    public void Parse_BadLineInAFile_TakesNothing() => Assert.That(RuleParser.TryParse("f", "allow\nnonsense\n", out var rules, out _) ? rules : null, Is.Null);

    [Test]
    public void Parse_LongWord_IsBoundedInTheMessage() =>
        Assert.That(ErrorOf("allow " + new string('x', 100_000))?.Found, Is.EqualTo($"\"{new string('x', 40)}\"…"));

    [Test]
    public void Parse_File_KnowsWhereEachRuleStands() =>
        Assert.That(string.Join(' ', Read("# one\nallow\n\nblock # two\nreject").Rules.Select(rule => rule.Source)), Is.EqualTo("f:2 f:4 f:5"));

    [Test]
    public void Parse_RulesThatDecideNothing_AreLeftOut() =>
        Assert.That(Read("match name \"x\"\nallow\ndevice\n").Rules.Single().Target, Is.EqualTo(RuleTarget.Allow));

    [TestCase("allow id 1234:* on-bus 2", "f:1:17: bus numbers may change")]
    [TestCase("allow if random(2)", "f:1:17: a probability is 0 to 1")]
    [TestCase("allow if localtime(08:00h)", "f:1:25: what follows the time or number is passed over")]
    [TestCase("block\ndevice 1234:5678", "f:2:1: device is no decision")]
    [TestCase("allow name \"DataTraveler*\"", "f:1:12: * stands for itself")]
    [TestCase("allow serial one-of { \"a\" \"*\" }", "f:1:27: * stands for itself")]
    [TestCase("allow via-port \"1-*\"", "f:1:16: * stands for itself")]
    [TestCase("allow label \"lab *\"", "f:1:13: * stands for itself")]
    [TestCase("allow hash \"*\"", "f:1:12: * stands for itself")]
    [TestCase("allow parent-hash \"*\"", "f:1:19: * stands for itself")]
    [TestCase("block with-connect-type \"*\"", "f:1:25: * stands for itself")]
    [TestCase("allow on-controller \"0000:*\"", "f:1:21: * stands for itself")]
    [TestCase("allow owner \"*\"", "f:1:13: * stands for itself")]
    [TestCase("allow group { \"lab-*\" }", "f:1:15: * stands for itself")]
    [TestCase("allow if allowed-matches(name \"*\")", "f:1:26: * stands for itself")]
    public void Parse_WhatMayNotMeanWhatItSeems_IsWarnedOf(string text, string warning) =>
        Assert.That(Read(text).Warnings.Select(w => w.ToString()), Has.One.StartsWith(warning));

    [TestCase("allow path \"pci-*\" to-guest \"lab-*\"")]
    [TestCase("allow 0951:* with-interface 08:*:*")]
    [TestCase("allow name \"\\x2a\"")]
    [TestCase("allow name \"a\" # *")]
    public void Parse_AsteriskThatIsAPatternOrMeant_IsNotWarnedOf(string text) => Assert.That(Read(text).Warnings, Is.Empty);

    [TestCase(" \t\nallow  \n\t block # x \n  # y\n \n", ExpectedResult = "allow|block")]
    [TestCase("allow \r\n", ExpectedResult = null)]
    public string? Parse_BlanksAroundRules_CountForNothing(string text) =>
        RuleParser.TryParse("f", text, out var file, out _) ? string.Join('|', file.Rules.Select(RulePrinter.Print)) : null;

    [TestCase("id 1234:5678 name \"x\"", ExpectedResult = "match id 1234:5678 name \"x\"")]
    [TestCase("1234:5678", ExpectedResult = "match id 1234:5678")]
    [TestCase("allow", ExpectedResult = null)]
    [TestCase("", ExpectedResult = null)]
    [TestCase(" ", ExpectedResult = null)]
    [TestCase(" id 1234:5678 ", ExpectedResult = "match id 1234:5678")]
    [TestCase("name \"x\" mode hostdev", ExpectedResult = null)]
    public string? ParsePartial_Query_IsARuleWithoutATarget(string text) => RuleParser.TryParsePartial(text, out var query, out _) ? RulePrinter.Print(query) : null;

    [Test]
    public void Decode_BytesThatAreNotUtf8_AreKept()
    {
        var text = RuleText.Decode([.. Encoding.ASCII.GetBytes("allow name \"a"), 0xe9, 0, .. Encoding.ASCII.GetBytes("\"")]);

        Assert.That(RulePrinter.Print(Rule(text)), Is.EqualTo("allow name \"a\\xe9\\x00\""));
    }

    [Test]
    public void Parse_EscapedBytes_AreTheCharacterTheyAre() => Assert.That(Rule("allow name \"B\\xc3\\xbcro\"").Name?.Values.Single(), Is.EqualTo("Büro"));

    private static RuleParseError? ErrorOf(string text) => RuleParser.TryParseRule(text, out _, out var error) ? null : error;

    private static Rule Rule(string text) => RuleParser.TryParseRule(text, out var rule, out var error) ? rule : throw new AssertionException(error.Message);

    private static RuleFile Read(string text) => RuleParser.TryParse("f", text, out var file, out var error) ? file : throw new AssertionException(error.Message);
}
