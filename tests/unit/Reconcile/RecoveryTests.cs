// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Guests;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.State;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>A daemon, a libvirt or a database that was away meanwhile.</summary>
[TestFixture]
internal sealed class RecoveryTests : StickTest
{
    [Test]
    public void Plan_DaemonRestarted_TouchesNothing()
    {
        var claim = world.Claim(stick, guest);
        world.Host.Done.Clear();

        world.Restart();

        Assert.That(world.Host.Done, Is.Empty);
        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Plan_DeviceLeftWhileTheDaemonWasDown_StaleHostdevGoesWhicheverIsSeenFirst(bool guestsFirst)
    {
        world.Claim(stick, guest);
        world.Crash();
        world.Host.Pull(stick);

        StartSeeing(guestsFirst);

        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Plan_ReleaseAfterARestart_TheHostGetsItsDriversBackWhicheverIsSeenFirst(bool guestsFirst)
    {
        var claim = world.Claim(stick, guest);
        world.Crash();
        StartSeeing(guestsFirst);

        world.Release(claim);

        Assert.That(stick.Drivers, Is.EqualTo(stick.HostDrivers));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Plan_CloneCameWhileTheDaemonWasDown_TheAttachedOneKeepsItWhicheverIsSeenFirst(bool guestsFirst)
    {
        var claim = world.Claim(stick, guest);
        world.Crash();
        world.Host.Plug(Some.Stick(name: "clone"), "1-2");
        world.Host.Done.Clear();

        StartSeeing(guestsFirst);

        Assert.That(world.Host.Done, Is.Empty);
        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Fold_UntilUnplugDeviceAwayAndGuestOffAtStart_Ends()
    {
        var off = world.Guest("off", running: false);
        var claim = world.Claim(stick, off, r => r.Lifetime = Lifetime.UntilUnplug);
        world.Crash();
        world.Host.Pull(stick);

        world.Start();

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Released));
    }

    [Test]
    public void Plan_NumberTakenByAnotherWhileTheDaemonWasDown_TheStaleHostdevGoes()
    {
        world.Claim(stick, guest);
        world.Crash();
        var (number, other) = (stick.Address.Device, Some.Stick("S-2222", "other"));
        world.Host.Pull(stick);
        world.Host.Plug(other, "1-4", number);

        world.Start();

        Assert.That(guest.Hostdevs, Is.Empty);
        Assert.That(world.Host.GuestsWith(other), Is.Empty);
    }

    [Test]
    public void Plan_LibvirtNotThereAtStart_WaitsAndGoesOn()
    {
        var claim = world.Claim(stick, guest);
        world.Do(h => h.Stop(guest));
        world.Crash();
        world.Host.LoseLibvirt();
        world.Host.Start(guest);
        world.Start();
        Assume.That(world.Stand(claim), Is.EqualTo((ClaimPhase.WaitingForGuest, ClaimReason.LibvirtUnavailable)));

        world.Do(h => h.RegainLibvirt());

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Plan_LibvirtLost_TouchesNothingAndSaysSo()
    {
        var claim = world.Claim(stick, guest);
        world.Host.Done.Clear();

        world.Do(h => h.LoseLibvirt());

        Assert.That(world.Host.Done, Is.Empty);
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attached, ClaimReason.LibvirtUnavailable)));
    }

