// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;
using GuestRun = UsbHostd.Core.Guests.GuestRun;

namespace UsbHostd.Tests.Reconcile;

/// <summary>libvirt counts its domains anew after its own restart: one id may name two runs of a guest.</summary>
[TestFixture]
internal sealed class GuestRunTests : StickTest
{
    [Test]
    public void UntilGuestStops_StoppedWhileTheDaemonWasDownAndBackWithTheSameId_Ends()
    {
        var claim = Claim();
        var id = guest.DomainId;
        world.Crash();

        RestartWithTheSameId();
        Assume.That(guest.DomainId, Is.EqualTo(id));
        world.Start();

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    [Test]
    public void Plan_StoppedWhileLibvirtWasAwayAndBackWithTheSameId_AttachesAnew()
    {
        var claim = world.Claim(stick, guest);
        world.Do(h => h.LoseLibvirt());

        RestartWithTheSameId();
        world.Do(h => h.RegainLibvirt());

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void UntilGuestStops_StoredBeforeTheStartWasKept_StandsAndTakesItOver()
    {
        var claim = Claim();
        world.Crash();
        Store(claim, new GuestRun(FakeHost.BootId, guest.DomainId!.Value));

        world.Start();

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(world.Store.Claims[claim].LifetimeRun?.Started, Is.EqualTo(guest.Started));
    }

    [Test]
    public void UntilGuestStops_StartCannotBeRead_StandsAndKeepsWhatItKnows()
    {
        var claim = Claim();
        var started = guest.Started;
        world.Crash();
        guest.Started = null;

        world.Start();
        world.Do(h => h.SetState(guest, Core.Guests.GuestState.Paused));

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(world.Store.Claims[claim].LifetimeRun?.Started, Is.EqualTo(started));
    }

    [Test]
    public void Plan_StartCannotBeReadAnyMore_TakesItForTheSameRun()
    {
        var claim = world.Claim(stick, guest);
        world.Host.Done.Clear();

        guest.Started = null;
        world.Do(h => h.RescanGuests());

        Assert.That(world.Host.Done, Is.Empty);
        Assert.That(world.State.Guests[guest.Id].Run?.Started, Is.Not.Null);
        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [TestCase("6f2c/4")]
    [TestCase("6f2c/4/204140")]
    public void Parse_WhatIsWritten_IsTheSame(string text) => Assert.That(GuestRun.Parse(text)?.ToString(), Is.EqualTo(text));

    [TestCase(null)]
    [TestCase("")]
    [TestCase("6f2c")]
    [TestCase("/4")]
    [TestCase("6f2c/-4")]
    [TestCase("6f2c/4/")]
    [TestCase("6f2c/4/5/6")]
    public void Parse_AnythingElse_IsNothing(string? text) => Assert.That(GuestRun.Parse(text), Is.Null);

    private void Store(ClaimId claim, GuestRun run) =>
        world.Store.Commit([new StoreChange.PutClaim(world.Store.Claims[claim] with { LifetimeRun = run })]);

    private ClaimId Claim() => world.Claim(stick, guest, r => r.Lifetime = Lifetime.UntilGuestStops);

    private void RestartWithTheSameId()
    {
        world.Host.Stop(guest);
        world.Host.RewindDomains();
        world.Host.Start(guest);
    }
}
