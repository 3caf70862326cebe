// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.State;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>What has been costs neither room nor time without end.</summary>
[TestFixture]
internal sealed class BoundsTests
{
    [Test]
    public void Fold_ClaimsThatWereReleased_LeaveTheIndexesAndAreKeptUpToTheLimit()
    {
        using var world = new World(limits: new ReconcileLimits { MostHistory = 3 });
        var guest = world.Guest();
        var stick = world.Plugged(Some.Stick());
        var claims = Enumerable.Range(0, 5).Select(_ =>
        {
            var claim = world.Claim(stick, guest);
            world.Release(claim);
            return claim;
        }).ToList();

        Assert.Multiple(() =>
        {
            Assert.That(world.State.Claims.Keys, Is.EquivalentTo(claims[2..]));
            Assert.That(world.State.ClaimsByGuest.Keys, Is.Empty);
            Assert.That(world.State.ClaimsByKey.Keys, Is.Empty);
        });
    }

    [Test]
    public void Fold_ReleasedClaimWhoseDeviceIsStillAttached_StaysInTheIndexes()
    {
        using var world = new World(limits: new ReconcileLimits { MostHistory = 0 });
        var guest = world.Guest();
        var stick = world.Plugged(Some.Stick());
        var claim = world.Claim(stick, guest);
        world.Do(h => h.LoseLibvirt());

        world.Release(claim);

        Assert.That(world.State.Claims.Keys, Is.EqualTo(new[] { claim }));
        world.Do(h => h.RegainLibvirt());
        world.Settle();
        Assert.That((world.State.Claims.Count, world.Host.GuestsWith(stick).Count), Is.EqualTo((0, 0)));
    }

    [Test]
    public void Publish_ClaimsThatAreForgotten_KeepsNothingOfThem()
    {
        using var world = new World(limits: new ReconcileLimits { MostHistory = 2 });
        var guest = world.Guest();
        var stick = world.Plugged(Some.Stick());
        for (var i = 0; i < 6; i++)
        {
            world.Release(world.Claim(stick, guest));
        }

        Assert.That((world.State.Claims.Count, world.Loop.ShownCount), Is.EqualTo((2, 2)));
    }

    [Test]
    public void CreateClaim_RequestIdOfAForgottenClaim_MakesAnother()
    {
        using var folder = new Store.StoreFolder();
        using var world = new World(_ => folder.Open(), new ReconcileLimits { MostHistory = 0 });
        var guest = world.Guest();
        var stick = world.Plugged(Some.Stick());
        var first = world.Claim(stick, guest, r => r.RequestId = "r1");
        world.Release(first);
        Assume.That(world.State.Claims, Is.Empty);

        var second = world.Claim(stick, guest, r => r.RequestId = "r1");

        Assert.That((second, world.Claim(stick, guest, r => r.RequestId = "r1")), Is.EqualTo((second, second)));
        Assert.That(second, Is.Not.EqualTo(first));
    }

    [Test]
    public void Undefine_GuestWithAClaim_ItsNameGoesWhenTheClaimHasEnded()
    {
        using var world = new World();
        var guest = world.Guest();
        var claim = world.Claim(world.Plugged(Some.Stick()), guest);
        world.Do(h => h.Undefine(guest));
        Assume.That(world.State.GuestNames.Keys, Is.EqualTo([guest.Id]));

        world.Release(claim);

        Assert.That(RememberedGuests(world), Is.Empty);
    }

    [Test]
    public void Undefine_GuestWithAClaim_ItsNameGoesWhenTheClaimIsMoved()
    {
        using var world = new World();
        var (guest, other) = (world.Guest(), world.Guest("other"));
        var claim = world.Claim(world.Plugged(Some.Stick()), guest);
        world.Do(h => h.Undefine(guest));

        world.Move(claim, other);

        Assert.That(RememberedGuests(world), Is.EqualTo(["other"]));
    }

    [Test]
    public void Undefine_WhileTheDaemonIsAway_TheNameGoesAtTheNextStart()
    {
        using var world = new World();
        var guest = world.Guest();
        world.Release(world.Claim(world.Plugged(Some.Stick()), guest));
        world.Advance(10);
        world.Crash();
        world.Host.Undefine(guest);

        world.Start();

        Assert.That(RememberedGuests(world), Is.Empty);
    }

    [Test]
    public void Fold_DevicesWithEverNewSerials_ForgetsTheOneThatWasAwayLongest()
    {
        using var world = new World(limits: new ReconcileLimits { MostRemembered = 2 });
        foreach (var serial in new[] { "S-AAA", "S-BBB", "S-CCC" })
        {
            var stick = world.Plugged(Some.Stick(serial));
            world.Advance(1);
            world.Do(h => h.Pull(stick));
        }

        Assert.That(world.State.Remembered.Values.Select(r => r.Serial), Is.EquivalentTo(["S-BBB", "S-CCC"]));
    }

    /// <summary>In memory, and on disk once what was learned is written down.</summary>
    private static IEnumerable<string> RememberedGuests(World world)
    {
        world.Advance(10);
        return world.State.GuestNames.Values.Concat(world.Store.Load().GuestNames.Values).Distinct(StringComparer.Ordinal);
    }
}
