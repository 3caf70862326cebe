// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using static UsbHostd.Tests.Rules.RuleParts;

namespace UsbHostd.Tests.Rules;

/// <summary>
/// The set operators. Every row but those marked was tried with libusbguard 1.1.2 (Rule::appliesTo) and came out the same there.
/// </summary>
[TestFixture]
internal sealed class OperatorTests
{
    [TestCase(SetOperator.Equals, "08:*:*", "08:06:50", true)]
    [TestCase(SetOperator.Equals, "08:*:*", "08:06:50 08:06:62", false)]
    [TestCase(SetOperator.Equals, "08:*:* 08:*:*", "08:06:50 03:01:01", true)]
    [TestCase(SetOperator.Equals, "08:06:50 03:01:01", "03:01:01 08:06:50", true)]
    [TestCase(SetOperator.Equals, "08:06:50", "", false)]
    [TestCase(SetOperator.EqualsOrdered, "08:06:50 03:01:01", "03:01:01 08:06:50", false)]
    [TestCase(SetOperator.EqualsOrdered, "03:01:* 08:*:*", "03:01:01 08:06:50", true)]
    [TestCase(SetOperator.EqualsOrdered, "03:01:*", "03:01:01 08:06:50", false)]
    [TestCase(SetOperator.AllOf, "08:*:* 03:*:*", "03:01:01 08:06:50 ff:ff:ff", true)]
    [TestCase(SetOperator.AllOf, "08:*:* 0e:*:*", "03:01:01 08:06:50 ff:ff:ff", false)]
    [TestCase(SetOperator.AllOf, "08:*:*", "", false)]
    [TestCase(SetOperator.OneOf, "0e:*:* 03:*:*", "03:01:01 08:06:50", true)]
    [TestCase(SetOperator.OneOf, "0e:*:* 03:00:*", "03:01:01 08:06:50", false)]
    [TestCase(SetOperator.OneOf, "0e:*:*", "", false)]
    [TestCase(SetOperator.NoneOf, "0e:*:* 03:*:*", "03:01:01 08:06:50", false)]
    [TestCase(SetOperator.NoneOf, "0e:*:* 03:00:*", "03:01:01 08:06:50", true)]
    [TestCase(SetOperator.NoneOf, "0e:*:*", "", true)]
    [TestCase(SetOperator.MatchAll, "08:*:* 03:*:*", "08:06:50 08:06:62", true)]
    [TestCase(SetOperator.MatchAll, "08:*:*", "08:06:50 03:01:01", false)]
    [TestCase(SetOperator.MatchAll, "08:*:*", "", true)]
    public void Decide_Interfaces_OperatorHolds(SetOperator how, string wanted, string there, bool matches)
    {
        var rule = new Rule { Target = RuleTarget.Allow, WithInterface = Set(how, wanted.Split(' ').Select(Pattern)) };

        Assert.That(Matches(rule, Stick with { Interfaces = Interfaces(there) }), Is.EqualTo(matches));
    }

    [TestCase(SetOperator.Equals, "A", "A", true)]
    [TestCase(SetOperator.Equals, "A", "a", false)]
    [TestCase(SetOperator.Equals, "A A", "A", false)]
    [TestCase(SetOperator.EqualsOrdered, "A", "A", true)]
    [TestCase(SetOperator.AllOf, "A A", "A", true)]
    [TestCase(SetOperator.AllOf, "A B", "A", false)]
    [TestCase(SetOperator.OneOf, "B A", "A", true)]
    [TestCase(SetOperator.OneOf, "B C", "A", false)]
    [TestCase(SetOperator.NoneOf, "B A", "A", false)]
    [TestCase(SetOperator.NoneOf, "B C", "A", true)]
    [TestCase(SetOperator.MatchAll, "B A", "A", true)]
    // USBGuard takes every text here; its manual page, which is followed, does not.
    [TestCase(SetOperator.MatchAll, "B C", "A", false)]
    public void Decide_Texts_OperatorHolds(SetOperator how, string wanted, string there, bool matches)
    {
        var rule = new Rule { Target = RuleTarget.Allow, Serial = Set(how, wanted.Split(' ')) };

        Assert.That(Matches(rule, Stick with { Serial = there }), Is.EqualTo(matches));
    }

