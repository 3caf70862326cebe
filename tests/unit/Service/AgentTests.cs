// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Service;

/// <summary>Where a rule says ask: who is asked, and what becomes of agents that don't do their part.</summary>
[TestFixture]
internal sealed class AgentTests : AskTest
{
    [Test]
    public async Task Plug_RuleSaysAsk_AsksWithTheDeviceAndTheGuestsThatTheRuleNames()
    {
        world.Guest("other");
        world.Reload(TestRules.Of(Ask with { ToGuest = [new Glob("gu*")] }));
        var agent = Register(World.User);

        world.Plugged(Some.Stick());
        var question = (await agent.AskedAsync()).Question;

        Assert.That((question.Device.ProductName, question.Device.Port), Is.EqualTo(("stick", "1-4")));
        Assert.That(question.Guests.Select(g => (g.Name, g.Uuid)), Is.EqualTo([("guest", guest.Id.ToString())]));
        Assert.That(question.Patience, Is.EqualTo(TimeSpan.FromSeconds(60)));
    }

    [Test]
    public async Task Register_DeviceWaitsAlready_IsAskedAboutIt()
    {
        world.Plugged(Some.Stick());

        var asked = await Register(World.User).AskedAsync();

        Assert.That(asked.Question.Device.Port, Is.EqualTo("1-4"));
    }

    [Test]
    public async Task TwoAgents_FirstAnswerWinsAndTheOtherIsCancelled()
    {
        var (one, two) = (Register(World.User), Register(World.OtherUser));
        world.Plugged(Some.Stick());
        var (first, second) = (await one.AskedAsync(), await two.AskedAsync());

        first.Answer("");
        await UntilAsync(() => !world.State.Answers.IsEmpty);

        Assert.That((await two.CancelledAsync()).Device, Is.EqualTo(second.Question.Device.Id));
    }

    [Test]
    public async Task Pull_WhileAsked_CancelsTheQuestionAndAnAnswerCountsForNothing()
    {
        var agent = Register(World.User);
        var stick = world.Plugged(Some.Stick());
        var asked = await agent.AskedAsync();

        world.Do(h => h.Pull(stick));
        var (device, reason) = await agent.CancelledAsync();
        asked.Answer(guest.Id.ToString(), remember: true);
        world.Settle();

        Assert.That((device, reason), Is.EqualTo((asked.Question.Device.Id, "the device was unplugged")));
        Assert.That(world.State.Answers, Is.Empty);
    }

    [TestCase("11111111-2222-3333-4444-555555555555")]
    [TestCase("guest")]
    [TestCase("\u001b[31m")]
    public async Task Answer_GuestThatWasNotOffered_AttachesNothingAndIsAudited(string said)
    {
        (await AskedAsync(World.User)).Answer(said, remember: true);

        await AuditedAsync("asked, and answered with a guest that was not offered: " + said);
    }

    [Test]
    public async Task Answer_GuestThatTheRuleDoesNotName_AttachesNothing()
    {
        var other = world.Guest("other");
        world.Reload(TestRules.Of(Ask with { ToGuest = [new Glob("guest")] }));

        (await AskedAsync(World.User)).Answer(other.Id.ToString());

        await AuditedAsync("not offered");
    }

    [Test]
    public async Task Answer_IsNone_AttachesNothingAndIsAudited()
    {
        (await AskedAsync(World.User)).Reply.SetException(new AgentException("the agent's answer is none: found type 'u', expected type 'sb'"));

        await AuditedAsync("asked, and nothing is attached: the agent's answer is none: found type 'u', expected type 'sb'");
    }

    [Test]
    public async Task Answer_NeverComes_IsCancelledAtItsTimeAndAudited()
    {
        var agent = Register(World.User);
        world.Plugged(Some.Stick());
        await agent.AskedAsync();

        world.Advance(60);

        Assert.That((await agent.CancelledAsync()).Reason, Is.EqualTo("no answer in time"));
        await AuditedAsync("asked, and nothing is attached: no answer within 60 s");
    }

    [Test]
    public async Task Agent_VanishesWhileAsked_AttachesNothingAndMakesRoomForAnother()
    {
        await AskedAsync(World.User);

        await end.CancelAsync();
        await AuditedAsync("the agent left before it answered");
        await UntilAsync(() => running.TrueForAll(r => r.IsCompleted));

        Assert.That(() => world.Ask(s => s.RegisterAgentAsync(World.User, new FakeAgent(World.User.Owner), default)), Throws.Nothing);
    }

    [Test]
    public void Register_SecondOfASession_IsRefusedAndAudited()
    {
        Register(World.User);

        var refused = Assert.Throws<HostException>(() => Register(World.User))!;

        Assert.That((refused.Code, refused.Message), Is.EqualTo((ErrorCode.ErrorTooMany, $"{World.User.Owner} has an agent already, and may have no more")));
        Assert.That(world.Store.Audit.Last(a => a.Verb == "agent-register").Outcome, Is.EqualTo(nameof(ErrorCode.ErrorTooMany)));
    }

    [Test]
    public async Task Plug_RuleNamesAnOwner_AsksHisAgentOnly()
    {
        world.Reload(TestRules.Of(Ask with { Owners = [$"{World.OtherUser.Uid}"] }));
        var (his, others) = (Register(World.OtherUser), Register(World.User));

        world.Plugged(Some.Stick());
        await his.AskedAsync();
        world.Reload(TestRules.Of(Ask with { Owners = [$"{World.User.Uid}"] }));

        Assert.That((await others.AskedAsync()).Question.Device.Port, Is.EqualTo("1-4"));
        Assert.That((await his.CancelledAsync()).Device, Is.Not.Empty);
        Assert.That(others.Waiting, Is.Zero);
    }

    [Test]
    public void Claim_NobodyAnswered_IsRefusedNamingAskAndTheAgent()
    {
        var stick = world.Plugged(Some.Stick());

        var refused = Assert.Throws<HostException>(() => world.Claim(stick, guest))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorNotAllowed));
        Assert.That(refused.Message, Does.Contain("the rule at /r.conf:3 says ask, and nobody has answered").And.Contain("org.usbhostd.UsbHost1.Agent"));
    }

    [Test]
    public async Task Plug_MoreDevicesThanAreAskedAtOnce_AsksTheOthersInTurn()
    {
        var agent = Register(World.User);
        for (var i = 1; i <= AgentRun.MostAtOnce + 1; i++)
        {
            world.Plugged(Some.Stick($"S-{i}"), $"1-{i}");
        }

        var first = new List<FakeAgent.Asked>();
        for (var i = 0; i < AgentRun.MostAtOnce; i++)
        {
            first.Add(await agent.AskedAsync());
        }

        Assert.That(agent.Waiting, Is.Zero);
        first[0].Answer("");
        await UntilAsync(() => agent.Waiting == 1);
    }

    private async Task AuditedAsync(string why)
    {
        await UntilAsync(() => world.Store.Audit.Exists(a => a.Verb == "answer"));
        var line = world.Store.Audit.Single(a => a.Verb == "answer");
        Assert.That(line.Detail, Does.Contain(why));
        Assert.That((line.Caller, line.Outcome), Is.EqualTo((World.User.Owner, nameof(ErrorCode.ErrorNotAllowed))));
        Assert.That(world.State.Claims, Is.Empty);
        Assert.That(world.State.Answers, Is.Empty);
        Assert.That(guest.Hostdevs, Is.Empty);
    }
}
