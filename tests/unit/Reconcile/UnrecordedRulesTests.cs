// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>Rules that are loaded while nothing can be written: what they take away is gone at once, what they give waits.</summary>
[TestFixture]
internal sealed class UnrecordedRulesTests : StickTest
{
    private static readonly Rule Allow = new() { Target = RuleTarget.Allow };
    private static readonly Rule Block = new() { Target = RuleTarget.Block };

    protected override World Begin() => new() { ChecksQuiet = false };

    [Test]
    public void Reload_TakesAway_TheDeviceLeavesAtOnce()
    {
        world.Claim(stick, guest);

        ReloadOnFullDisk(Block);

        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
        Assert.That(world.State.Rules, Is.SameAs(world.Rules));
    }

    [Test]
    public void Reload_TakesAway_DevicePluggedInLaterIsNotAttached()
    {
        var claim = world.Claim(stick, guest);
        world.Do(h => h.Pull(stick));

        ReloadOnFullDisk(Block);
        world.Do(h => h.Plug(stick, "1-5"));

        Assert.That((world.Host.GuestsWith(stick).Count, world.Stand(claim).Reason), Is.EqualTo((0, ClaimReason.NotAllowed)));
    }

    [Test]
    public void Reload_BothAllowIt_DevicePluggedInLaterIsAttached()
    {
        world.Claim(stick, guest);

        ReloadOnFullDisk(Allow with { ToGuest = [new Glob(guest.Name)] });
        world.Do(h => h.Replug(stick));

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Reload_Gives_WaitsUntilItIsRecorded(bool pluggedInLater)
    {
        world.Claim(stick, guest);
        world.Reload(LoadedRules.None);

        ReloadOnFullDisk(Allow);
        if (pluggedInLater)
        {
            world.Do(h => h.Replug(stick));
        }

        var meanwhile = world.Host.GuestsWith(stick).ToList();
        RoomAgain();

        Assert.That(meanwhile, Is.Empty);
        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Reload_GivesToAnotherCaller_WaitsUntilItIsRecorded()
    {
        world.Claim(stick, guest);
        world.Reload(TestRules.Of(Allow with { Owners = ["1000"] }));

        ReloadOnFullDisk(Allow with { Owners = ["0"] });

        var meanwhile = world.Host.GuestsWith(stick).ToList();
        RoomAgain();

        Assert.That(meanwhile, Is.Empty);
        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Reload_AssignsWhatWasOnlyAllowed_GivesNothingByItselfUntilItIsRecorded()
    {
        ReloadOnFullDisk(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob(guest.Name)] });

        var meanwhile = world.Host.GuestsWith(stick).ToList();
        RoomAgain();

        Assert.That(meanwhile, Is.Empty);
        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Reload_SecondOne_IsStillHeldAgainstTheRulesThatWereRecorded()
    {
        world.Claim(stick, guest);
        world.Reload(LoadedRules.None);

        ReloadOnFullDisk(Allow);
        ReloadOnFullDisk(Allow with { ToGuest = [new Glob("*")] });

        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    [Test]
    public void Reload_RoomAgain_IsAudited()
    {
        ReloadOnFullDisk(Block);

        RoomAgain();

        Assert.That(world.Store.Audit.Select(a => (a.Verb, a.Outcome)), Has.Member(("policy-reload", "ok")));
    }

    [Test]
    public void Reload_FullDisk_HealthAndTheAnswerSaySo()
    {
        var answer = ReloadOnFullDisk(Block);
        var meanwhile = Waiting();
        RoomAgain();

        Assert.That(answer.Warnings, Has.One.Contains("nothing can be written"));
        Assert.That((meanwhile.Length > 0, Waiting()), Is.EqualTo((true, "")));

        string Waiting() => world.Ask(s => s.GetHealthAsync(World.Root, new(), default)).RulesWaiting;
    }

    [Test]
    public void Reload_NotInOrderOnFullDisk_SaysWhatIsWrong()
    {
        world.Store.IsFull = true;
        world.RulesFault = "/r.conf:1:1: no rule";

        Assert.That(
            () => world.Ask(s => s.ReloadPolicyAsync(World.Root, new(), default)),
            Throws.TypeOf<Daemon.Errors.HostException>().With.Message.Contains("/r.conf:1:1"));
    }

    private Api.V1.ReloadPolicyResponse ReloadOnFullDisk(params Rule[] rules)
    {
        world.Store.IsFull = true;
        world.Rules = TestRules.Of(rules);
        return world.Ask(s => s.ReloadPolicyAsync(World.Root, new(), default));
    }

    private void RoomAgain()
    {
        world.Store.IsFull = false;
        world.Advance(TimeSpan.FromMinutes(2));
    }
}
