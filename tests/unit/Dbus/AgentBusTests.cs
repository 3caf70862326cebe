// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Dbus;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Tests.Dbus;

/// <summary>Agents on a bus: how they come and go, what they are asked, and what becomes of answers that are none.</summary>
[TestFixture]
internal sealed class AgentBusTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private DbusFixture dbus = null!;
    private AgentPeer peer = null!;
    private TaskCompletionSource<(Caller Caller, IAgent Agent)> registered = null!;
    private TaskCompletionSource over = null!;

    private static AgentQuestion Question { get; } = new(
        new Device { Id = "d1", ProductName = "\u001b[31mred\ud800 \uffff" },
        [new GuestRef { Uuid = "u1", Name = "erp" }, new GuestRef { Uuid = "u2", Name = "web" }], TimeSpan.FromMinutes(1));

    [SetUp]
    public async Task StartAsync()
    {
        dbus = await DbusFixture.StartAsync();
        peer = await AgentPeer.ConnectAsync(dbus.Bus.Address);
        registered = new TaskCompletionSource<(Caller, IAgent)>(TaskCreationOptions.RunContinuationsAsynchronously);
        over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        dbus.Service.OnAgent = (caller, agent, _) =>
        {
            registered.TrySetResult((caller, agent));
            return ValueTask.FromResult<Func<CancellationToken, Task>>(async token =>
            {
                await using var end = token.Register(() => over.TrySetResult());
                await over.Task;
            });
        };
    }

    [TearDown]
    public async Task StopAsync()
    {
        peer.Dispose();
        await dbus.DisposeAsync();
    }

    [Test]
    public async Task Register_TellsTheServiceWhoAndWhichSession()
    {
        await peer.CallAsync("RegisterAgent");

        var (caller, agent) = await registered.Task.WaitAsync(Patience);
        Assert.That((caller.Door, caller.Pid), Is.EqualTo(("dbus", Environment.ProcessId)));
        Assert.That(agent.Session, Does.EndWith($"uid {caller.Uid}"));
    }

    [TestCase("3", ExpectedResult = "session 3 of uid")]
    [TestCase("", ExpectedResult = "uid", TestName = "Register_ProcessOfNoSession_IsKnownByItsUser")]
    public async Task<string> Register_LoginManagerOnTheBus_IsAskedForTheSession(string session)
    {
        using var login = await FakeLogin.StartAsync(dbus.Bus.Address, session);

        await peer.CallAsync("RegisterAgent");

        var (caller, agent) = await registered.Task.WaitAsync(Patience);
        Assert.That((await login.AskedAsync(), agent.Session), Is.EqualTo(((uint)Environment.ProcessId, agent.Session)));
        return agent.Session.Replace($" {caller.Uid}", "", StringComparison.Ordinal);
    }

    [Test]
    public async Task Ask_Answered_GivesTheAnswerAndHasShownDeviceAndGuestsAsText()
    {
        peer.Answer = Guest("u2", true);

        var answer = await (await AgentAsync()).AskAsync(Question, default).WaitAsync(Patience);

        Assert.That(answer, Is.EqualTo(new AgentAnswer("u2", true)));
        Assert.That(await peer.CalledAsync(), Is.EqualTo(("Ask", "\u001b[31mred\ufffd \ufffd: erp web")));
    }

    [Test]
    public async Task Ask_AnsweredWithOtherTypes_IsNoAnswer([Values("", "s", "bs", "sbs")] string signature)
    {
        BodyWriter write = (ref to) =>
        {
            foreach (var type in signature)
            {
                if (type == 's')
                {
                    to.Text("u1");
                }
                else
                {
                    to.WriteBool(true);
                }
            }
        };
        peer.Answer = (signature, write);
        var agent = await AgentAsync();

        Assert.That(async () => await agent.AskAsync(Question, default), Throws.TypeOf<AgentException>().With.Message.Contains("expected type 'sb'"));
    }

    [Test]
    public async Task Ask_NoObjectThere_SaysSo()
    {
        await peer.CallAsync("RegisterAgent", "/nothing");
        var agent = (await registered.Task.WaitAsync(Patience)).Agent;

        Assert.That(async () => await agent.AskAsync(Question, default), Throws.TypeOf<AgentException>().With.Message.Contains("UnknownObject"));
    }

    [Test]
    public async Task Ask_NeverAnswered_EndsWhenItIsCancelledAndTheAgentIsTold()
    {
        var agent = await AgentAsync();
        using var cancel = new CancellationTokenSource();
        var asked = agent.AskAsync(Question, cancel.Token);
        await peer.CalledAsync();

        await cancel.CancelAsync();
        await agent.CancelAsync("d1", "no answer in time");

        Assert.That(async () => await asked, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(await peer.CalledAsync(), Is.EqualTo(("Cancel", "d1: no answer in time")));
    }

    [Test]
    public async Task Agent_LeavesTheBusWhileAsked_IsForgotten()
    {
        var agent = await AgentAsync();
        var asked = agent.AskAsync(Question, default);
        await peer.CalledAsync();

        peer.Dispose();

        Assert.That(async () => await asked.WaitAsync(Patience), Throws.TypeOf<AgentException>());
        await over.Task.WaitAsync(Patience);
    }

    [Test]
    public async Task Register_SecondOfAConnection_IsRefused()
    {
        await peer.CallAsync("RegisterAgent");

        Assert.That(async () => await peer.CallAsync("RegisterAgent", "/other"), Throws.TypeOf<BusException>().With.Property("Name").EqualTo("org.usbhostd.UsbHost1.Error.TooMany"));
    }

    [Test]
    public async Task Register_RefusedByTheService_MayBeTriedAgain()
    {
        var accept = dbus.Service.OnAgent;
        dbus.Service.OnAgent = (_, _, _) => throw new HostException(ErrorCode.ErrorPermissionDenied, "may not");
        Assert.That(async () => await peer.CallAsync("RegisterAgent"), Throws.TypeOf<BusException>().With.Property("Name").EqualTo("org.usbhostd.UsbHost1.Error.PermissionDenied"));
        dbus.Service.OnAgent = accept;

        Assert.That(async () => await peer.CallAsync("RegisterAgent"), Throws.Nothing);
    }

    [Test]
    public async Task Unregister_EndsIt()
    {
        await peer.CallAsync("RegisterAgent");

        await peer.CallAsync("UnregisterAgent");

        Assert.That(over.Task.IsCompleted, Is.True);
        Assert.That(async () => await peer.CallAsync("RegisterAgent"), Throws.Nothing);
    }

    [TestCase(true, TestName = "Unregister_ByAnotherConnection_IsRefused")]
    [TestCase(false, TestName = "Unregister_AnotherPath_IsRefused")]
    public async Task Unregister_OfNobody_IsRefused(bool byAnother)
    {
        await peer.CallAsync("RegisterAgent");
        using var other = await AgentPeer.ConnectAsync(dbus.Bus.Address);

        Assert.That(
            async () => await (byAnother ? other.CallAsync("UnregisterAgent") : peer.CallAsync("UnregisterAgent", "/other")),
            Throws.TypeOf<BusException>().With.Property("Name").EqualTo("org.usbhostd.UsbHost1.Error.InvalidArgument"));
        Assert.That(over.Task.IsCompleted, Is.False);
    }

    [Test]
    public async Task DaemonStops_ReleasesTheAgent()
    {
        await peer.CallAsync("RegisterAgent");

        await dbus.StopServerAsync();

        Assert.That((await peer.CalledAsync()).Member, Is.EqualTo("Release"));
    }

    [Test]
    public async Task Register_ByBusctl_IsForgottenWhenBusctlEnds()
    {
        var called = await dbus.BusctlAsync("call", DbusOptions.BusName, ObjectPaths.Root, DbusDoor.ManagerInterface, "RegisterAgent", "oa{sv}", "/x", "0");

        Assert.That(called.Exit, Is.Zero, called.Error);
        await over.Task.WaitAsync(Patience);
    }

    [TestCase("s", "x")]
    [TestCase("o", "/x")]
    public async Task Register_OtherArguments_AreRefused(string signature, string value)
    {
        var called = await dbus.BusctlAsync("call", DbusOptions.BusName, ObjectPaths.Root, DbusDoor.ManagerInterface, "RegisterAgent", signature, value);

        Assert.That(called.Error, Does.Contain("expected type 'oa{sv}'"));
        Assert.That(registered.Task.IsCompleted, Is.False);
    }

    private async Task<IAgent> AgentAsync()
    {
        await peer.CallAsync("RegisterAgent");
        return (await registered.Task.WaitAsync(Patience)).Agent;
    }

    private static (string Signature, BodyWriter Write) Guest(string guest, bool remember)
    {
        BodyWriter write = (ref to) =>
        {
            to.Text(guest);
            to.WriteBool(remember);
        };
        return ("sb", write);
    }
}
