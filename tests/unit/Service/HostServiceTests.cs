// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Errors;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Service;

[TestFixture]
internal sealed class HostServiceTests : StickTest
{
    [Test]
    public void CreateClaim_DryRun_ChangesNothing()
    {
        var (commits, state) = (world.Store.Commits, world.State);

        var claim = world.Create(new CreateClaimRequest { Device = "port:1-4", Guest = "guest", DryRun = true });

        Assert.That(claim.Phase, Is.EqualTo(Phase.Attaching));
        Assert.That((world.Store.Commits, world.State.Claims.Count, world.Host.GuestsWith(stick).Count), Is.EqualTo((commits, state.Claims.Count, 0)));
    }

    [Test]
    public void CreateClaim_DryRunOfWhatIsRefused_Refuses()
    {
        world.Claim(stick, guest);
        world.Guest("other");

        var refused = Assert.Throws<HostException>(() => world.Create(new CreateClaimRequest { Device = "port:1-4", Guest = "other", DryRun = true }))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorHeldByGuest));
    }

    [Test]
    public void ListDevices_WithoutAChange_IsAnsweredWithTheSame()
    {
        var (first, second) = (Listed().Target, Listed().Target);

        Assert.That(second, Is.Not.Null.And.SameAs(first));
    }

    [Test]
    public void ListDevices_AfterAChange_KeepsNoAnswerOfTheSnapshotBefore()
    {
        var (state, before) = (world.State, Listed());
        world.Plugged(Some.Keyboard(), "1-5");
        Listed();

        GC.Collect();

        Assert.That(before.IsAlive, Is.False);
        GC.KeepAlive(state);
    }

    [Test]
    public void ListDevices_AfterAChange_ShowsIt()
    {
        world.Ask(s => s.ListDevicesAsync(World.Root, new(), default));
        world.Ask(s => s.SetDeviceLabelAsync(World.Root, new() { Device = "port:1-4", Label = "new" }, default));

        var after = world.Ask(s => s.ListDevicesAsync(World.Root, new(), default));

        Assert.That(after.Devices.Single(d => d.Port == "1-4").Label, Is.EqualTo("new"));
    }

    [Test]
    public void CreateClaim_SameRequestIdTwice_IsOneClaim()
    {
        var request = new CreateClaimRequest { Device = "port:1-4", Guest = "guest", RequestId = "r1" };
        var first = world.Create(request);

        var second = world.Create(request);

        Assert.That(second.Id, Is.EqualTo(first.Id));
        Assert.That(world.State.Claims, Has.Count.EqualTo(1));
    }

    [Test]
    public void CreateClaim_SameRequestIdAfterARestart_IsOneClaim()
    {
        var request = new CreateClaimRequest { Device = "port:1-4", Guest = "guest", RequestId = "r1" };
        var first = world.Create(request);
        world.Restart();

        Assert.That(world.Create(request).Id, Is.EqualTo(first.Id));
    }

    [Test]
    public void CreateClaim_SameRequestIdOfAnotherOwner_IsAnotherWish()
    {
        world.Plugged(Some.Keyboard(), "1-5");
        world.Create(new CreateClaimRequest { Device = "port:1-4", Guest = "guest", RequestId = "r1" });

        world.Create(new CreateClaimRequest { Device = "port:1-5", Guest = "guest", RequestId = "r1" }, World.Member);

        Assert.That(world.State.Claims, Has.Count.EqualTo(2));
    }

    [Test]
    public void ReleaseClaim_ByDevice_FindsTheClaim()
    {
        world.Claim(stick, guest);

        world.Ask(s => s.ReleaseClaimAsync(World.Root, new ReleaseClaimRequest { Device = "port:1-4" }, default));

        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    [Test]
    public void ReleaseClaim_ForAnotherGuest_Refuses()
    {
        world.Claim(stick, guest);
        world.Guest("other");

        var refused = Assert.Throws<HostException>(
            () => world.Ask(s => s.ReleaseClaimAsync(World.Root, new ReleaseClaimRequest { Device = "port:1-4", Guest = "other" }, default)))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorClaimNotFound));
    }

    [Test]
    public void ReleaseClaim_Twice_IsTheSame()
    {
        var claim = world.Claim(stick, guest);
        world.Release(claim);
        var released = world.Stored(claim).Released;
        world.Advance(1);

        world.Release(claim);

        Assert.That(world.Stored(claim).Released, Is.EqualTo(released));
    }

    [Test]
    public void MoveClaim_ToAGuestThatCannotTakeIt_RefusesAndLeavesIt()
    {
        var claim = world.Claim(stick, guest);
        var bare = world.Host.Define("bare", FakeGuest.None);
        world.Do(h => h.Start(bare));

        var refused = Assert.Throws<HostException>(() => world.Move(claim, bare))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorNoController));
        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void ListGuests_NoGuests_IsEmpty()
    {
        using var empty = new World();

        Assert.That(empty.Ask(s => s.ListGuestsAsync(World.Root, new(), default)).Guests, Is.Empty);
    }

    [Test]
    public void ListGuests_LibvirtNeverReached_Refuses()
    {
        using var without = new World(start: false);
        without.Host.LoseLibvirt();
        without.Start();

        var refused = Assert.Throws<HostException>(() => without.Ask(s => s.ListGuestsAsync(World.Root, new(), default)))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorLibvirtUnavailable));
    }

    [Test]
    public void GetGuest_RenamedGuest_IsFoundByTheNewName()
    {
        world.Do(h => h.Rename(guest, "renamed"));

        Assert.That(world.Ask(s => s.GetGuestAsync(World.Root, new() { Guest = "renamed" }, default)).Uuid, Is.EqualTo(guest.Id.ToString()));
    }

    [Test]
    public void GetGuest_UndefinedWithAClaim_IsShownAsUndefined()
    {
        world.Claim(stick, guest);
        world.Do(h => h.Undefine(guest));

        Assert.That(world.Ask(s => s.GetGuestAsync(World.Root, new() { Guest = "guest" }, default)).State, Is.EqualTo(Api.V1.Guest.Types.State.Undefined));
    }

    [Test]
    public void ListClaims_Released_AreShownOnRequest()
    {
        var claim = world.Claim(stick, guest);
        world.Release(claim);

        Assert.That(world.Ask(s => s.ListClaimsAsync(World.Root, new(), default)).Claims, Is.Empty);
        Assert.That(
            world.Ask(s => s.ListClaimsAsync(World.Root, new() { IncludeReleased = true }, default)).Claims.Select(c => c.Id), Is.EqualTo([claim.ToString()]));
    }

    [Test]
    public void GetStatistics_CountsByIdPair()
    {
        world.Claim(stick, guest);
        world.Plugged(Some.Stick("S-2"), "1-5");
        var mounted = world.Plugged(Some.Stick("S-3"), "1-6");
        world.Plugged(Some.Keyboard(), "1-7");
        world.Do(h => h.Use(mounted, new Policy.Devices.HostUse(Policy.Devices.HostUseKind.Mount, "/dev/sdb1 on /srv")));

        var pairs = world.Ask(s => s.GetStatisticsAsync(World.Root, new(), default)).Pairs;

        Assert.That(pairs.Select(p => (p.VendorId, p.ProductId, p.Total, p.Free, p.Claimed)), Has.Member(("0951", "1666", 3u, 1u, 1u)));
        Assert.That(pairs.Select(p => p.VendorId), Is.Ordered);
    }

    [Test]
    public void GetHealth_RulesNotInOrder_SaysWhereUntilTheyAre()
    {
        var before = Waiting();
        world.RulesFault = "/etc/usbhostd/rules.conf:3:7";
        var meanwhile = Waiting();
        world.RulesFault = null;

        Assert.That((before, Waiting()), Is.EqualTo(("", "")));
        Assert.That(meanwhile, Does.Contain("not loaded").And.Contains("/etc/usbhostd/rules.conf:3:7"));

        string Waiting() => world.Ask(s => s.GetHealthAsync(World.Root, new(), default)).RulesWaiting;
    }

    [Test]
    public void GetHealth_Counts()
    {
        world.Claim(stick, guest);
        world.Claim("serial:0951:1666:S-2222", guest);

        var health = world.Ask(s => s.GetHealthAsync(World.Root, new(), default));

        Assert.That((health.Claims, health.Attached, health.LibvirtConnected), Is.EqualTo((2u, 1u, true)));
    }

    [Test]
    public void SetDeviceLabel_Label_NamesTheDevice()
    {
        world.Ask(s => s.SetDeviceLabelAsync(World.Root, new() { Device = "port:1-4", Label = "ledger" }, default));

        Assert.That(world.Ask(s => s.GetDeviceAsync(World.Root, new() { Device = "ledger" }, default)).Port, Is.EqualTo("1-4"));
    }

    [TestCase("new\nline")]
    [TestCase("esc\u001b[31m")]
    public void SetDeviceLabel_ControlCharacters_Refuses(string label)
    {
        var refused = Assert.Throws<HostException>(
            () => world.Ask(s => s.SetDeviceLabelAsync(World.Root, new() { Device = "port:1-4", Label = label }, default)))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorInvalidArgument));
    }

    [TestCase(GuestState.Running)]
    [TestCase(GuestState.Paused)]
    public void ListDevices_Attached_NamesGuestAndClaim(GuestState state)
    {
        world.Do(h => h.SetState(guest, state));
        var claim = world.Claim(stick, guest);

        var device = world.Ask(s => s.ListDevicesAsync(World.Root, new(), default)).Devices.Single(d => d.Port == "1-4");

        Assert.That((device.Guest.Name, device.ClaimId), Is.EqualTo(("guest", claim.ToString())));
    }

    /// <summary>Weak, and made apart, so that no local of the test's keeps it.</summary>
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private WeakReference Listed() => new(world.Ask(s => s.ListDevicesAsync(World.Root, new(), default)));
}
