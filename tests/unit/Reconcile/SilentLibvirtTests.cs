// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>libvirt is there and answers no call.</summary>
[TestFixture]
internal sealed class SilentLibvirtTests : StickTest
{
    private const string Since = "not answering since 2026-03-01 12:00:00 UTC";

    private static readonly HostEvent.LibvirtSilent Silent = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    [Test]
    public void Health_SilentLibvirt_IsNotConnectedAndSaysSinceWhen()
    {
        world.Do(h => h.Say(Silent));

        var health = Health();

        Assert.That((health.LibvirtConnected, health.LibvirtError), Is.EqualTo((false, Since)));
    }

    [Test]
    public void Health_LibvirtThatAnswersAgain_IsConnected()
    {
        world.Do(h => h.Say(Silent));
        world.Do(h => h.Say(new HostEvent.LibvirtAnswered()));

        Assert.That((Health().LibvirtConnected, Health().LibvirtError), Is.EqualTo((true, "")));
    }

    [Test]
    public void Health_GuestsListed_IsAnAnswer()
    {
        world.Do(h => h.Say(Silent));
        world.Do(h => h.RescanGuests());

        Assert.That(Health().LibvirtConnected, Is.True);
    }

    [Test]
    public void Claim_OnItsWayWhileLibvirtIsSilent_SaysSoAndGoesOnAfterwards()
    {
        var creating = world.Service.CreateClaimAsync(World.Root, new CreateClaimRequest { Device = "port:1-4", Guest = "guest" }, default).AsTask();
        world.Turn();
        var id = ClaimId.Parse(creating.GetAwaiter().GetResult().Id);
        world.Host.Say(Silent);
        world.Turn();

        Assert.Multiple(() =>
        {
            Assert.That(world.Stand(id), Is.EqualTo((ClaimPhase.Attaching, ClaimReason.LibvirtUnavailable)));
            Assert.That(world.Status(id).Detail, Is.EqualTo(Since));
        });

        world.Do(h => h.Say(new HostEvent.LibvirtAnswered()));

        Assert.That(world.Stand(id), Is.EqualTo((ClaimPhase.Attached, ClaimReason.None)));
        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Claim_AttachedWhileLibvirtIsSilent_SaysSo()
    {
        var claim = world.Claim(stick, guest);

        world.Do(h => h.Say(Silent));

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attached, ClaimReason.LibvirtUnavailable)));
    }

    [Test]
    public void StartGuest_WhileLibvirtIsSilent_IsRefusedAtOnce()
    {
        world.Do(h => h.Stop(guest));
        world.Do(h => h.Say(Silent));

        var refused = Assert.Throws<HostException>(() => world.Ask(s => s.StartGuestAsync(World.Root, new StartGuestRequest { Guest = "guest" }, default)))!;

        Assert.That((refused.Code, refused.Message), Is.EqualTo((ErrorCode.ErrorLibvirtUnavailable, "libvirt is " + Since)));
    }

    private Health Health() => world.Ask(s => s.GetHealthAsync(World.Root, new GetHealthRequest(), default));
}
