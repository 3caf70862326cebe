// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Service;
using UsbHostd.Tests.Architecture;

namespace UsbHostd.Tests.Dbus;

/// <summary>The example agent, by GDBus from Debian's python3-gi: a peer that isn't ours.</summary>
[TestFixture]
internal sealed class AgentExampleTests
{
    /// <summary>Debian's own, which has the module; another on the PATH need not.</summary>
    private const string Interpreter = "/usr/bin/python3";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [TestCase("2!", "u2", true)]
    [TestCase("1", "u1", false)]
    [TestCase("", "", false)]
    [TestCase("!", "", true)]
    public async Task Example_PersonAnswers_GivesTheAnswer(string line, string guest, bool remember)
    {
        await using var dbus = await DbusFixture.StartAsync();
        var agent = Registered(dbus);
        using var example = Tool.Start(Interpreter, "-B", Path.Combine(Repository.Root, "contrib/examples/agent/usbhost-agent.py"), dbus.Bus.Address);
        await example.ReadUntilAsync("registered");

        var answer = (await agent.Task.WaitAsync(Patience)).AskAsync(Question, default);
        var shown = await example.ReadUntilAsync("number, or nothing");
        await example.StandardInput.WriteLineAsync(line);
        var given = await answer.WaitAsync(Patience);
        example.StandardInput.Close();
        await example.WaitForExitAsync().WaitAsync(Patience);

        Assert.That(given, Is.EqualTo(new AgentAnswer(guest, remember)));
        Assert.That(shown, Does.Contain("stick?[31m (0951:1666) on port 1-4: which guest?").And.Contain("2  web"));
    }

    [Test]
    public async Task Example_Cancelled_SaysWhyAndAsksTheNext()
    {
        await using var dbus = await DbusFixture.StartAsync();
        var registered = Registered(dbus);
        using var example = Tool.Start(Interpreter, "-B", Path.Combine(Repository.Root, "contrib/examples/agent/usbhost-agent.py"), dbus.Bus.Address);
        await example.ReadUntilAsync("registered");
        var agent = await registered.Task.WaitAsync(Patience);
        _ = agent.AskAsync(Question, default);
        await example.ReadUntilAsync("number, or nothing");

        var second = agent.AskAsync(Question with { Device = new Device { Id = "d2", ProductName = "other" } }, default);
        await agent.CancelAsync("d1", "the device was unplugged");
        await example.ReadUntilAsync("no need to answer any more: the device was unplugged", "other (", "number, or nothing");
        await example.StandardInput.WriteLineAsync("1");

        Assert.That((await second.WaitAsync(Patience)).Guest, Is.EqualTo("u1"));
        example.StandardInput.Close();
        await example.WaitForExitAsync().WaitAsync(Patience);
    }

    private static AgentQuestion Question { get; } = new(
        new Device { Id = "d1", ProductName = "stick\u001b[31m", VendorId = "0951", ProductId = "1666", Port = "1-4" },
        [new GuestRef { Uuid = "u1", Name = "erp" }, new GuestRef { Uuid = "u2", Name = "web" }], TimeSpan.FromMinutes(1));

    private static TaskCompletionSource<IAgent> Registered(DbusFixture dbus)
    {
        var registered = new TaskCompletionSource<IAgent>(TaskCreationOptions.RunContinuationsAsynchronously);
        dbus.Service.OnAgent = (_, agent, _) =>
        {
            registered.TrySetResult(agent);
            return ValueTask.FromResult<Func<CancellationToken, Task>>(async token =>
            {
                var over = new TaskCompletionSource();
                await using var end = token.Register(over.SetResult);
                await over.Task;
            });
        };
        return registered;
    }
}
