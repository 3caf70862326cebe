// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;
using static UsbHostd.Tests.Rules.RuleParts;

namespace UsbHostd.Tests.Service;

/// <summary>What callers are shown of the rules, and what they may ask for.</summary>
[TestFixture]
internal sealed class PolicyServiceTests : StickTest
{
    private static readonly Rule Allow = new() { Target = RuleTarget.Allow, Source = new RuleSource("/r.conf", 9) };

    private static readonly Rule BlockKeyboards = new()
    {
        Target = RuleTarget.Block,
        Id = Single(new UsbIdPattern(0x046d, null)),
        Source = new RuleSource("/r.conf", 3),
    };

    [Test]
    public void GetPolicy_Rules_ComeInOrderWithTheDevicesTheyDecideFor()
    {
        world.Reload(TestRules.Of(BlockKeyboards, Allow) with { Files = [new RuleFileInfo("/r.conf", 2)], Warnings = ["mind this"] });

        var policy = world.Ask(s => s.GetPolicyAsync(World.Member, new GetPolicyRequest(), default));

        Assert.That(policy.Rules.Select(r => (r.Text, r.File, r.Line)), Is.EqualTo(new[] { ("block id 046d:*", "/r.conf", 3u), ("allow", "/r.conf", 9u) }));
        Assert.That(policy.Rules[0].DeviceIds, Is.Empty);
        Assert.That(policy.Rules[1].DeviceIds, Has.Member(IdOf(stick)));
        Assert.That((policy.Files.Single().Path, policy.Warnings.Single()), Is.EqualTo(("/r.conf", "mind this")));
    }

    [Test]
    public void ExplainPolicy_RuleThatDecides_IsNamedWithItsPlace()
    {
        world.Reload(TestRules.Of(BlockKeyboards, Allow));

        var explanation = Explain();

        Assert.That((explanation.Target, explanation.Allowed, explanation.Rule.File, explanation.Rule.Line), Is.EqualTo(("allow", true, "/r.conf", 9u)));
    }

    [Test]
    public void ExplainPolicy_RulesBefore_SayWhatDidNotMatch()
    {
        world.Reload(TestRules.Of(BlockKeyboards, Allow));

        var missed = Explain().Before.Single();

        Assert.That((missed.Rule.Line, missed.Attribute, missed.Wanted, missed.Found), Is.EqualTo((3u, "id", "046d:*", "0951:1666")));
    }

    [Test]
    public void ExplainPolicy_NoRuleMatches_IsBlockedWithoutARule()
    {
        world.Reload(TestRules.Of(BlockKeyboards));

        var explanation = Explain();

        Assert.That((explanation.Target, explanation.Allowed, explanation.Rule), Is.EqualTo(("block", false, (PolicyRule?)null)));
        Assert.That(explanation.Message, Does.Contain("no rule matches it"));
    }

    [TestCase("guest", true)]
    [TestCase("other", false)]
    public void ExplainPolicy_ForAGuest_CountsWhomTheRuleNames(string name, bool allowed)
    {
        world.Guest("other");
        world.Reload(TestRules.Of(Allow with { ToGuest = [new Glob("gu*")] }));

        Assert.That(Explain(name).Allowed, Is.EqualTo(allowed));
    }

    [Test]
    public void ExplainPolicy_TimeHasPassed_ToldThatItWouldBeDecidedOtherwiseNow()
    {
        var noon = new RuleCondition.LocalTime(new TimeOnly(11, 0), new TimeOnly(13, 0), Negated: false);
        world.Reload(TestRules.Of(Allow with { If = Single<RuleCondition>(noon) }));
        Assert.That(Explain().DecidesSameNow, Is.True);

        world.Advance(TimeSpan.FromHours(2));

        var explanation = Explain();
        Assert.That((explanation.Allowed, explanation.DecidesSameNow), Is.EqualTo((true, false)));
    }

