// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;

namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>What a test of the loop begins with: a world of its own, and in it a guest.</summary>
internal abstract class WorldTest
{
    protected World world = null!;
    protected FakeGuest guest = null!;

    /// <summary>Whether the guest runs when the test begins.</summary>
    protected virtual bool GuestRuns => true;

    [SetUp]
    public void BeginWorld()
    {
        world = Begin();
        guest = world.Guest(running: GuestRuns);
    }

    [TearDown]
    public void EndWorld() => world.Dispose();

    protected virtual World Begin() => new();
}

/// <summary>As <see cref="WorldTest"/>, with a stick plugged in that nobody has claimed yet.</summary>
internal abstract class StickTest : WorldTest
{
    protected FakeDevice stick = null!;

    [SetUp]
    public void PlugStick() => stick = world.Plugged(Some.Stick());
}
