// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>A device that shows another serial at each plug is one flapping device all the same: its port tells.</summary>
[TestFixture]
internal sealed class PortFlapTests : WorldTest
{
    private int serial;

    [Test]
    public void Assign_AnotherSerialAtEachPlug_IsQuarantined()
    {
        world.Reload(Assigning());

        Flap(200, every: 0.4);

        // Ten plugs are let in; those that follow them within ten seconds are not, as the port never comes to rest.
        Assert.That(Attaches(), Is.EqualTo(world.Limits.FlapPlugs));
    }

    [Test]
    public void Assign_AnotherSerialAtEachPlug_SaysThatThePortFlaps()
    {
        world.Reload(Assigning());
        Flap(world.Limits.FlapPlugs, every: 0.1);

        world.Plugged(Next(), "1-4");

        var claim = Last();
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Quarantined)));
        Assert.That(world.Status(claim).Detail, Does.Contain("1-4").And.Contain("11 times"));
        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void Assign_AnotherSerialAtEachPlug_LeavesNothingInTheDatabase()
    {
        world.Reload(Assigning());

        Flap(50, every: 0.1);
        world.Advance(5);

        Assert.That(world.Store.Load().Quarantined, Is.Empty);
        Assert.That(world.Store.Audit.Count(a => a.Verb == "quarantine"), Is.EqualTo(1));
    }

    [Test]
    public void Assign_PortCameToRest_TheNextDeviceIsAttached()
    {
        world.Reload(Assigning());
        Flap(20, every: 0.1);

        world.Advance(world.Limits.FlapWindow);
        var calm = world.Plugged(Next(), "1-4");

        Assert.That(world.Host.GuestsWith(calm), Is.EqualTo([guest]));
    }

    [Test]
    public void Assign_AnotherPortFlaps_IsAttached()
    {
        world.Reload(Assigning());
        Flap(20, every: 0.1);

        var other = world.Plugged(Next(), "1-5");

        Assert.That(world.Host.GuestsWith(other), Is.EqualTo([guest]));
    }

    [Test]
    public void Assign_RetriedWhileItIsThere_IsAttached()
    {
        world.Reload(Assigning());
        Flap(20, every: 0.1);
        var stick = world.Plugged(Next(), "1-4");

        world.Retry(Last());

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Assign_OnBothHalvesOfOnePortInTurn_IsQuarantined()
    {
        world.Reload(Assigning());

        for (var i = 0; i < 40; i++)
        {
            Flap(1, every: 0.2, port: i % 2 == 0 ? "1-4" : "2-4");
        }

        Assert.That(Attaches(), Is.EqualTo(world.Limits.FlapPlugs));
    }

    [Test]
    public void Fold_PlugsIntoEverNewPorts_KeepsOnlyThoseOfTheLastMoments()
    {
        for (var i = 0; i < 1000; i++)
        {
            Flap(1, every: 0.5, port: $"1-1.{(i / 100) + 1}.{(i / 10 % 10) + 1}.{(i % 10) + 1}");
        }

        Assert.That(world.State.PortPlugs, Has.Count.LessThan(100));
    }

    private static LoadedRules Assigning() => TestRules.Of(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob("guest")] });

    private FakeDevice Next() => Some.Stick($"S-X{++serial:0000}");

    private ClaimId Last() => world.State.RuleClaims.Single(c => world.Stored(c).Follows.SerialText == $"S-X{serial:0000}");

    private int Attaches() => world.Host.Done.Count(d => d.StartsWith("attach", StringComparison.Ordinal));

    private void Flap(int times, double every, string port = "1-4")
    {
        for (var i = 0; i < times; i++)
        {
            var stick = world.Plugged(Next(), port);
            world.Do(h => h.Pull(stick));
            world.Advance(every);
        }
    }
}
