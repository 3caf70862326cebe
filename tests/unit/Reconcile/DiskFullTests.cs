// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Reconcile.Sim;
using GuestWish = UsbHostd.Core.Guests.GuestWish;

namespace UsbHostd.Tests.Reconcile;

[TestFixture]
internal sealed class DiskFullTests : StickTest
{
    protected override World Begin() => new() { ChecksQuiet = false };

    [Test]
    public void Ask_DiskFull_RefusesAndDoesNothing()
    {
        world.Store.IsFull = true;
        world.Host.Done.Clear();

        var refused = Assert.Throws<HostException>(() => world.Claim(stick, guest))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorStorageFull));
        Assert.That(world.State.Claims, Is.Empty);
        Assert.That(world.Host.Done, Is.Empty);
    }

    [Test]
    public void Ask_DiskHasRoomAgain_Accepts()
    {
        world.Store.IsFull = true;
        Assert.Throws<HostException>(() => world.Claim(stick, guest));
        world.Store.IsFull = false;

        world.Claim(stick, guest);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Turn_IntentNotDurable_NothingIsGivenBecauseOfIt()
    {
        world.Store.IsFull = true;

        world.Do(h => h.Redefine(guest, new GuestWish("serial:0951:1666:S-0001", Optional: false)));

        Assert.That(world.State.Claims.Values.Select(e => e.Claim.Origin), Is.EqualTo(new[] { ClaimOrigin.Metadata }));
        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    [Test]
    public void Turn_WhatWasAskedForIsDurableLater_IsGivenByItself()
    {
        world.Store.IsFull = true;
        world.Do(h => h.Redefine(guest, new GuestWish("serial:0951:1666:S-0001", Optional: false)));

        world.Store.IsFull = false;
        world.Advance(TimeSpan.FromMinutes(1));

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Turn_EndNotDurable_TakesTheDeviceOut()
    {
        world.Claim(stick, guest, r => r.Lifetime = Lifetime.UntilGuestStops);
        world.Store.IsFull = true;

        world.Do(h => h.ManagedSave(guest));
        world.Do(h => h.Start(guest));
        world.Advance(1);

        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    [Test]
    public void Release_DiskFull_TakesTheDeviceOut()
    {
        var claim = world.Claim(stick, guest);
        world.Store.IsFull = true;

        world.Release(claim);

        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
    }

    [Test]
    public void Release_OfWhatARuleGivesWhileTheDiskIsFull_TakesTheDeviceOut()
    {
        world.Reload(TestRules.Of(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob(guest.Name)] }));
        Assume.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
        world.Store.IsFull = true;

        world.Release(world.State.RuleClaims.Single());

        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    [Test]
    public void Release_DiskHasRoomAgain_IsStoredAndAudited()
    {
        var claim = world.Claim(stick, guest);
        world.Store.IsFull = true;
        world.Release(claim);

        world.Store.IsFull = false;
        world.Advance(TimeSpan.FromMinutes(1));

        Assert.That(world.Store.Claims[claim].Released, Is.Not.Null);
        Assert.That(world.Store.Audit.Select(a => (a.Verb, a.Caller, a.Outcome)), Has.Member(("claim-release", "uid:0", "ok")));
    }

    [Test]
    public void Replug_500TimesWhileTheDiskIsFull_WritesLittle()
    {
        world.Claim(stick, guest);
        world.Store.IsFull = true;

        for (var i = 0; i < 500; i++)
        {
            world.Do(h => h.Replug(stick));
            world.Advance(2);
        }

        Assert.That(world.Store.MostRows, Is.LessThan(Journal.MostAudit + Journal.MostMemory));
        Assert.That(world.Store.Rows, Is.LessThan(50_000));
    }

    [Test]
    public void Replug_800TimesAndThenThereIsRoom_TellsHowMuchOfTheAuditWasLost()
    {
        world.Claim(stick, guest);
        world.Store.IsFull = true;
        for (var i = 0; i < 800; i++)
        {
            world.Do(h => h.Replug(stick));
            world.Advance(2);
        }

        world.Store.IsFull = false;
        world.Advance(TimeSpan.FromMinutes(1));

        Assert.That(world.Store.Audit.Where(a => a is { Verb: "audit", Outcome: "lost" }).Select(a => a.Detail), Has.One.Contains("lines were not stored"));
        Assert.That(world.Store.Audit, Has.Count.LessThan(Journal.MostAudit + 50));
    }

    [Test]
    public void Turn_IntentDurableLater_GoesOnByItself()
    {
        var claim = world.Claim(stick, guest, r => r.Lifetime = Lifetime.UntilGuestStops);
        world.Store.IsFull = true;
        world.Do(h => h.ManagedSave(guest));
        world.Do(h => h.Start(guest));

        world.Store.IsFull = false;
        world.Advance(TimeSpan.FromMinutes(1));

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
        Assert.That(world.Store.Claims[claim].Released, Is.Not.Null);
        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    [Test]
    public void Turn_DiskFull_OtherClaimsGoOn()
    {
        world.Claim(stick, guest);
        world.Store.IsFull = true;

        world.Do(h => h.Replug(stick));

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Turn_DiskFull_DoesNotSpin()
    {
        world.Claim(stick, guest, r => r.Lifetime = Lifetime.UntilGuestStops);
        world.Store.IsFull = true;
        var tries = 0;
        world.Store.Before = () => tries++;
        world.Do(h => h.Stop(guest));
        tries = 0;

        world.Advance(TimeSpan.FromMinutes(1));

        Assert.That(tries, Is.InRange(1, 60));
    }
}