    [Test]
    public void ExplainPolicy_AnEarlierRuleWouldDecideNow_IsNotListedBeforeTheOneThatDid()
    {
        var afternoon = new RuleCondition.LocalTime(new TimeOnly(13, 0), new TimeOnly(15, 0), Negated: false);
        world.Reload(TestRules.Of(Allow with { Target = RuleTarget.Block, If = Single<RuleCondition>(afternoon), Source = new RuleSource("/r.conf", 2) }, BlockKeyboards, Allow));

        world.Advance(TimeSpan.FromHours(2));

        var explanation = Explain();
        Assert.That((explanation.Rule.Line, explanation.DecidesSameNow), Is.EqualTo((9u, false)));
        Assert.That(explanation.Before.Select(m => m.Rule.Line), Is.EqualTo([3u]));
        Assert.That(explanation.Message, Does.EndWith("is held: now the rule at /r.conf:2 would decide, with block"));
    }

    [Test]
    public void ExplainPolicy_ItsRuleWouldNotMatchNow_DoesNotStandBeforeItself()
    {
        var noon = new RuleCondition.LocalTime(new TimeOnly(11, 0), new TimeOnly(13, 0), Negated: false);
        world.Reload(TestRules.Of(Allow with { If = Single<RuleCondition>(noon), Source = new RuleSource("/r.conf", 2) }, BlockKeyboards));

        world.Advance(TimeSpan.FromHours(2));

        var explanation = Explain();
        Assert.That((explanation.Rule.Line, explanation.Before.Count), Is.EqualTo((2u, 0)));
        Assert.That(explanation.Message, Does.EndWith("now no rule would match, which blocks"));
    }

    [Test]
    public void ExplainPolicy_NoneMatchedThenAndOneWouldNow_ListsTheRest()
    {
        var afternoon = new RuleCondition.LocalTime(new TimeOnly(13, 0), new TimeOnly(15, 0), Negated: false);
        world.Reload(TestRules.Of(Allow with { If = Single<RuleCondition>(afternoon) }, BlockKeyboards));

        world.Advance(TimeSpan.FromHours(2));

        var explanation = Explain();
        Assert.That((explanation.Rule, explanation.Allowed, explanation.DecidesSameNow), Is.EqualTo(((PolicyRule?)null, false, false)));
        Assert.That(explanation.Before.Select(m => m.Rule.Line), Is.EqualTo([3u]));
    }

    [Test]
    public void ExplainPolicy_RuleNamesAnOwner_TellsACallerWhoIsAnother()
    {
        world.Reload(TestRules.Of(Allow with { Owners = ["1002"] }));

        var explanation = Explain();

        Assert.That(explanation.Allowed, Is.True);
        Assert.That(explanation.Message, Does.EndWith("you may not claim it: the rule at /r.conf:9 lets others claim it, not uid 1000"));
    }

    [Test]
    public void ExplainPolicy_Hub_IsForNobodyWhateverTheRuleSays()
    {
        world.Plugged(Some.Hub(), "1-2");

        var explanation = world.Ask(s => s.ExplainPolicyAsync(World.Member, new ExplainPolicyRequest { Device = "port:1-2" }, default));

        Assert.That((explanation.Target, explanation.Allowed), Is.EqualTo(("allow", false)));
        Assert.That(explanation.Message, Does.Contain("hub"));
    }

