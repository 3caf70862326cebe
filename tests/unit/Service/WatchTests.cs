// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Tests.Reconcile.Sim;
using Type = UsbHostd.Api.V1.WatchEvent.Types.Type;

namespace UsbHostd.Tests.Service;

[TestFixture]
internal sealed class WatchTests : WorldTest
{
    [Test]
    public async Task Watch_Begins_WithASnapshotAndItsEnd()
    {
        var stick = world.Plugged(Some.Stick());
        var claim = world.Claim(stick, guest);

        await using var watch = Watch();
        var snapshot = await Until(watch, e => e.Type == Type.SnapshotEnd);

        Assert.That(snapshot.Select(e => e.Device?.Port), Has.Member("1-4"));
        Assert.That(snapshot.Select(e => e.Claim?.Id), Has.Member(claim.ToString()));
        Assert.That(snapshot.Select(e => e.Guest?.Name), Has.Member("guest"));
        Assert.That(snapshot.SkipLast(1).Select(e => e.Type), Has.All.EqualTo(Type.Snapshot));
    }

    [Test]
    public async Task Watch_Plug_IsToldAsChangedAndPullAsRemoved()
    {
        await using var watch = Watch();
        await Until(watch, e => e.Type == Type.SnapshotEnd);

        var stick = world.Plugged(Some.Stick());
        var came = (await Until(watch, e => e.Device?.Port == "1-4"))[^1];
        world.Do(h => h.Pull(stick));
        var left = (await Until(watch, e => e.Type == Type.Removed))[^1];

        Assert.That(came.Type, Is.EqualTo(Type.Changed));
        Assert.That(left.Device.Id, Is.EqualTo(came.Device.Id));
    }

    [Test]
    public async Task Watch_AnotherDeviceOnThePortInOneTurn_TellsOfBoth()
    {
        var stick = world.Plugged(Some.Stick());
        await using var watch = Watch();
        var id = (await Until(watch, e => e.Type == Type.SnapshotEnd)).Single(e => e.Device?.Port == "1-4").Device.Id;

        world.Do(h =>
        {
            h.Pull(stick);
            h.Plug(Some.Keyboard(), "1-4");
        });
        var told = await Until(watch, e => e.Type == Type.Changed && e.Device?.ProductName == "keyboard");

        Assert.That(told.Where(e => e.Type == Type.Removed).Select(e => e.Device.Id), Is.EqualTo([id]));
    }

    [Test]
    public async Task Watch_Claim_TellsEachPhase()
    {
        world.Plugged(Some.Stick());
        await using var watch = Watch(Kind.Claims);
        await Until(watch, e => e.Type == Type.SnapshotEnd);

        world.Claim("port:1-4", guest);
        var phases = (await Until(watch, e => e.Claim?.Phase == Phase.Attached)).Select(e => e.Claim.Phase);

        Assert.That(phases, Is.EqualTo([Phase.Attaching, Phase.Attached]));
    }

    [Test]
    public async Task Watch_ClaimMovedWhileItWaits_TellsTheOtherGuest()
    {
        var other = world.Guest("other");
        var claim = world.Claim("serial:0951:1666:S-0001", guest);
        await using var watch = Watch(Kind.Claims);
        await Until(watch, e => e.Type == Type.SnapshotEnd);

        world.Move(claim, other);

        Assert.That((await Until(watch, e => e.Type == Type.Changed))[^1].Claim.Guest.Name, Is.EqualTo("other"));
    }

    [Test]
    public async Task Watch_OneKind_TellsOfNoOther()
    {
        await using var watch = Watch(Kind.Guests);

        var snapshot = await Until(watch, e => e.Type == Type.SnapshotEnd);

        Assert.That(snapshot.SkipLast(1).Select(e => e.ObjectCase), Has.All.EqualTo(WatchEvent.ObjectOneofCase.Guest));
    }

    [Test]
    public async Task Watch_ReaderTooSlow_IsToldAndGetsASnapshot()
    {
        await using var watch = Watch(Kind.Devices);
        await Until(watch, e => e.Type == Type.SnapshotEnd);
        var stick = world.Plugged(Some.Stick());

        for (var i = 0; i < 300; i++)
        {
            world.Do(h => h.Replug(stick, i % 2 == 0 ? "1-1" : "1-2"));
        }

        var after = await Until(watch, e => e.Type == Type.SnapshotEnd);
        Assert.That(after.Select(e => e.Type), Has.Member(Type.Resync));
        Assert.That(after.SkipWhile(e => e.Type != Type.Resync).Where(e => e.Device?.ProductName == "stick").Select(e => e.Device.Port), Is.EqualTo(["1-2"]));
    }

    [Test]
    public async Task Watch_ChangesBetweenSubscribingAndReading_LeaveNoGap()
    {
        await using var watch = Watch(Kind.Devices);
        await watch.MoveNextAsync();

        world.Plugged(Some.Stick());
        var told = await Until(watch, e => e.Device?.Port == "1-4");

        Assert.That(told, Is.Not.Empty);
    }

    [Test]
    public async Task Watch_Ended_LeavesNoReaderBehind()
    {
        await using (var watch = Watch())
        {
            await watch.MoveNextAsync();
            Assume.That(world.Feed.Readers, Is.EqualTo(1));
        }

        Assert.That(world.Feed.Readers, Is.Zero);
    }

    private IAsyncEnumerator<WatchEvent> Watch(params Kind[] kinds)
    {
        var request = new WatchRequest();
        request.Kinds.AddRange(kinds);
        return world.Service.Watch(World.Root, request, CancellationToken.None).GetAsyncEnumerator();
    }

    /// <summary>All events up to the first such one.</summary>
    internal static async Task<List<WatchEvent>> Until(IAsyncEnumerator<WatchEvent> watch, Func<WatchEvent, bool> last)
    {
        var seen = new List<WatchEvent>();
        while (await watch.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10)))
        {
            seen.Add(watch.Current);
            if (last(watch.Current))
            {
                break;
            }
        }

        return seen;
    }
}
