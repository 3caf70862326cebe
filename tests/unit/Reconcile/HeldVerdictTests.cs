// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Reconcile.Sim;
using static UsbHostd.Tests.Rules.RuleParts;

namespace UsbHostd.Tests.Reconcile;

/// <summary>What conditions decided for a plug stays decided while the daemon is away, and while the device is for a moment.</summary>
[TestFixture]
internal sealed class HeldVerdictTests : StickTest
{
    [Test]
    public void Restart_TimeHasPassed_KeepsTheDevice()
    {
        var claim = ClaimAround(OnlyNow());
        world.Advance(TimeSpan.FromHours(3));
        world.Host.Done.Clear();

        world.Restart();

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(world.Host.Done, Is.Empty);
    }

    [Test]
    public void Restart_Twice_KeepsTheDevice()
    {
        var claim = ClaimAround(OnlyNow());
        world.Advance(TimeSpan.FromHours(3));

        world.Restart();
        world.Restart();

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Restart_TimeHasPassedUnderOtherRules_IsDecidedAnew()
    {
        var rule = OnlyNow();
        var claim = ClaimAround(rule);
        world.Advance(TimeSpan.FromHours(3));
        world.Crash();
        world.Rules = TestRules.Of(new Rule { Target = RuleTarget.Block, Id = Single(new UsbIdPattern(0xffff, null)) }, rule);

        world.Start();

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.NotAllowed)));
    }

    [Test]
    public void Restart_Draws_AreNotMadeAnew()
    {
        for (var i = 0; i < 30; i++)
        {
            world.Plugged(Some.Stick($"R-{i}"), $"2-1.{i + 1}");
        }

        world.Reload(TestRules.Of(Allow(new RuleCondition.Random(0.5, Negated: false))));
        var drawn = Places();
        Assume.That(drawn.Values.Distinct().Count(), Is.EqualTo(2));
        world.Advance(TimeSpan.FromHours(1));

        world.Restart();

        Assert.That(Places(), Is.EquivalentTo(drawn));
    }

    [Test]
    public void Restart_AfterARuleWasApplied_CountsFromThereAnew()
    {
        ClaimAround(Once());

        world.Restart();
        var second = world.Plugged(Some.Stick("S-2"), "1-5");

        Assert.That(VerdictOf(second).IsAllowed, Is.True);
    }

    [Test]
    public void Comeback_TimeHasPassed_KeepsTheDevice()
    {
        var claim = ClaimAround(OnlyNow());
        world.Advance(TimeSpan.FromHours(3));

        world.Do(h => h.Replug(stick, "1-4"));

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Comeback_ItsRuleWasApplied_KeepsTheDevice()
    {
        var claim = ClaimAround(Once());

        world.Do(h => h.Replug(stick, "1-4"));

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Comeback_ThenRestart_KeepsTheDevice()
    {
        var claim = ClaimAround(OnlyNow());
        world.Advance(TimeSpan.FromHours(3));
        world.Do(h => h.Replug(stick, "1-4"));

        world.Restart();

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Back_AfterLonger_IsDecidedAnew()
    {
        var claim = ClaimAround(OnlyNow());
        world.Advance(TimeSpan.FromHours(3));

        world.Do(h => h.Pull(stick));
        world.Advance(world.Limits.Comeback);
        world.Do(h => h.Plug(stick, "1-4"));

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.NotAllowed)));
    }

    [Test]
    public void Back_AnotherDeviceInItsPort_IsDecidedAnew()
    {
        ClaimAround(OnlyNow());
        world.Advance(TimeSpan.FromHours(3));

        world.Do(h => h.Pull(stick));
        var other = world.Plugged(Some.Stick("S-OTHER"));

        Assert.That(VerdictOf(other).IsAllowed, Is.False);
    }

    [Test]
    public void Back_AfterAReload_IsDecidedAnew()
    {
        var claim = ClaimAround(OnlyNow());
        world.Advance(TimeSpan.FromHours(3));

        world.Do(h => h.Pull(stick));
        world.Reload(TestRules.Of(OnlyNow(-180)));
        world.Do(h => h.Plug(stick, "1-4"));

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.NotAllowed)));
    }

    [Test]
    public void Stored_ConditionsHadNoSay_IsNothing()
    {
        world.Reload(TestRules.Of(OnlyNow() with { Id = Single(new UsbIdPattern(0x046d, null)) }, new Rule { Target = RuleTarget.Allow }, Once()));

        Assert.That(Stored(), Is.Empty);
    }

    [Test]
    public void Stored_DeviceLeft_IsForgotten()
    {
        ClaimAround(OnlyNow());
        Assert.That(Stored(), Has.Count.EqualTo(1));

        world.Do(h => h.Pull(stick));

        Assert.That(Stored(), Is.Empty);
    }

    [Test]
    public void Stored_DeviceLeftWhileTheDaemonWasDown_IsForgotten()
    {
        ClaimAround(OnlyNow());
        world.Crash();
        world.Host.Pull(stick);

        world.Start();

        Assert.That(Stored(), Is.Empty);
    }

    [Test]
    public void Stored_RulesWithoutConditionsNow_IsForgotten()
    {
        ClaimAround(OnlyNow());

        world.Reload(TestRules.AllowAll);

        Assert.That(Stored(), Is.Empty);
    }

    private ClaimId ClaimAround(Rule rule)
    {
        world.Reload(TestRules.Of(rule));
        var claim = world.Claim(stick, guest);
        Assume.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
        return claim;
    }

    private static Rule Once() => OfSticks(new RuleCondition.RuleApplied(TimeSpan.FromHours(1), Negated: true));

    private Rule OnlyNow(int minutesOff = 0)
    {
        var now = TimeOnly.FromDateTime(world.Time.GetUtcNow().UtcDateTime).AddMinutes(minutesOff);
        return OfSticks(new RuleCondition.LocalTime(now.AddMinutes(-1), now.AddMinutes(1), Negated: false));
    }

    private static Rule OfSticks(RuleCondition condition) => Allow(condition) with { Id = Single(new UsbIdPattern(Some.StickId.Vendor, Some.StickId.Product)) };

    /// <summary>Once memory has been written, which may wait a moment.</summary>
    private IReadOnlyList<StoredVerdict> Stored()
    {
        world.Advance(TimeSpan.FromMinutes(1));
        return world.Store.Load().Verdicts;
    }

    private Verdict VerdictOf(FakeDevice device) => world.State.VerdictOf(world.State.Devices[device.Syspath]);

    private Dictionary<string, int> Places() => world.State.Verdicts.ToDictionary(v => v.Key, v => v.Value.Place, StringComparer.Ordinal);
}
