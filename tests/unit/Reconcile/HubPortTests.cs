// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Guests.Xml;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;
using Guest = UsbHostd.Core.Guests.Guest;
using GuestState = UsbHostd.Core.Guests.GuestState;

namespace UsbHostd.Tests.Reconcile;

/// <summary>The ports of QEMU's hub take low and full speed only, whatever its controller takes.</summary>
[TestFixture]
internal sealed class HubPortTests : WorldTest
{
    private const string Xhci = "<controller type='usb' index='0' model='qemu-xhci' ports='1'/>";
    private const string Hub = "<hub type='usb'><address type='usb' bus='0' port='1'/></hub>";

    private static readonly UsbEndpoint Isochronous = new(0x81, UsbTransferType.Isochronous, 1024, 0, MaxStreams: 0);

    [TestCase(Xhci + Hub, ClaimReason.NoFreePort, Description = "the controller's only port has the hub")]
    [TestCase("<controller type='usb' index='0' model='ich9-ehci1'/>" + Hub, null, Description = "its other ports are free")]
    [TestCase("<controller type='usb' index='0' model='piix3-uhci'/>" + Hub, ClaimReason.SpeedMismatch, Description = "it would fit on no port of this controller")]
    public void Check_HighSpeedIsochronousDeviceWithAHub_IsToldBeforeAnythingIsTried(string controllers, ClaimReason? reason) =>
        Assert.That(GuestFit.Check(Camera().Seen(), Guest(controllers))?.Reason, Is.EqualTo(reason));

    [Test]
    public void Check_OnlyPortsOfTheHubAreFree_SaysSo()
    {
        var detail = GuestFit.Check(Camera().Seen(), Guest(Xhci + Hub))!.Value.Detail;

        Assert.That(detail, Does.Contain("hub").And.Contain("low or full").And.Contain("high"));
    }

    [Test]
    public void Check_HighSpeedStickWithOnlyPortsOfTheHubFree_Fits()
    {
        var stick = Some.Stick();
        stick.PlugInto("1-4", new(1, 9), 7);

        Assert.That(GuestFit.Check(stick.Seen(), Guest(Xhci + Hub)), Is.Null);
    }

    [Test]
    public void Check_AllPortsOfTheHubAreTaken_HasNoFreePort()
    {
        var taken = string.Concat(Enumerable.Range(1, 8).Select(p => $"<input type='tablet' bus='usb'><address type='usb' bus='0' port='1.{p}'/></input>"));
        var stick = Some.Stick();
        stick.PlugInto("1-4", new(1, 9), 7);

        Assert.That(GuestFit.Check(stick.Seen(), Guest(Xhci + Hub + taken))?.Reason, Is.EqualTo(ClaimReason.NoFreePort));
    }

    [Test]
    public void ControllerFor_HubOfTheFasterAndAnOwnPortOfTheSlower_IsWhereTheDeviceMayRun()
    {
        var both = Guest("<controller type='usb' index='0' model='qemu-xhci' ports='1'/><controller type='usb' index='1' model='ehci'/>" + Hub);

        Assert.That(GuestFit.ControllerFor(Camera().Seen(), both), Is.EqualTo(1));
    }

    [Test]
    public void Claim_OnlyPortsOfTheHubAreFree_IsRefusedAndNothingIsTried()
    {
        var camera = Camera();
        camera.Pull();
        world.Plugged(camera);
        var hubbed = With(DomainXml.Parse($"<domain><devices>{Xhci}{Hub}</devices></domain>").Controllers);

        var refused = Assert.Throws<HostException>(() => world.Claim(camera, hubbed))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorNoFreePort));
        Assert.That(world.Host.Done, Is.Empty);
    }

    [Test]
    public void Hint_GuestWithoutAController_SaysHowOneIsAdded()
    {
        var stick = world.Plugged(Some.Stick());
        var bare = With(FakeGuest.None);

        var refused = Assert.Throws<HostException>(() => world.Claim(stick, bare))!;

        Assert.That(refused.Hint, Does.Contain("virsh edit special").And.Contain("model='qemu-xhci'").And.Contain("shut").And.Not.Contain("attach-device"));
    }

    private static FakeDevice Camera()
    {
        var camera = new FakeDevice { Name = "camera", UsbId = new(0x046d, 0x0825), Serial = "CAM-1", HostDrivers = ["uvcvideo"], Endpoints = [Isochronous] };
        camera.PlugInto("1-4", new(1, 9), 7);
        return camera;
    }

    private static Guest Guest(string devices) => new()
    {
        Id = new GuestId(Guid.Empty),
        Name = "guest",
        State = GuestState.Running,
        Controllers = DomainXml.Parse($"<domain><devices>{devices}</devices></domain>").Controllers,
    };

    private FakeGuest With(ImmutableArray<GuestUsbController> controllers)
    {
        var with = world.Host.Define("special", controllers);
        world.Do(h => h.Start(with));
        return with;
    }
}
