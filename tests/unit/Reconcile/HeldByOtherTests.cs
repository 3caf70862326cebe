// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Guests;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>libvirt says that a guest has the device, and nothing that is known of the guests shows it.</summary>
[TestFixture]
internal sealed class HeldByOtherTests : StickTest
{
    [Test]
    public void Plan_GuestThatLibvirtNames_IsNamed()
    {
        var other = world.Guest("other");
        Refuse(ClaimReason.HeldByOther, "other");
        var claim = world.Claim(stick, guest);

        world.Advance(TimeSpan.FromHours(1));

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.HeldByOther)));
        Assert.That(world.Status(claim).OtherGuest, Is.EqualTo(other.Id));
    }

    [Test]
    public void Plan_GuestThatNobodyKnows_ShowsWhatLibvirtSaid()
    {
        Refuse(ClaimReason.HeldByOther, "elsewhere");
        var claim = world.Claim(stick, guest);

        world.Advance(TimeSpan.FromHours(1));

        Assert.That((world.Status(claim).OtherGuest, world.Status(claim).Detail), Is.EqualTo(((Policy.Identity.GuestId?)null, "in use, domain elsewhere")));
    }

    [Test]
    public void Plan_HeldForLong_GoesOnByItselfWhenItIsFree()
    {
        Refuse(ClaimReason.HeldByOther, "elsewhere");
        var claim = world.Claim(stick, guest);
        world.Advance(TimeSpan.FromHours(1));
        world.Host.Before = null;

        world.Advance(world.Limits.LongestRetry);

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Fold_HeldForLong_IsTriedAtTheLongestWait()
    {
        using var patient = new World(limits: new ReconcileLimits { MostFailures = 2 });
        var tries = 0;
        patient.Host.Before = verb =>
        {
            if (verb == "attach")
            {
                tries++;
                throw Refusal(ClaimReason.HeldByOther, "elsewhere");
            }
        };
        patient.Claim(patient.Plugged(Some.Stick()), patient.Guest());

        patient.Advance(patient.Limits.LongestRetry * 10);

        Assert.That(tries, Is.InRange(10, 13));
    }

    [Test]
    public void Fold_FailureAfterALongHold_CountsAnew()
    {
        Refuse(ClaimReason.HeldByOther, "elsewhere");
        var claim = world.Claim(stick, guest);
        world.Advance(TimeSpan.FromHours(1));
        Refuse(ClaimReason.AttachFailed, holder: null);

        world.Advance(world.Limits.LongestRetry);

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attaching, ClaimReason.RetryLater)));
    }

    [Test]
    public void Fold_HeldForLong_IsAuditedOnce()
    {
        Refuse(ClaimReason.HeldByOther, "elsewhere");
        world.Claim(stick, guest);

        world.Advance(TimeSpan.FromHours(1));

        Assert.That(world.Store.Audit.Where(a => a.Verb == "attach").Select(a => a.Outcome), Is.EqualTo(["HeldByOther"]));
    }

    private void Refuse(ClaimReason reason, string? holder) => world.Host.Before = verb => _ = verb == "attach" ? throw Refusal(reason, holder) : 0;

    private static GuestHostException Refusal(ClaimReason reason, string? holder) => new(reason, $"in use, domain {holder}", transient: true) { Holder = holder };
}
