// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;
using static UsbHostd.Tests.Rules.RuleParts;

namespace UsbHostd.Tests.Service;

/// <summary>The guests in sight, all at once, beside what is said of each alone.</summary>
[TestFixture]
internal sealed class GuestSightTests : StickTest
{
    private static readonly LoadedRules[] SomeRules =
    [
        TestRules.AllowAll,
        TestRules.Of(),
        TestRules.Of(new Rule { Target = RuleTarget.Allow, Id = Single(new UsbIdPattern(0x0951, null)), ToGuest = [new Glob("guest*")] }),
        TestRules.Of(
            new Rule { Target = RuleTarget.Block, Id = Single(new UsbIdPattern(0x0951, null)) },
            new Rule { Target = RuleTarget.Allow, ToGuest = [new Glob("other"), new Glob("*2")] }),
        TestRules.Of(new Rule { Target = RuleTarget.Ask }),
        TestRules.Of(new Rule { Target = RuleTarget.Allow, Id = Single(new UsbIdPattern(Some.Keyboard().UsbId.Vendor, Some.Keyboard().UsbId.Product)) }),
    ];

    private readonly Grant grant = new(World.User, Roles.User);

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void Look_AfterManyChanges_SeesWhatIsSeenOfEachAlone(int seed)
    {
        var random = new Random(seed);
        var sight = new GuestSight(grant);
        var (keyboard, other) = (Some.Keyboard(), world.Guest("other"));
        for (var step = 0; step < 150; step++)
        {
            Change(random, keyboard, other, step);

            var (looked, before) = (new List<Policy.Identity.GuestId>(world.State.Guests.Keys.Where(sight.Sees)), world.State);
            var isOther = sight.Look(world.State);

            var seen = world.State.Guests.Keys.Where(sight.Sees).ToList();
            Assert.That(seen, Is.EquivalentTo(before.Guests.Keys.Where(id => grant.Sees(before, id))), $"step {step}");
            Assert.That(isOther || seen.SequenceEqual(looked), Is.True, $"step {step} changed what is seen, and was not told");
        }
    }

    [Test]
    public void Look_ChangeThatMeansNothing_IsNoOther()
    {
        var sight = new GuestSight(grant);
        var first = sight.Look(world.State);
        world.Ask(s => s.SetDeviceLabelAsync(World.Root, new() { Device = "port:1-4", Label = "x" }, default));

        Assert.That((first, sight.Look(world.State)), Is.EqualTo((true, false)));
    }

    [Test]
    public void Sees_WhoSeesAll_IsEverything() => Assert.That(new GuestSight(new Grant(World.Viewer, Roles.Viewer)).Sees(guest.Id), Is.True);

    private void Change(Random random, FakeDevice keyboard, FakeGuest other, int step)
    {
        switch (random.Next(7))
        {
            case 0:
                world.Reload(SomeRules[random.Next(SomeRules.Length)]);
                break;
            case 1 when keyboard.IsPlugged:
                world.Do(h => h.Pull(keyboard));
                break;
            case 1:
                world.Plugged(keyboard, "1-5");
                break;
            case 2:
                world.Do(h => h.Replug(stick));
                break;
            case 3:
                world.Do(h => h.Rename(other, step % 2 == 0 ? "guest2" : "other"));
                break;
            case 4:
                world.Guest($"guest{step}", running: false);
                break;
            case 5:
                Try(() => world.Create(new() { Device = "port:1-4", Guest = other.Id.ToString() }, random.Next(2) == 0 ? World.User : World.Root));
                break;
            default:
                foreach (var claim in world.State.Claims.Values.Where(e => e.Stands).Select(e => e.Id).ToList())
                {
                    Try(() => world.Release(claim));
                }

                break;
        }

        world.Advance(1);
    }

    /// <summary>What is refused changes nothing, which may be compared as well.</summary>
    private static void Try(Action ask)
    {
        try
        {
            ask();
        }
        catch (HostException refused)
        {
            TestContext.Out.WriteLine(refused.Message);
        }
    }
}
