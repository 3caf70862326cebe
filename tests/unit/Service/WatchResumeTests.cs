// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Reconcile.Sim;
using static UsbHostd.Tests.Rules.RuleParts;
using Type = UsbHostd.Api.V1.WatchEvent.Types.Type;

namespace UsbHostd.Tests.Service;

/// <summary>Who comes back with a token misses nothing and gets nothing twice; who sees only his own is told of that only.</summary>
[TestFixture]
internal sealed class WatchResumeTests : StickTest
{
    [Test]
    public async Task Resume_NothingMissed_BeginsWithResumedAndNoSnapshot()
    {
        var token = (await ReadAsync(World.Root, "", e => e.Type == Type.SnapshotEnd))[^1].ResumeToken;
        AnotherDeviceOnThePort();

        var told = await ReadAsync(World.Root, token, e => e.Type == Type.Changed);

        Assert.That(told.Select(e => (e.Type, e.Device?.ProductName)), Is.EqualTo([(Type.Resumed, null), (Type.Removed, "stick"), (Type.Changed, (string?)"keyboard")]));
    }

    [Test]
    public async Task Resume_InTheMiddleOfAChange_GetsAllOfItAgain()
    {
        var token = (await ReadAsync(World.Root, "", e => e.Type == Type.SnapshotEnd))[^1].ResumeToken;
        AnotherDeviceOnThePort();
        var middle = (await ReadAsync(World.Root, token, e => e.Type == Type.Removed))[^1].ResumeToken;

        var told = await ReadAsync(World.Root, middle, e => e.Type == Type.Changed);

        Assert.That(told.Select(e => e.Type), Is.EqualTo([Type.Resumed, Type.Removed, Type.Changed]));
    }

    [Test]
    public async Task Resume_AwayForTooLong_IsToldToResync()
    {
        var token = (await ReadAsync(World.Root, "", e => e.Type == Type.SnapshotEnd))[^1].ResumeToken;
        for (var i = 0; i < 300; i++)
        {
            world.Do(h => h.Replug(stick, i % 2 == 0 ? "1-1" : "1-2"));
        }

        Assert.That((await ReadAsync(World.Root, token, e => e.Type == Type.SnapshotEnd)).Select(e => e.Type).Distinct(), Is.EqualTo([Type.Resync, Type.Snapshot, Type.SnapshotEnd]));
    }

    [Test]
    public async Task Resume_AfterARestart_IsToldToResync()
    {
        var token = (await ReadAsync(World.Root, "", e => e.Type == Type.SnapshotEnd))[^1].ResumeToken;
        world.Restart();

        Assert.That((await ReadAsync(World.Root, token, e => e.Type == Type.SnapshotEnd))[0].Type, Is.EqualTo(Type.Resync));
    }

    [TestCase("nonsense")]
    [TestCase("0-0")]
    [TestCase("-1")]
    public async Task Resume_NoTokenOfOurs_IsToldToResync(string token) =>
        Assert.That((await ReadAsync(World.Root, token, e => e.Type == Type.SnapshotEnd))[0].Type, Is.EqualTo(Type.Resync));

    [Test]
    public async Task Watch_User_IsToldOnlyOfWhatHeSees()
    {
        OnlySticks();
        await using var watch = Watch(World.User, "");
        var snapshot = await UntilAsync(watch, e => e.Type == Type.SnapshotEnd);

        world.Plugged(Some.Keyboard(), "1-6");
        world.Do(h => h.Replug(stick, "1-5"));
        var told = await UntilAsync(watch, e => e.Device?.Port == "1-5");

        Assert.That(snapshot.Where(e => e.Device is not null).Select(e => e.Device.Port), Is.EqualTo(["1-4"]));
        Assert.That(told.Select(e => e.Device?.Port), Has.No.Member("1-6"));
    }

    [Test]
    public async Task Watch_UserLosesTheRight_IsToldAnew()
    {
        OnlySticks();
        await using var watch = Watch(World.User, "");
        await UntilAsync(watch, e => e.Type == Type.SnapshotEnd);

        world.Reload(TestRules.Of());
        var told = await UntilAsync(watch, e => e.Type == Type.SnapshotEnd);

        Assert.That(told.Select(e => e.Type), Is.EqualTo([Type.Resync, Type.SnapshotEnd]));
    }

    [Test]
    public async Task Watch_GuestThatADeviceBringsIntoSight_IsTold()
    {
        OnlySticks();
        world.Do(h => h.Pull(stick));
        await using var watch = Watch(World.User, "");
        var before = await UntilAsync(watch, e => e.Type == Type.SnapshotEnd);

        world.Plugged(Some.Stick());
        var told = await UntilAsync(watch, e => e.Guest is not null);

        Assert.That(before.Select(e => e.Type), Is.EqualTo([Type.SnapshotEnd]));
        Assert.That(told[^1].Guest.Name, Is.EqualTo("guest"));
    }

    private void AnotherDeviceOnThePort() => world.Do(h =>
    {
        h.Pull(stick);
        h.Plug(Some.Keyboard(), "1-4");
    });

    private void OnlySticks() => world.Reload(TestRules.Of(new Rule { Target = RuleTarget.Allow, Id = Single(new UsbIdPattern(0x0951, null)) }));

    private async Task<List<WatchEvent>> ReadAsync(Caller caller, string token, Func<WatchEvent, bool> last)
    {
        await using var watch = Watch(caller, token);
        return await UntilAsync(watch, last);
    }

    private IAsyncEnumerator<WatchEvent> Watch(Caller caller, string token) =>
        world.Service.Watch(caller, new WatchRequest { Kinds = { Kind.Devices, Kind.Guests }, ResumeToken = token }, CancellationToken.None).GetAsyncEnumerator();

    private static Task<List<WatchEvent>> UntilAsync(IAsyncEnumerator<WatchEvent> watch, Func<WatchEvent, bool> last) => WatchTests.Until(watch, last);
}
