// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>Faults of ours in the loop: they end it where something is stored already, and only then.</summary>
[TestFixture]
internal sealed class BrokenLoopTests : WorldTest
{
    private static readonly StoreChange Stored = new StoreChange.AppendAudit(DateTimeOffset.UnixEpoch, "uid:0", "grpc", "test", "test", "ok", "");

    [Test]
    public void Ask_FaultAfterTheCommit_EndsTheLoop()
    {
        var asked = world.Loop.AskAsync((_, _) => (new Decided([Stored], [new HostEvent.DevicePresent(null!)]), true), default);

        Assert.That(() => world.Loop.ReadSome(), Throws.TypeOf<NullReferenceException>());
        Assert.That(() => asked, Throws.TypeOf<NullReferenceException>());
        Assert.That(world.Store.Audit, Has.Member(Stored));
    }

    [Test]
    public void Ask_FaultOfTheStoreThatIsNoRefusal_EndsTheLoop()
    {
        var asked = world.Loop.AskAsync((_, _) => (new Decided([null!], []), true), default);

        Assert.That(() => world.Loop.ReadSome(), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => asked, Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Ask_FaultBeforeAnythingIsStored_IsTheCallersAlone()
    {
        var asked = world.Loop.AskAsync<bool>((_, _) => throw new InvalidOperationException(), default);
        world.Settle();

        Assert.That(() => asked, Throws.InvalidOperationException);
        Assert.That(world.Loop.AskAsync((_, _) => (new Decided([], []), true), default), Is.Not.Null);
        Assert.That(() => world.Settle(), Throws.Nothing);
    }
}
