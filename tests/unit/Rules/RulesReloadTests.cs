// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Rules;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Rules;

/// <summary>Real files put in force in a running loop.</summary>
[TestFixture]
internal sealed class RulesReloadTests : WorldTest
{
    private RuleFolder folder = null!;
    private RulesReload reload = null!;

    [SetUp]
    public void MakeFolder()
    {
        folder = new RuleFolder();
        reload = new RulesReload(folder.Files, world.Loop, world.Time, folder.Loggers.CreateLogger<RulesReload>());
    }

    [TearDown]
    public void RemoveFolder()
    {
        reload.Dispose();
        folder.Dispose();
    }

    [Test]
    public async Task Run_FilesInOrder_AreInForceAndAudited()
    {
        folder.Write("rules.conf", "block *:*\n");

        var (before, after) = await RunAsync();

        Assert.That((before.Rules.Set.Rules.Length, after.Rules.Files.Single().Path), Is.EqualTo((1, folder.At("rules.conf"))));
        Assert.That(world.Store.Audit.Select(a => (a.Caller, a.Door, a.Verb, a.Outcome)), Has.Member(("uid:0", "grpc", "policy-reload", "ok")));
    }

    [Test]
    public void Run_FilesNotInOrder_KeepsTheOldRulesAndAuditsTheRefusal()
    {
        folder.Write("rules.conf", "permit\n");
        var rules = world.State.Rules;

        Assert.That(RunAsync, Throws.TypeOf<RulesException>());

        Assert.That(world.State.Rules, Is.SameAs(rules));
        Assert.That(world.Store.Audit.Select(a => (a.Verb, a.Outcome)), Has.Member(("policy-reload", "refused")));
    }

    [Test]
    public async Task Reload_FilesNotInOrder_IsLoggedAndThrowsNothing()
    {
        folder.Write("rules.conf", "permit\n");

        var reloading = reload.ReloadAsync("file", CancellationToken.None);
        world.Settle();
        await reloading;

        Assert.That(folder.Logged, Has.Some.Contains("old ones stay in force").And.Contains("rules.conf:1:1"));
    }

    [Test]
    public async Task Run_AfterOneThatFailed_TakesTheMendedFile()
    {
        folder.Write("rules.conf", "permit\n");
        Assert.That(RunAsync, Throws.TypeOf<RulesException>());
        folder.Write("rules.conf", "allow\nblock\n");

        var (_, after) = await RunAsync();

        Assert.That(after.Rules.Set.Rules, Has.Length.EqualTo(2));
    }

    private async Task<(HostState Before, HostState After)> RunAsync()
    {
        var running = reload.RunAsync("uid:0", "grpc", CancellationToken.None);
        world.Settle();
        return await running;
    }
}
