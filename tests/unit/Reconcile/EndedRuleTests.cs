// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>No claim by rule outlives its rule, also where its device is away.</summary>
[TestFixture]
internal sealed class EndedRuleTests : StickTest
{
    [Test]
    public void Reload_RuleIsGoneAndTheDeviceAway_EndsTheClaim()
    {
        var claim = Assigned(stick);
        world.Do(h => h.Pull(stick));

        world.Reload(TestRules.AllowAll);

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
    }

    [Test]
    public void Reload_RuleIsGoneAndAnotherDeviceInItsPort_EndsTheClaim()
    {
        var bare = world.Plugged(Some.Stick(serial: null, name: "bare"), "1-5");
        var claim = Assigned(bare);
        world.Do(h => h.Pull(bare));
        world.Plugged(Some.Dongle(), "1-5");

        world.Reload(TestRules.AllowAll);

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void Reload_RuleIsGoneAndItsDeviceHeldBackAndAway_EndsTheHold(bool restarted)
    {
        var claim = Assigned(stick);
        world.Release(claim);
        world.Do(h => h.Pull(stick));

        GoOn(TestRules.AllowAll, restarted);

        Assert.That(world.State.Claims.GetValueOrDefault(claim)?.Stands ?? false, Is.False);
        Assert.That(world.Store.Claims, Is.Empty);
    }

    [TestCase(false)]
    [TestCase(true)]
    public void Reload_RuleStaysAndItsDeviceHeldBackAndAway_KeepsTheHold(bool restarted)
    {
        var claim = Assigned(stick);
        world.Release(claim);
        world.Do(h => h.Pull(stick));

        GoOn(Assigning(serial: "S-0001"), restarted);
        world.Do(h => h.Plug(stick, "1-4"));

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Withheld)));
        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void Reload_OnlyAnotherDeviceIsAssignedToThatGuest_EndsTheHold()
    {
        var claim = Assigned(stick);
        world.Release(claim);
        world.Do(h => h.Pull(stick));

        world.Reload(Assigning(serial: "S-2222"));

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
    }

    [Test]
    public void Release_AfterTheRuleIsGone_SaysThatItIsReleased()
    {
        var claim = Assigned(stick);
        world.Do(h => h.Pull(stick));
        world.Reload(TestRules.AllowAll);

        var released = world.Ask(s => s.ReleaseClaimAsync(World.Root, new ReleaseClaimRequest { Id = claim.ToString() }, default));

        Assert.That(released.Phase, Is.EqualTo(Phase.Released));
        Assert.That(released.Message, Does.Not.Contain("a rule gives"));
        Assert.That(world.Store.Claims, Is.Empty);
    }

    private static LoadedRules Assigning(string? serial = null) => TestRules.Of(new Rule
    {
        Target = RuleTarget.Assign,
        ToGuest = [new Glob("guest")],
        Serial = serial is null ? null : new RuleAttribute<string>(SetOperator.Equals, [serial], IsSet: false),
    });

    private ClaimId Assigned(FakeDevice device)
    {
        world.Reload(Assigning());
        return world.State.RuleClaims.Single(c => world.Status(c).Device?.Plug == device.Plug);
    }

    private void GoOn(LoadedRules rules, bool restarted)
    {
        if (restarted)
        {
            world.Rules = rules;
            world.Restart();
        }
        else
        {
            world.Reload(rules);
        }
    }
}
