// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using NUnit.Framework;
using UsbHostd.Core.Guests;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>In a guest with several controllers a device goes where it runs fastest.</summary>
[TestFixture]
internal sealed class ControllerTests : WorldTest
{
    [Test]
    public void Plan_OldControllerBeforeANewOne_GoesWhereItIsFastest()
    {
        var (stick, mixed) = (world.Plugged(Some.Stick()), With(FakeGuest.Mixed));

        world.Claim(stick, mixed);

        Assert.That(mixed.Hostdevs.Single().Controller, Is.EqualTo(1));
    }

    [Test]
    public void Plan_StreamsAndAnOldControllerBeforeANewOne_Attaches()
    {
        var (disk, mixed) = (world.Plugged(Some.SuperSpeedDisk(), "2-3"), With(FakeGuest.Mixed));

        world.Claim(disk, mixed);

        Assert.That(world.Host.GuestsWith(disk), Is.EqualTo([mixed]));
    }

    [Test]
    public void Plan_NewControllerIsFull_GoesToTheOldOneAtOnce()
    {
        var mixed = world.Host.Define("special", FakeGuest.Mixed);
        world.Settle();
        var sticks = new[] { world.Plugged(Some.Stick(), "1-1"), world.Plugged(Some.Stick("S-0002"), "1-2") };
        foreach (var stick in sticks)
        {
            world.Claim(stick, mixed);
        }

        world.Do(h => h.Start(mixed));

        Assert.That(mixed.Hostdevs.Select(h => h.Controller).Order(), Is.EqualTo([0, 1]));
    }

    private FakeGuest With(ImmutableArray<GuestUsbController> controllers)
    {
        var with = world.Host.Define("special", controllers);
        world.Do(h => h.Start(with));
        return with;
    }
}