    [Test]
    public void ExplainPolicy_UnknownDevice_Refuses()
    {
        var refused = Assert.Throws<HostException>(
            () => world.Ask(s => s.ExplainPolicyAsync(World.Member, new ExplainPolicyRequest { Device = "port:9-9" }, default)))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorDeviceNotFound));
    }

    [Test]
    public void ReloadPolicy_RightTakenAway_ListsTheClaim()
    {
        var claim = world.Claim(stick, guest);
        world.Claim(world.Plugged(Some.Dongle(), "1-5"), guest);
        world.Rules = TestRules.Of(Allow with { Id = Single(new UsbIdPattern(0x0529, null)) });

        var reloaded = Reload(World.Root);

        Assert.That(reloaded.Lost.Select(c => c.Id), Is.EqualTo(new[] { claim.ToString() }));
    }

    [Test]
    public void ReloadPolicy_FilesAreRefused_KeepsTheOldRules()
    {
        world.Reload(TestRules.Of(Allow));
        world.Rules = LoadedRules.None;
        world.RulesFault = "/r.conf:1:1: found nonsense\n/s.conf:2:1: found more";

        var refused = Assert.Throws<HostException>(() => Reload(World.Root))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorRulesRefused));
        Assert.That(refused.Message, Does.EndWith("/r.conf:1:1: found nonsense; /s.conf:2:1: found more"));
        Assert.That(world.State.Rules.Set.Rules, Is.EqualTo(new[] { Allow }));
    }

    [Test]
    public void ReloadPolicy_Member_IsDenied()
    {
        world.Rules = LoadedRules.None;

        var refused = Assert.Throws<HostException>(() => Reload(World.Member))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorPermissionDenied));
        Assert.That(world.State.Rules, Is.Not.SameAs(LoadedRules.None));
    }

    [Test]
    public void GeneratePolicy_WhatIsPluggedIn_IsAllowedByItsRules()
    {
        world.Plugged(new FakeDevice { Name = "camera", UsbId = new UsbId(0x046d, 0x0825), Serial = "C-1", Hash = "aGFzaA==" }, "1-7");

        var rules = Generate(new GeneratePolicyRequest());

        Assert.That(rules.Split('\n'), Has.Some.StartsWith("allow id 046d:0825 serial \"C-1\" name \"camera\" hash \"aGFzaA==\""));
        Assert.That(RuleParser.TryParse("generated", rules, out var read, out _) && read.Rules.Length == 1, Is.True);
    }

    [TestCase("reject", "reject\n")]
    [TestCase("", "")]
    public void GeneratePolicy_LastRule_IsTheOneAskedFor(string target, string expected) =>
        Assert.That(WithoutComments(Generate(new GeneratePolicyRequest { CatchAll = target })), Is.EqualTo(expected));

    [Test]
    public void GeneratePolicy_DeviceWithoutAHash_IsNamedInACommentThatBothParsersTake()
    {
        var rules = Generate(new GeneratePolicyRequest { CatchAll = "block" });

        Assert.That(rules, Does.Contain("# 1-4 (0951:1666) is left out: it has no hash"));
        Assert.That(RuleParser.TryParse("generated", rules, out var read, out _) && read.Rules.Length == 1, Is.True);
        var (taken, printed) = Rules.UsbguardRuleParser.Read(System.Text.Encoding.UTF8.GetBytes(rules));
        Assert.That((taken, string.Concat(printed)), Is.EqualTo((true, "block")));
    }

    [Test]
    public void GeneratePolicy_WithoutHashes_LeavesNothingOut() =>
        Assert.That(
            Generate(new GeneratePolicyRequest { Hashes = GeneratePolicyRequest.Types.Hashes.NoHashes }),
            Does.EndWith("\nallow id 0951:1666 serial \"S-0001\" name \"stick\" with-connect-type \"\"\n").And.Not.Contain("#"));

    [Test]
    public void GeneratePolicy_UnknownLastRule_Refuses()
    {
        var refused = Assert.Throws<HostException>(() => Generate(new GeneratePolicyRequest { CatchAll = "permit" }))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorInvalidArgument));
    }

    [Test]
    public void CreateClaim_OverrideByRoot_PassesPolicyAndKeepsTheReason()
    {
        world.Reload(LoadedRules.None);

        var claim = world.Claim(stick, guest, r => r.OverrideReason = "a test");

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(world.Stored(claim).OverrideReason, Is.EqualTo("a test"));
    }

    private Explanation Explain(string into = "") =>
        world.Ask(s => s.ExplainPolicyAsync(World.Member, new ExplainPolicyRequest { Device = "port:1-4", Guest = into }, default));

    private ReloadPolicyResponse Reload(Caller caller) => world.Ask(s => s.ReloadPolicyAsync(caller, new ReloadPolicyRequest(), default));

    private string Generate(GeneratePolicyRequest request) => world.Ask(s => s.GeneratePolicyAsync(World.Member, request, default)).Rules;

    private static string WithoutComments(string rules) => string.Concat(rules.Split('\n').Where(r => r.Length > 0 && r[0] != '#').Select(r => r + "\n"));

    private string IdOf(FakeDevice device) => world.State.IdOf(world.State.Devices[device.Syspath]).ToString();
}
