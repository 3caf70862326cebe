// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>Rules that name who may claim a device hold for whoever made the claim and for whoever moved it.</summary>
[TestFixture]
internal sealed class MoverTests : StickTest
{
    private const string Away = "serial:0951:1666:S-0001";
    private FakeGuest other = null!;

    [TestCase(true, false)]
    [TestCase(true, true)]
    [TestCase(false, false)]
    [TestCase(false, true)]
    public void Move_WhileAwayByAnotherThanTheRuleNames_IsNotAllowedWhenItComes(bool byCreating, bool restarted)
    {
        var claim = Moved(ruleFor: ["1000"], maker: World.Member, mover: World.Root, byCreating);
        if (restarted)
        {
            world.Restart();
        }

        Come();

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.NotAllowed)));
        Assert.That(world.Status(claim).Detail, Does.Contain("claim it, not uid 0, who moved it"));
        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Move_WhileAwayOfAClaimByAnotherThanTheRuleNames_IsNotAllowedWhenItComes(bool byCreating)
    {
        var claim = Moved(ruleFor: ["0"], maker: World.Member, mover: World.Root, byCreating);

        Come();

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.NotAllowed)));
        Assert.That(world.Status(claim).Detail, Does.Contain("not uid 1000"));
        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Move_WhileAwayByOneOfThoseThatTheRuleNames_IsAttachedWhenItComes(bool byCreating)
    {
        var claim = Moved(ruleFor: ["0", "1000"], maker: World.Member, mover: World.Root, byCreating);
        world.Restart();

        Come();

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([other]));
    }

    [Test]
    public void Move_BackByItsMaker_IsAttachedWhenItComes()
    {
        var claim = Moved(ruleFor: ["1000"], maker: World.Member, mover: World.Root, byCreating: false);
        Move(claim, "guest", World.Member);

        Come();

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Move_WhileAwayWithOverride_IsAttachedWhenItComes()
    {
        world.Reload(Rule("1000"));
        var claim = Claim("guest", World.Member, r => r.Move = false);
        other = world.Guest("other");

        Claim("other", World.Root, r => (r.Move, r.OverrideReason) = (true, "today"));
        Come();

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Reload_ForAnotherThanTheMover_TakesTheDeviceAway()
    {
        var claim = Moved(ruleFor: ["0", "1000"], maker: World.Member, mover: World.Root, byCreating: false);
        Come();
        Assume.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));

        world.Reload(Rule("1000"));

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.NotAllowed)));
        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    private static LoadedRules Rule(params string[] owners) =>
        TestRules.Of(new Rule { Target = RuleTarget.Allow, Source = new RuleSource("/r.conf", 7), Owners = [.. owners] });

    private ClaimId Moved(string[] ruleFor, Caller maker, Caller mover, bool byCreating)
    {
        world.Reload(Rule(ruleFor));
        other = world.Guest("other");
        world.Do(h => h.Pull(stick));
        var claim = Claim("guest", maker);
        if (byCreating)
        {
            Assert.That(Claim("other", mover, r => r.Move = true), Is.EqualTo(claim));
        }
        else
        {
            Move(claim, "other", mover);
        }

        return claim;
    }

    private ClaimId Claim(string into, Caller caller, Action<CreateClaimRequest>? with = null)
    {
        if (stick.IsPlugged)
        {
            world.Do(h => h.Pull(stick));
        }

        var request = new CreateClaimRequest { Device = Away, Guest = into };
        with?.Invoke(request);
        return ClaimId.Parse(world.Create(request, caller).Id);
    }

    private void Move(ClaimId claim, string into, Caller caller) =>
        world.Ask(s => s.MoveClaimAsync(caller, new MoveClaimRequest { Id = claim.ToString(), Guest = into }, default));

    private void Come() => world.Do(h => h.Plug(stick, "1-4"));
}
