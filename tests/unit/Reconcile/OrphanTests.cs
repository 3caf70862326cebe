// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Presentation;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>An alias of ours whose device is gone is ours to clean up, whoever remembers its claim.</summary>
[TestFixture]
internal sealed class OrphanTests : StickTest
{
    [TestCase(true)]
    [TestCase(false)]
    public void NewDatabase_DeviceIsGone_IsTakenOut(bool lostWhole)
    {
        Orphan(lostWhole);

        world.Start();

        Assert.That(guest.Hostdevs, Is.Empty);
        Assert.That(world.Store.Claims, Is.Empty);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void NewDatabase_AnotherHasTheNumberOfADeviceThatIsGone_Attaches(bool otherGuest)
    {
        var number = stick.Address.Device;
        Orphan(lostWhole: true);
        world.Start();
        var into = otherGuest ? world.Guest("other") : guest;
        var claim = world.Claim("serial:0951:1666:S-2222", into);

        var other = Some.Stick("S-2222", "other");
        world.Do(h => h.Plug(other, "1-6", number));

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(world.Host.GuestsWith(other), Is.EqualTo([into]));
    }

    [Test]
    public void Refusal_NumberOfAnOrphanThatIsOnItsWayOut_IsNotSomebodyElses()
    {
        var number = stick.Address.Device;
        Orphan(lostWhole: true);
        world.Host.DetachHangs = true;
        world.Start();
        var other = Some.Stick("S-2222", "other");
        world.Do(h => h.Plug(other, "1-6", number));

        var claim = world.Claim(other, guest);

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attaching, ClaimReason.None)));
        world.Do(h => h.DetachHangs = false);
        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void NewDatabase_GuestIsRestoredWithAnEmptyPlace_IsTakenOut()
    {
        world.Claim(stick, guest);
        world.Do(h => h.ManagedSave(guest));
        Lose();
        world.Host.Pull(stick);
        world.Host.Start(guest);
        Assume.That(guest.Hostdevs.Single().Missing);

        world.Start();

        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void Recovered_DeviceIsPulledWhileHeld_EntryLeavesAndTheClaimIsStillHeld()
    {
        var claim = Recovered();

        world.Do(h => h.Pull(stick));

        Assert.That(guest.Hostdevs, Is.Empty);
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Recovered)));
    }

    [Test]
    public void Recovered_DeviceLeavesWhileTheDaemonIsDown_EntryLeaves()
    {
        Recovered();
        world.Crash();
        world.Host.Pull(stick);

        world.Start();

        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public void Recovered_AnotherHasTheNumberOfItsPulledDevice_Attaches()
    {
        Recovered();
        var (number, other) = (stick.Address.Device, Some.Stick("S-2222", "other"));
        world.Host.Pull(stick);
        world.Do(h => h.Plug(other, "1-6", number));

        var claim = world.Claim(other, guest);

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(guest.Hostdevs.Select(h => h.Device), Is.EqualTo([other]));
    }

    [Test]
    public void Recovered_ATwinComes_NothingIsTakenOut()
    {
        var claim = Recovered();

        world.Plugged(Some.Stick(name: "twin"), "1-2");
        world.Advance(world.Limits.TwinPatience * 2);

        Assert.That(world.Host.Done, Is.Empty);
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Recovered)));
    }

    [Test]
    public void Refusal_DeadEntryOfSomebodyElseForAnotherDevice_SaysWhatItIs()
    {
        var (foreign, number) = (world.Plugged(Some.Dongle(), "1-7"), 0);
        world.Do(h => h.AttachForeign(guest, foreign));
        number = foreign.Address.Device;
        world.Do(h => h.Pull(foreign));
        var claim = world.Claim("serial:0951:1666:S-2222", guest);

        world.Do(h => h.Plug(Some.Stick("S-2222", "other"), "1-6", number));

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.HeldByOther)));
        Assert.That(
            StatusText.Message(world.State, world.Stored(claim), world.Status(claim)),
            Does.Contain("0529:0001").And.Contain("guest guest").And.Not.Contain("was put into"));
        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
    }

    private ClaimId Recovered()
    {
        var claim = world.Claim(stick, guest);
        Lose();
        world.Start();
        Assume.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Recovered)));
        world.Host.Done.Clear();
        return claim;
    }

    private void Lose()
    {
        world.Crash();
        world.Store.Clear();
    }

    /// <summary>The daemon is dead, the database is lost or older, and the stick is pulled.</summary>
    private void Orphan(bool lostWhole)
    {
        var claim = world.Claim(stick, guest);
        world.Crash();
        if (lostWhole)
        {
            world.Store.Clear();
        }
        else
        {
            world.Store.Forget(claim);
        }

        world.Host.Pull(stick);
    }
}
