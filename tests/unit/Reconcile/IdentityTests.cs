// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

[TestFixture]
internal sealed class IdentityTests : WorldTest
{
    [Test]
    public void Decide_TwinsByUsbId_RefusesWithBothCandidates()
    {
        world.Plugged(Some.Stick(serial: null), "1-1");
        world.Plugged(Some.Stick(serial: null), "1-2");

        var refused = Assert.Throws<HostException>(() => world.Claim("usb:0951:1666", guest))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorAmbiguous));
        Assert.That(refused.Candidates.Select(c => c.Port), Is.EquivalentTo(["1-1", "1-2"]));
    }

    [TestCase("usb:0951:1666")]
    [TestCase("0951:1666")]
    [TestCase("S-0001")]
    public void Decide_AmbiguousName_ListsTheCandidatesByPort(string name)
    {
        foreach (var port in (string[])["1-10", "2-1", "1-2", "1-1.4", "1-1.3"])
        {
            world.Plugged(Some.Stick(), port);
        }

        var refused = Assert.Throws<HostException>(() => world.Claim(name, guest))!;

        Assert.That(refused.Candidates.Select(c => c.Port), Is.EqualTo(["1-1.3", "1-1.4", "1-2", "1-10", "2-1"]));
        Assert.That(refused.Message, Does.Match("1-1\\.3 .*1-1\\.4 .*1-2 .*1-10 .*2-1 "));
    }

    [Test]
    public void Plan_TwinsByPort_EachGoesToItsGuest()
    {
        var (one, two) = (world.Plugged(Some.Stick(serial: null), "1-1"), world.Plugged(Some.Stick(serial: null), "1-2"));
        var other = world.Guest("other");

        world.Claim(one, guest);
        world.Claim(two, other);

        Assert.That(world.Host.GuestsWith(one), Is.EqualTo([guest]));
        Assert.That(world.Host.GuestsWith(two), Is.EqualTo([other]));
    }

    [Test]
    public void Decide_BySerialOfATwin_Refuses()
    {
        var stick = world.Plugged(Some.Stick(), "1-1");
        world.Plugged(Some.Stick(), "1-2");

        var refused = Assert.Throws<HostException>(() => world.Claim(stick, guest, r => r.Follow = Follow.Serial))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorAmbiguous));
    }

    [Test]
    public void Plan_CloneArrivesWhileTheFirstIsAttached_TheFirstKeepsIt()
    {
        var stick = world.Plugged(Some.Stick(), "1-1");
        var claim = world.Claim(stick, guest);
        world.Host.Done.Clear();

        var clone = world.Plugged(Some.Stick(name: "clone"), "1-2");
        world.Advance(10);

        Assert.That(world.Host.Done, Is.Empty);
        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(world.Host.GuestsWith(clone), Is.Empty);
    }

    [Test]
    public void Plan_FirstOfTheClonesPulled_TheNewcomerIsAmbiguous()
    {
        var stick = world.Plugged(Some.Stick(), "1-1");
        var claim = world.Claim(stick, guest);
        var clone = world.Plugged(Some.Stick(name: "clone"), "1-2");
        world.Advance(10);

        world.Do(h => h.Pull(stick));

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.WaitingForDevice, ClaimReason.Ambiguous)));
        Assert.That(world.Host.GuestsWith(clone), Is.Empty);
    }

    [Test]
    public void Fold_SerialSeenOnTwoDevices_IsRememberedOverARestart()
    {
        var stick = world.Plugged(Some.Stick(), "1-1");
        var clone = world.Plugged(Some.Stick(name: "clone"), "1-2");
        world.Advance(10);
        world.Do(h => h.Pull(clone));

        world.Restart();

        var refused = Assert.Throws<HostException>(() => world.Claim(stick, guest, r => r.Follow = Follow.Serial))!;
        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorAmbiguous));
    }

    [Test]
    public void Fold_SamePlugSeenTwiceForAMoment_IsNoTwin()
    {
        var stick = world.Plugged(Some.Stick(), "1-1");

        // The other port is heard of before this one is empty.
        world.Host.Delivery = batch => batch.Reverse();
        world.Do(h => h.Replug(stick, "1-2"));
        world.Host.Delivery = null;
        world.Advance(10);

        Assert.That(world.State.SharedSerials, Is.Empty);
    }

    [Test]
    public void Fold_SerialTrustedAgain_TellsApart()
    {
        var stick = world.Plugged(Some.Stick(), "1-1");
        var claim = world.Claim(stick, guest);
        var clone = world.Plugged(Some.Stick(name: "clone"), "1-2");
        world.Advance(10);
        world.Do(h => h.Pull(clone));
        world.Do(h => h.Replug(stick));
        Assume.That(world.Stand(claim).Reason, Is.EqualTo(ClaimReason.Ambiguous));

        world.Ask(s => s.TrustSerialAsync(World.Root, new TrustSerialRequest { Device = "port:1-1" }, CancellationToken.None));

        Assert.That(world.Stand(claim).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [TestCase("")]
    [TestCase("0")]
    [TestCase("0000000000")]
    [TestCase("   ")]
    public void Decide_SerialThatTellsNothing_IsFollowedByPort(string serial)
    {
        var stick = world.Plugged(Some.Stick(serial));

        var claim = world.Claim(stick, guest);

        Assert.That(world.Stored(claim).Follows.Kind, Is.EqualTo(FollowKind.Port));
    }

    [Test]
    public void Decide_SerialThatReadsLikeAPort_IsAmbiguousWithoutPrefix()
    {
        world.Plugged(Some.Stick("1-2"), "1-1");
        world.Plugged(Some.Keyboard(), "1-2");

        var refused = Assert.Throws<HostException>(() => world.Claim("1-2", guest))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorAmbiguous));
    }

    [Test]
    public void Fold_TwinArrives_TheFirstKeepsItsId()
    {
        world.Plugged(Some.Stick(), "1-1");
        var id = IdOn("1-1");

        world.Plugged(Some.Stick(name: "clone"), "1-2");

        Assert.That(IdOn("1-1"), Is.EqualTo(id));
        Assert.That(IdOn("1-2"), Is.Not.EqualTo(id));
    }

    [Test]
    public void Fold_TwoDevicesSwapPortsUnseen_KeepTheirIds()
    {
        var (one, two) = (world.Plugged(Some.Stick("S-1111", "one"), "1-1"), world.Plugged(Some.Stick("S-2222", "two"), "1-2"));
        var ids = (IdOn("1-1"), IdOn("1-2"));

        world.Do(h =>
        {
            h.Pull(one);
            h.Pull(two);
            h.Plug(two, "1-1");
            h.Plug(one, "1-2");
            h.RescanDevices();
            h.Delivery = batch => batch.Where(e => e is HostEvent.DevicesEnumerated);
        });

        Assert.That((IdOn("1-2"), IdOn("1-1")), Is.EqualTo(ids));
    }

    [Test]
    public void Fold_RescanAfterLateDeparture_NoDeviceStaysBehind()
    {
        var stick = world.Plugged(Some.Stick());

        world.Do(h =>
        {
            h.Pull(stick);
            h.RescanDevices();
            h.Delivery = batch => batch.Where(e => e is HostEvent.DevicesEnumerated);
        });

        Assert.That(world.State.Devices.Values.Select(d => d.Product), Has.None.EqualTo("stick"));
    }

    private DeviceId IdOn(string port) => world.State.IdOf(world.State.Devices.Values.Single(d => d.PortPath.ToString() == port));
}
