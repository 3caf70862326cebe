// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>What rules say of the use of a device: by whose guest, and past the guard.</summary>
[TestFixture]
internal sealed class RuleUseTests : StickTest
{
    private static readonly Rule Allow = new() { Target = RuleTarget.Allow };

    [Test]
    public void Assign_NameOf32HexDigits_IsTheGuestOfThatName()
    {
        var digits = world.Guest("6f2c1d9a0b3e4c5d8e7fa1b2c3d4e5f6");

        world.Reload(Assigning(digits.Name));

        Assert.That(digits.Hostdevs, Has.Count.EqualTo(1));
    }

    [Test]
    public void Assign_UuidInAnotherForm_IsNoGuestsUuid()
    {
        world.Reload(Assigning($"{guest.Id.Uuid:N}"));

        Assert.That(world.State.RuleClaims, Is.Empty);
    }

    [Test]
    public void Assign_UuidOfNoGuest_IsNobodysName()
    {
        world.Guest("00000000-0b3e-4c5d-8e7f-a1b2c3d4e5f6");

        world.Reload(Assigning("00000000-0b3e-4c5d-8e7f-a1b2c3d4e5f6"));

        Assert.That(world.State.RuleClaims, Is.Empty);
    }

    [Test]
    public void Reload_RuleSaysAnotherModeAndReset_ItsClaimHasThem()
    {
        var rule = Assigning(guest.Name).Set.Rules[0];
        world.Reload(TestRules.Of(rule with { Mode = ClaimMode.Spicevmc }));
        var claim = world.State.RuleClaims.Single();
        Assume.That(world.Stand(claim).Reason, Is.EqualTo(ClaimReason.UnsupportedMode));

        world.Reload(TestRules.Of(rule with { GuestReset = Policy.Rules.GuestReset.On }));

        Assert.That((world.Stand(claim).Phase, world.Stored(claim).GuestReset), Is.EqualTo((ClaimPhase.Attached, Policy.Rules.GuestReset.On)));
    }

    [Test]
    public void Assign_SharedSerialWhoseClaimLosesItsDevice_EachDeviceIsClaimedByItsPort()
    {
        world.Reload(Assigning(guest.Name));
        world.Plugged(Some.Stick(name: "twin"), "1-5");
        world.Advance(60);
        world.Do(h => h.Pull(stick));
        world.Advance(60);

        world.Plugged(stick);

        var standing = world.State.Claims.Values.Where(e => e.Stands).Select(e => world.Stand(e.Id)).ToList();
        Assert.That(standing, Is.EqualTo(Enumerable.Repeat((ClaimPhase.Attached, ClaimReason.None), 2)));
    }

    [Test]
    public void Claim_GuardedDeviceWithAnUnsafeRule_IsAttached()
    {
        world.Do(h => h.Use(stick, new Policy.Devices.HostUse(Policy.Devices.HostUseKind.Mount, "/dev/sda1 on /srv")));
        Assert.That(Refusal(stick, guest).Code, Is.EqualTo(ErrorCode.ErrorInUseByHost));
        world.Reload(TestRules.Of(Allow with { Unsafe = "a test" }));

        Assert.That(world.Stand(world.Claim(stick, guest)).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Claim_GuardedDeviceWithAnUnsafeRule_IsAuditedAndShownWithItsReason()
    {
        world.Do(h => h.Use(stick, new Policy.Devices.HostUse(Policy.Devices.HostUseKind.Mount, "/dev/sda1 on /srv")));
        world.Reload(TestRules.Of(Allow with { Unsafe = "a test", Source = new RuleSource("/r.conf", 7) }));

        var claim = world.Claim(stick, guest);

        Assert.That(world.Store.Audit.Single(a => a.Verb == "attach").Detail, Does.Contain("unsafe by the rule at /r.conf:7: a test"));
        var shown = world.Ask(s => s.GetClaimAsync(World.Root, new GetClaimRequest { Id = claim.ToString() }, default));
        Assert.That((shown.UnsafeReason, shown.ForceReason), Is.EqualTo(("a test", "")));
    }

    [Test]
    public void Reload_UnsafeForAnotherReason_IsNewsOfTheClaim()
    {
        world.Reload(TestRules.Of(Allow with { Unsafe = "a test" }));
        var claim = world.Claim(stick, guest);
        var before = world.Status(claim);

        world.Reload(TestRules.Of(Allow with { Unsafe = "another" }));

        Assert.That(before.ShowsSame(world.Status(claim)), Is.False);
    }

    [Test]
    public void Claim_WithForce_IsAuditedWithItsAttach()
    {
        world.Claim(stick, guest, r => r.ForceReason = "rescue");

        Assert.That(world.Store.Audit.Single(a => a.Verb == "attach").Detail, Does.EndWith("to guest guest, force: rescue"));
    }

    [Test]
    public void Reread_WithoutDescriptors_LeavesWhatTheNextReloadJudgesBy()
    {
        world.Do(h => h.Pull(stick));
        var known = world.Plugged(new FakeDevice { Name = "known", UsbId = Some.StickId, Serial = "S-0002", Hash = "aGFzaA==" });
        var rules = TestRules.Of(Allow with { Hash = new RuleAttribute<string>(SetOperator.Equals, ["aGFzaA=="], IsSet: false) });
        world.Reload(rules);
        var claim = world.Claim(known, guest);

        world.Do(h => h.Say(new HostEvent.DeviceReread(known.Seen() with { Hash = null, HasReadDescriptors = false })));
        world.Reload(rules);

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    private static LoadedRules Assigning(string to) => TestRules.Of(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob(to)] });

    private UsbHostd.Daemon.Errors.HostException Refusal(FakeDevice device, FakeGuest into) =>
        Assert.Throws<UsbHostd.Daemon.Errors.HostException>(() => world.Claim(device, into))!;
}