    [Test]
    public void Decide_EmptyTextAgainstAbsentSerial_Matches() =>
        Assert.That(Matches(new Rule { Target = RuleTarget.Allow, Serial = Single("") }, Stick with { Serial = "" }));

    [TestCase(SetOperator.Equals, true)]
    [TestCase(SetOperator.AllOf, true)]
    [TestCase(SetOperator.OneOf, true)]
    [TestCase(SetOperator.NoneOf, false)]
    [TestCase(SetOperator.EqualsOrdered, true)]
    // USBGuard takes an asterisk for a literal here; its manual page, which is followed, does not.
    [TestCase(SetOperator.MatchAll, true)]
    public void Decide_VendorWithAnyProduct_OperatorHolds(SetOperator how, bool matches) =>
        Assert.That(Matches(new Rule { Target = RuleTarget.Allow, Id = Set(how, new UsbIdPattern(0x0951, null)) }, Stick), Is.EqualTo(matches));

    // USBGuard compares the texts, and takes the rule for one that matches nothing; its manual page says that these are numbers.
    [Test]
    public void Decide_IdInUpperCase_IsTheSameNumber()
    {
        Assert.That(RuleParser.TryParseRule("allow id 046D:C31C", out var rule, out _));

        Assert.That(Matches(rule!, Stick with { Id = new UsbId(0x046d, 0xc31c) }));
    }

    [TestCase(0x0951, 0x1666, true)]
    [TestCase(0x0951, 0x1667, false)]
    [TestCase(0x0952, 0x1666, false)]
    public void Decide_Id_ComparesBothHalves(int vendor, int product, bool matches) =>
        Assert.That(Matches(new Rule { Target = RuleTarget.Allow, Id = Single(new UsbIdPattern((ushort)vendor, (ushort)product)) }, Stick), Is.EqualTo(matches));

    [Test]
    public void Decide_AnyId_Matches() =>
        Assert.That(Matches(new Rule { Target = RuleTarget.Allow, Id = Single(new UsbIdPattern(null, null)) }, Stick));

    [TestCaseSource(nameof(EveryAttribute))]
    public void Decide_AttributeThatDiffers_DoesNotMatch(Rule rule, RuleSubject other)
    {
        Assert.That(Matches(rule, Stick));
        Assert.That(Matches(rule, other), Is.False);
    }

    private static IEnumerable<TestCaseData> EveryAttribute()
    {
        static TestCaseData Case(string name, Rule rule, RuleSubject other) => new TestCaseData(rule, other).SetArgDisplayNames(name);
        var allow = new Rule { Target = RuleTarget.Allow };
        yield return Case("id", allow with { Id = Single(new UsbIdPattern(0x0951, 0x1666)) }, Stick with { Id = new UsbId(1, 2) });
        yield return Case("serial", allow with { Serial = Single(Stick.Serial) }, Stick with { Serial = "" });
        yield return Case("name", allow with { Name = Single(Stick.Name) }, Stick with { Name = "datatraveler 3.0" });
        yield return Case("hash", allow with { Hash = Single(Stick.Hash) }, Stick with { Hash = "x" });
        yield return Case("parent-hash", allow with { ParentHash = Single(Stick.ParentHash) }, Stick with { ParentHash = "x" });
        yield return Case("via-port", allow with { ViaPort = Single("1-4.2") }, Stick with { ViaPort = "1-4.20" });
        yield return Case("with-interface", allow with { WithInterface = Single(Pattern("08:06:50")) }, Stick with { Interfaces = Interfaces("08:06:51") });
        yield return Case("with-connect-type", allow with { WithConnectType = Single("hotplug") }, Stick with { ConnectType = "not used" });
        yield return Case("on-bus", allow with { OnBus = Single(1) }, Stick with { Bus = 2 });
        yield return Case("on-controller", allow with { OnController = Single(Stick.Controller) }, Stick with { Controller = "dummy_hcd.0" });
        yield return Case("path", allow with { Path = Single(new Glob("pci-0000:00:14.0-usb-0:4*")) }, Stick with { IdPath = "pci-0000:00:14.0-usb-0:5" });
    }

    private static bool Matches(Rule rule, RuleSubject device) => new RuleSet([rule]).Decide(device, new FakeRuleContext()) == 0;
}