    [Test]
    public void Plan_GuestUnreadableAfterAReconnect_KeepsItsDevice()
    {
        var claim = world.Claim(stick, guest);
        world.Do(h => h.LoseLibvirt());
        world.Host.Done.Clear();

        world.Do(h => h.RegainLibvirt(unreadable: guest));

        Assert.That(world.Host.Done, Is.Empty);
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attached, ClaimReason.None)));
    }

    [Test]
    public void Plan_LibvirtRefusesOurUser_HintsAtTheGroupUntilItCannotBeReached()
    {
        var claim = world.Stored(world.Claim(stick, guest));
        world.Do(h => h.LoseLibvirt("Failed to connect socket: Permission denied", refused: true));
        var refused = StatusText.Hint(world.State, claim, world.Status(claim.Id));
        var message = StatusText.Message(world.State, claim, world.Status(claim.Id));

        world.Do(h => h.LoseLibvirt("Connection refused"));

        Assert.That(refused, Does.Contain("usermod -aG libvirt usbhostd"));
        Assert.That(message, Does.Contain("Permission denied").And.Not.Contain("can't be reached"));
        Assert.That(StatusText.Hint(world.State, claim, world.Status(claim.Id)), Does.Contain("systemctl start libvirtd"));
    }

    [Test]
    public void Plan_PlugAndUnplugWhileLibvirtWasLost_IsMadeUpFor()
    {
        var second = world.Plugged(Some.Stick("S-2222", "second"), "1-5");
        world.Claim(stick, guest);
        world.Claim("serial:0951:1666:S-3333", guest);
        world.Claim(second, guest);
        world.Do(h => h.LoseLibvirt());
        var third = world.Plugged(Some.Stick("S-3333", "third"), "1-6");
        world.Do(h => h.Pull(second));

        world.Do(h => h.RegainLibvirt());

        Assert.That(world.Host.GuestsWith(third), Is.EqualTo([guest]));
        Assert.That(world.Host.Ours().Select(h => h.Device), Is.EquivalentTo([stick, third]));
    }

    [Test]
    public void Fold_LibvirtWithoutGuests_IsConnected()
    {
        using var empty = new World();

        Assert.That(empty.State.LibvirtConnected, Is.True);
    }

    [Test]
    public void Fold_DatabaseDeleted_AttachmentsAreAdoptedAndHeld()
    {
        var claim = world.Claim(stick, guest);
        world.Crash();
        world.Store.Clear();
        world.Host.Done.Clear();

        world.Start();

        Assert.That(world.Host.Done, Is.Empty);
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Held, ClaimReason.Recovered)));
        Assert.That(world.Stored(claim).Origin, Is.EqualTo(ClaimOrigin.Recovered));
    }

    [Test]
    public void Plan_RecoveredClaimConfirmed_FollowsTheDevice()
    {
        var claim = world.Claim(stick, guest);
        world.Crash();
        world.Store.Clear();
        world.Start();

        world.Retry(claim);
        world.Do(h => h.Replug(stick, "1-2"));

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Plan_ForeignHostdev_IsNeverTouched()
    {
        var foreign = world.Plugged(Some.Dongle(), "1-7");
        world.Do(h => h.AttachForeign(guest, foreign));

        var claim = world.Claim(stick, guest);
        world.Do(h => h.Replug(stick));
        world.Restart();
        world.Do(h => h.LoseLibvirt());
        world.Do(h => h.RegainLibvirt());
        world.Release(claim);

        Assert.That(world.Host.GuestsWith(foreign), Is.EqualTo([guest]));
        Assert.That(world.Host.Done, Has.None.Contains("dongle"));
    }

    [Test]
    public void Plan_IgnoreRules_FollowTheClaims()
    {
        var byPort = world.Plugged(Some.Stick(serial: null, name: "bare"), "1-5");
        var first = world.Claim(stick, guest);
        world.Claim(byPort, guest);

        Assert.That(world.Host.IgnoreRules, Is.EquivalentTo([
            new IgnoreRule(Some.StickId, "S-0001", null),
            new IgnoreRule(Some.StickId, null, byPort.Seen().PortKey),
            new IgnoreRule(Some.StickId, null, byPort.Seen().PeerPortKey)]));
        world.Release(first);
        Assert.That(world.Host.IgnoreRules.Select(r => r.Serial), Has.All.Null);
    }

    [Test]
    public void Plan_ClaimMadeWhileRulesAreWritten_IsInTheRulesToo()
    {
        _ = world.Service.CreateClaimAsync(World.Root, Wish("port:1-4"), CancellationToken.None).AsTask();
        world.Turn();
        Assume.That(world.Scheduler.Waiting, Is.GreaterThan(0));

        _ = world.Service.CreateClaimAsync(World.Root, Wish("serial:0951:1666:S-2222"), CancellationToken.None).AsTask();
        world.Settle();

        Assert.That(world.Host.IgnoreRules.Select(r => r.Serial), Is.EquivalentTo(["S-0001", "S-2222"]));
    }

    [Test]
    public void Fold_NothingHappens_NoTimerIsLeft()
    {
        world.Claim(stick, guest);

        world.Advance(TimeSpan.FromMinutes(10));

        Assert.That(world.Time.Armed, Is.Zero);
    }

    [Test]
    public void Fold_ReadJustBeforeItLeftAndToldAfter_StaysGone()
    {
        var late = stick.Seen();
        world.Do(h => h.Pull(stick));

        world.Do(h => h.Say(new HostEvent.DeviceReread(late)));

        Assert.That(world.State.Devices.Values.Select(d => d.Plug), Has.None.EqualTo(late.Plug));
    }

    private CreateClaimRequest Wish(string device) => new() { Device = device, Guest = guest.Id.ToString() };

    private void StartSeeing(bool guestsFirst)
    {
        world.Host.Delivery = batch => guestsFirst
            ? batch.OrderBy(e => e is HostEvent.DevicesEnumerated or HostEvent.DevicePresent)
            : batch.OrderBy(e => e is HostEvent.GuestsEnumerated or HostEvent.GuestPresent);
        world.Start();
        world.Host.Delivery = null;
    }
}
