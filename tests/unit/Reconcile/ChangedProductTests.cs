// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.Reducers;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>A serial belongs to one vendor and product: a claim by serial says so where its device shows up as another product.</summary>
[TestFixture]
internal sealed class ChangedProductTests : WorldTest
{
    private static readonly UsbId Loader = new(0x0951, 0x1667);

    private readonly FakeDevice device = Some.Stick("S-0001");

    [SetUp]
    public void PlugDevice() => world.Plugged(device);

    [TearDown]
    public void BeAsBefore()
    {
        if (device.IsPlugged)
        {
            device.Pull();
        }

        device.UsbId = Some.StickId;
    }

    [Test]
    public void Message_SerialIsThereWithAnotherProduct_SaysWhichAndWhere()
    {
        var claim = world.Claim(device, guest);

        BecomeLoader();

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.WaitingForDevice, ClaimReason.DeviceAbsent)));
        Assert.That(Message(claim), Does.Contain("0951:1666").And.Contain("S-0001").And.Contain("0951:1667").And.Contain("1-4"));
        Assert.That(Hint(claim), Does.Contain($"claim-release {claim}").And.Contain("port:1-4").And.Contain("--follow 0951:1666,0951:1667"));
    }

    [Test]
    public void Fold_SerialComesAndGoesWithAnotherProduct_ShowsTheClaimAnew()
    {
        var claim = world.Claim(device, guest);
        world.Do(h => h.Pull(device));
        var other = Some.Stick("S-0001", "loader");
        other.UsbId = Loader;
        other.PlugInto("1-4", new UsbAddress(1, 77), 99_000_000);

        var came = Fold.Apply(world.State, new HostEvent.DevicePresent(other.Seen()), world.Time.GetUtcNow());
        var left = Fold.Apply(came.State, new HostEvent.DeviceGone(other.Syspath), world.Time.GetUtcNow());

        Assert.That(came.Claims, Does.Contain(claim));
        Assert.That(left.Claims, Does.Contain(claim));
    }

    [Test]
    public void Hint_Followed_KeepsTheDeviceThroughBothProducts()
    {
        var claim = world.Claim(device, guest);
        BecomeLoader();
        Assume.That(Hint(claim), Does.Contain($"usbhostctl attach port:1-4 guest --by port --follow 0951:1666,0951:1667"));

        world.Release(claim);
        world.Claim("port:1-4", guest, r =>
        {
            r.Follow = UsbHostd.Api.V1.Follow.Port;
            r.FollowIds.AddRange(["0951:1666", "0951:1667"]);
        });

        Assert.That(world.Host.GuestsWith(device), Is.EqualTo([guest]));
        Become(Some.StickId);
        Assert.That(world.Host.GuestsWith(device), Is.EqualTo([guest]));
    }

    [Test]
    public void Hint_ClaimOfADefinition_SaysWhatToWriteThere()
    {
        world.Do(h => h.Redefine(guest, [new GuestWish("serial:S-0001", Optional: false)]));
        var claim = world.State.Claims.Keys.Single();

        BecomeLoader();

        Assert.That(Hint(claim), Does.Contain("device=\"port:1-4\" follow=\"0951:1666 0951:1667\""));
    }

    [Test]
    public void Message_SerialOfAnotherVendor_IsAnotherDevices()
    {
        var claim = world.Claim(device, guest);

        Become(new UsbId(0x1234, 0x1667));

        Assert.That(Message(claim), Does.Contain("is not plugged in").And.Not.Contain("1234:1667"));
    }

    private void BecomeLoader() => Become(Loader);

    private void Become(UsbId id)
    {
        world.Do(h => h.Pull(device));
        device.UsbId = id;
        world.Plugged(device);
    }

    private string Message(ClaimId claim) => StatusText.Message(world.State, world.Stored(claim), world.Status(claim));

    private string Hint(ClaimId claim) => StatusText.Hint(world.State, world.Stored(claim), world.Status(claim));
}
