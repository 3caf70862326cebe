// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Policy.Devices;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>Devices behind a jailed controller: no driver of the host's ever takes one.</summary>
[TestFixture]
internal sealed class JailTests
{
    private World world = null!;
    private FakeGuest guest = null!;

    [SetUp]
    public void SetUp()
    {
        world = new World(start: false) { Jailed = [FakeHost.Controller] };
        world.Start();
        guest = world.Guest();
    }

    [TearDown]
    public void TearDown()
    {
        Assert.That(world.Host.Leaks, Is.Empty, world.Describe());
        world.Dispose();
    }

    [Test]
    public void Claim_JailedStick_WorksInTheGuest()
    {
        var stick = world.Plugged(Some.Stick());

        var claim = world.Claim(stick, guest);

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attached, ClaimReason.None)));
        Assert.That(world.Host.HeldPorts, Is.EqualTo([stick.Port]));
    }

    [Test]
    public void Release_JailedStick_IsConfinedBeforeTheDetachAndNeverOffered()
    {
        var stick = world.Plugged(Some.Stick());
        var claim = world.Claim(stick, guest);
        world.Host.Done.Clear();

        world.Release(claim);

        Assert.That(world.Host.Done.Take(2), Is.EqualTo(["jail Confined stick", "detach stick guest"]));
        Assert.That(world.Host.Done, Has.None.StartsWith("offer"));
        Assert.That(stick.Drivers, Is.All.Null);
    }

    [Test]
    public void GuestStops_JailedStick_IsConfinedOnceTheGuestHasLetGo()
    {
        var stick = world.Plugged(Some.Stick());
        world.Claim(stick, guest);

        world.Do(h => h.Stop(guest));

        Assert.That((stick.AreInterfacesAuthorized, world.Host.HeldPorts.Count), Is.EqualTo((false, 0)));
    }

    [Test]
    public void GuestKilled_JailedStick_IsConfinedWhileQemuIsDying()
    {
        var stick = world.Plugged(Some.Stick());
        world.Claim(stick, guest);

        world.Do(h => h.Kill(guest));

        Assert.That(stick.AreInterfacesAuthorized, Is.False);
    }

    [Test]
    public void GuestRestarts_JailedStick_ComesBack()
    {
        var stick = world.Plugged(Some.Stick());
        var claim = world.Claim(stick, guest);

        world.Do(h => h.Restart(guest));

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attached, ClaimReason.None)));
    }

    [Test]
    public void Replug_IntoThePortThatIsStillHeld_ComesBack()
    {
        var stick = world.Plugged(Some.Stick());
        var claim = world.Claim(stick, guest);

        world.Do(h => h.Replug(stick));

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attached, ClaimReason.None)));
    }

    [Test]
    public void Plug_AnotherIntoThePortThatIsStillHeld_IsConfinedAndConfigured()
    {
        var stick = world.Plugged(Some.Stick());
        world.Claim(stick, guest, r => r.Follow = Api.V1.Follow.Serial);
        world.Do(h => h.Pull(stick));

        var keyboard = world.Plugged(Some.Keyboard());

        Assert.That((keyboard.IsConfigured, keyboard.AreInterfacesAuthorized, world.Host.HeldPorts.Count), Is.EqualTo((true, false, 0)));
    }

    [Test]
    public void DaemonRestarts_StickInGuest_HoldsItsPortAgain()
    {
        var stick = world.Plugged(Some.Stick());
        world.Claim(stick, guest);

        world.Restart();

        Assert.That(world.Host.HeldPorts, Is.EqualTo([stick.Port]));
    }

    [Test]
    public void DaemonIsAway_StickFromAKilledGuest_IsConfinedWhenItIsBack()
    {
        var stick = world.Plugged(Some.Stick());
        world.Claim(stick, guest);
        world.Crash();
        world.Host.Kill(guest)();

        world.Start();

        Assert.That(stick.AreInterfacesAuthorized, Is.False);
    }

    [Test]
    public void Guest_ChoosesAnotherConfiguration_NewInterfacesAreAuthorised()
    {
        var stick = world.Plugged(Some.Stick());
        world.Claim(stick, guest);

        world.Do(h => h.ChooseConfiguration(stick));

        Assert.That(stick.AreInterfacesAuthorized, Is.True);
    }

    [Test]
    public void Plug_Hub_Works()
    {
        var hub = world.Plugged(Some.Hub());

        Assert.That(hub.Drivers, Is.EqualTo(["hub"]));
    }

    [Test]
    public void Hub_LibvirtUnreachable_WorksAllTheSame()
    {
        world.Do(h => h.LoseLibvirt());

        var hub = world.Plugged(Some.Hub());

        Assert.That(hub.Drivers, Is.EqualTo(["hub"]));
    }

    [Test]
    public void AttachedByHand_JailedStick_IsLeftUnauthorised()
    {
        var stick = world.Plugged(Some.Stick());

        world.Do(h => h.AttachForeign(guest, stick));

        Assert.That(stick.AreInterfacesAuthorized, Is.False);
    }

    [Test]
    public void Attach_Refused_IsConfinedAgain()
    {
        var stick = world.Plugged(Some.Stick());
        world.Host.Before = verb => _ = verb == "attach" ? throw new Daemon.Guests.GuestHostException(ClaimReason.AttachFailed, "refused", transient: false) : 0;

        world.Claim(stick, guest);

        Assert.That((stick.AreInterfacesAuthorized, world.Host.HeldPorts.Count), Is.EqualTo((false, 0)));
    }

    [Test]
    public void LibvirtLost_StickInGuest_StaysAsItIs()
    {
        var stick = world.Plugged(Some.Stick());
        world.Claim(stick, guest);
        world.Host.Done.Clear();

        world.Do(h => h.LoseLibvirt());

        Assert.That(world.Host.Done, Is.Empty);
        Assert.That(stick.IsPlugged && world.Host.HeldPorts.Contains(stick.Port!), Is.True);
    }
}

