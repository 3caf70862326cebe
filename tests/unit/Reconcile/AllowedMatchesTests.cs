// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Reconcile.Sim;
using static UsbHostd.Tests.Rules.RuleParts;

namespace UsbHostd.Tests.Reconcile;

/// <summary>Rules that let a device in because another is: at a reload and at a start the order of plugging in does not matter.</summary>
[TestFixture]
internal sealed class AllowedMatchesTests : StickTest
{
    private static readonly UsbId DongleId = new(0x0529, 0x0001);
    private static readonly UsbId KeyboardId = new(0x046d, 0xc31c);

    private FakeDevice dongle = null!;

    [SetUp]
    public void PlugDongle() => dongle = world.Plugged(Some.Dongle(), "1-5");

    [Test]
    public void Reload_NothingChanged_KeepsTheOlderThatNeedsTheYounger()
    {
        var rules = TestRules.Of(Plain(DongleId), With(Some.StickId, DongleId));
        world.Reload(rules);
        var claim = world.Claim(stick, guest);

        world.Reload(rules);

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Start_OlderNeedsTheYounger_IsAllowed()
    {
        world.Crash();
        world.Rules = TestRules.Of(Plain(DongleId), With(Some.StickId, DongleId));

        world.Start();

        Assert.That(IsAllowed(stick), Is.True);
    }

    [Test]
    public void Reload_EachNeedsTheNext_AllAreAllowed()
    {
        var keyboard = world.Plugged(Some.Keyboard(), "1-6");

        world.Reload(TestRules.Of(With(Some.StickId, DongleId), With(DongleId, KeyboardId), Plain(KeyboardId)));

        Assert.That(new[] { stick, dongle, keyboard }.Select(IsAllowed), Is.All.True);
    }

    [Test]
    public void Reload_OlderIsBlockedByTheYounger_IsBlocked()
    {
        world.Reload(TestRules.Of(Plain(DongleId), With(Some.StickId, DongleId) with { Target = RuleTarget.Block }, Plain(Some.StickId)));

        Assert.That(IsAllowed(stick), Is.False);
    }

    [Test]
    public void Reload_EachNeedsTheOther_NeitherIsAllowed()
    {
        world.Reload(TestRules.Of(With(Some.StickId, DongleId), With(DongleId, Some.StickId)));

        Assert.That((IsAllowed(stick), IsAllowed(dongle)), Is.EqualTo((false, false)));
    }

    [Test]
    public void Reload_EachExcludesTheOther_TheOlderIsAllowedAgainAndAgain()
    {
        var rules = TestRules.Of(With(Some.StickId, DongleId, negated: true), With(DongleId, Some.StickId, negated: true));

        world.Reload(rules);
        world.Reload(rules);

        Assert.That((IsAllowed(stick), IsAllowed(dongle)), Is.EqualTo((true, false)));
    }

    private static Rule Plain(UsbId id) => new() { Target = RuleTarget.Allow, Id = Single(new UsbIdPattern(id.Vendor, id.Product)) };

    private static Rule With(UsbId id, UsbId other, bool negated = false) => Plain(id) with
    {
        If = Single<RuleCondition>(new RuleCondition.AllowedMatches(Plain(other) with { Target = RuleTarget.Match }, negated)),
    };

    private bool IsAllowed(FakeDevice device) => world.State.VerdictOf(world.State.Devices[device.Syspath]).IsAllowed;
}
