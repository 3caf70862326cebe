// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using NUnit.Framework;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Service;

/// <summary>A world whose rule says ask, and agents beside it.</summary>
internal abstract class AskTest : WorldTest
{
    protected static readonly Rule Ask = new() { Target = RuleTarget.Ask, Source = new RuleSource("/r.conf", 3) };
    protected CancellationTokenSource end = null!;
    protected List<Task> running = null!;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    protected override World Begin() => new(rules: TestRules.Of(Ask));

    [SetUp]
    public void BeginAgents() => (end, running) = (new CancellationTokenSource(), []);

    [TearDown]
    public async Task EndAgents()
    {
        await end.CancelAsync();
        var over = Task.WhenAll(running);
        await UntilAsync(() => over.IsCompleted);
        await over;
        end.Dispose();
    }

    protected FakeAgent Register(Caller caller)
    {
        var agent = new FakeAgent(caller.Owner);
        running.Add(world.Ask(s => s.RegisterAgentAsync(caller, agent, default))(end.Token));
        return agent;
    }

    protected async Task<FakeAgent.Asked> AskedAsync(Caller caller)
    {
        var agent = Register(caller);
        world.Plugged(Some.Stick());
        return await agent.AskedAsync();
    }

    /// <summary>Plugs a device in and has it answered.</summary>
    protected async Task<(FakeAgent Agent, FakeDevice Device)> AnswerAsync(string guest, bool remember = false, FakeDevice? device = null)
    {
        var agent = Register(World.User);
        var plugged = world.Plugged(device ?? Some.Stick());
        (await agent.AskedAsync()).Answer(guest, remember);
        await UntilAsync(() => !world.State.Answers.IsEmpty);
        return (agent, plugged);
    }

    protected void Replug(FakeDevice device)
    {
        world.Do(h => h.Pull(device));
        world.Advance(11);
        world.Do(h => h.Plug(device, "1-4"));
    }

    /// <summary>The loop is stepped here; the agents run beside it.</summary>
    protected async Task UntilAsync(Func<bool> holds)
    {
        var since = Stopwatch.GetTimestamp();
        while (!holds())
        {
            world.Settle();
            await Task.Yield();
            Assert.That(Stopwatch.GetElapsedTime(since), Is.LessThan(Patience), "it did not come");
        }

        world.Settle();
    }
}
