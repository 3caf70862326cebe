// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

[TestFixture]
internal sealed class SteadyClockTests
{
    [Test]
    public void Now_WhenTheClockIsSetBack_GoesOnAtTheMonotonicPace()
    {
        var time = new ManualTime();
        var clock = new SteadyClock(time);
        var before = clock.Now();

        time.Set = TimeSpan.FromHours(-1);
        time.Advance(TimeSpan.FromSeconds(5), () => { });

        Assert.That(clock.Now() - before, Is.EqualTo(TimeSpan.FromSeconds(5)));
    }

    [Test]
    public void Now_WhenTheClockIsSetForward_Follows()
    {
        var time = new ManualTime();
        var clock = new SteadyClock(time);

        time.Set = TimeSpan.FromHours(1);

        Assert.That(clock.Now(), Is.EqualTo(time.GetUtcNow()));
    }

    [Test]
    public void Plan_AfterAFailure_TriesAgainInTimeAlthoughTheClockWasSetBack()
    {
        using var world = new World();
        var guest = world.Guest();
        world.Host.DriversStay = true;
        var claim = world.Claim(world.Plugged(Some.Stick()), guest);
        world.Host.DriversStay = false;

        world.Time.Set = TimeSpan.FromHours(-3);
        world.Advance(world.Limits.HostDriverPatience * 3);

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attached, ClaimReason.None)));
    }
}