/// <summary>What the jail leaves alone.</summary>
[TestFixture]
internal sealed class JailBoundsTests
{
    [Test]
    public void OtherController_IsLeftAlone()
    {
        using var world = new World(start: false) { Jailed = ["0000:02:01.0"] };
        world.Start();
        var guest = world.Guest();
        var stick = world.Plugged(Some.Stick());

        world.Release(world.Claim(stick, guest));

        Assert.That(world.Host.Done, Is.EqualTo(["attach stick guest", "detach stick guest", "offer stick"]));
    }

    [Test]
    public void DeviceInUse_WhenTheJailCloses_StaysUntilTheHostLetsGo()
    {
        using var world = new World(start: false) { Jailed = [FakeHost.Controller] };
        var stick = Some.Stick();
        world.Host.Plug(stick, "1-4");
        world.Host.Use(stick, new HostUse(HostUseKind.Mount, "/dev/sdb1 on /srv"));
        world.Start();
        Assert.That(stick.Drivers, Is.EqualTo(["usb-storage"]));

        world.Do(h => h.Use(stick));

        Assert.That((stick.Drivers[0], stick.AreInterfacesAuthorized), Is.EqualTo(((string?)null, false)));
    }

    [Test]
    public void DeviceWithHostDriver_LibvirtUnreachableAtTheStart_IsConfined()
    {
        using var world = new World(start: false) { Jailed = [FakeHost.Controller] };
        var stick = Some.Stick();
        world.Host.Plug(stick, "1-4");
        world.Host.LoseLibvirt();

        world.Start();

        Assert.That((stick.Drivers[0], stick.AreInterfacesAuthorized), Is.EqualTo(((string?)null, false)));
    }

    [Test]
    public void DeviceInUse_LibvirtUnreachableAtTheStart_StaysWithTheHost()
    {
        using var world = new World(start: false) { Jailed = [FakeHost.Controller] };
        var stick = Some.Stick();
        world.Host.Plug(stick, "1-4");
        world.Host.Use(stick, new HostUse(HostUseKind.Mount, "/dev/sdb1 on /srv"));
        world.Host.LoseLibvirt();

        world.Start();

        Assert.That(stick.Drivers, Is.EqualTo(["usb-storage"]));
    }

    [Test]
    public void DeviceInGuest_LibvirtUnreachableAtTheStart_IsLeftAlone()
    {
        using var world = new World(start: false) { Jailed = [FakeHost.Controller] };
        world.Start();
        var guest = world.Guest();
        var stick = world.Plugged(Some.Stick());
        world.Claim(stick, guest);
        world.Crash();
        world.Host.LoseLibvirt();
        world.Host.Done.Clear();

        world.Start();

        Assert.That(world.Host.Done, Is.Empty);
    }

    [Test]
    public void RootHub_ThatCannotBeWritten_IsTriedAgainLater()
    {
        using var world = new World(start: false) { Jailed = [FakeHost.Controller] };
        var failing = true;
        world.Host.Before = verb => _ = verb == "jail" && failing ? throw new IOException("input/output error") : 0;
        world.Start();
        failing = false;

        world.Advance(TimeSpan.FromSeconds(10));

        Assert.That(world.Host.Devices.Where(d => d.Port!.StartsWith('u')).Select(d => d.AuthorizesInterfaces), Is.All.False);
    }
}
