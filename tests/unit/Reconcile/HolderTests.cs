// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.Presentation;
using UsbHostd.Daemon.Errors;
using UsbHostd.Policy.Devices;
using UsbHostd.Tests.Reconcile.Sim;
using HostUse = UsbHostd.Policy.Devices.HostUse;

namespace UsbHostd.Tests.Reconcile;

/// <summary>Devices that a program, another guest or the kernel holds without any event that says so.</summary>
[TestFixture]
internal sealed class HolderTests : StickTest
{
    private static readonly HostUse Program = new(HostUseKind.Process, "dd (pid 7) has /dev/sdb open");
    private static readonly HostUse OfAlpha = new(HostUseKind.GuestNode, "guest alpha has /dev/sdb as its disk") { Guest = "alpha" };

    [Test]
    public void Create_DiskOfAnotherGuest_IsRefusedNamingItAndWhatToDo()
    {
        world.Host.Holders = [OfAlpha];

        var refused = Assert.Throws<HostException>(() => world.Claim(stick, guest))!;

        Assert.That((refused.Code, world.Host.GuestsWith(stick).Count), Is.EqualTo((ErrorCode.ErrorInUseByHost, 0)));
        Assert.That(refused.Message, Does.StartWith("a guest uses stick").And.EndWith(": guest alpha has /dev/sdb as its disk"));
        Assert.That(refused.Hint, Does.StartWith("take it out of the definition of guest alpha: virsh edit alpha, then shut that guest down; "));
        Assert.That(refused.Hint, Does.EndWith("usbhostctl attach id:dyjqjqwz2vog7 guest --force REASON"));
    }

    [Test]
    public void Create_DryRun_IsRefusedAlike()
    {
        world.Host.Holders = [OfAlpha];

        Assert.That(() => world.Claim(stick, guest, r => r.DryRun = true), Throws.InstanceOf<HostException>());
    }

    [Test]
    public void Create_WithForce_PassesWithoutALook()
    {
        world.Host.Holders = [OfAlpha];

        world.Claim(stick, guest, r => r.ForceReason = "rescue");

        Assert.That((world.Host.GuestsWith(stick).Single(), world.Host.Looks), Is.EqualTo((guest, 0)));
    }

    [Test]
    public void Create_ForTheGuestThatIsOffAndNamesItItself_Waits()
    {
        var alpha = world.Guest("alpha", running: false);
        world.Host.Holders = [OfAlpha];

        var claim = world.Claim(stick, alpha);

        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.WaitingForGuest, ClaimReason.GuestOff)));
    }

    /// <summary>udev's workers and blkid open each new node.</summary>
    [Test]
    public void Attach_OpenForAMomentOnly_GoesOnWithinASecond()
    {
        world.Host.Holders = [Program];
        var claim = world.Claim(stick, guest);
        Assume.That(world.Host.GuestsWith(stick), Is.Empty);
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Attaching, ClaimReason.RetryLater)));

        world.Host.Holders = [];
        world.Advance(1);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Attach_OpenInAProgramThatStays_FailsNamingItAndGoesOnWhenItEnds()
    {
        world.Host.Holders = [Program];
        var claim = world.Claim(stick, guest);
        world.Advance(2);
        Assume.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.InUseByHost)));
        Assert.That(
            StatusText.Message(world.State, world.Stored(claim), world.Status(claim)),
            Does.StartWith("the host uses stick").And.EndWith(": dd (pid 7) has /dev/sdb open"));
        world.Advance(600);
        Assume.That(world.Host.GuestsWith(stick), Is.Empty);

        world.Host.Holders = [];
        world.Advance(30);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Attach_ProgramThatStays_ShowsOnePhaseWhileItIsLookedAtAgain()
    {
        world.Host.Holders = [Program];
        var claim = world.Claim(stick, guest);
        world.Advance(2);
        var looks = world.Host.Looks;

        world.Advance(3);

        Assert.That(world.Host.Looks, Is.GreaterThan(looks));
        Assert.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.InUseByHost)));
    }

    [Test]
    public void Attach_UdevSaysThatTheDiskWasClosed_LooksWithinASecond()
    {
        world.Host.Holders = [Program];
        world.Claim(stick, guest);
        world.Advance(60);
        world.Host.Holders = [];

        world.Do(h => h.Use(stick));
        world.Advance(1);

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
    }

    [Test]
    public void Attach_DiskThatReportsManyChanges_IsLookedAtOnceASecondAtMost()
    {
        world.Host.Holders = [Program];
        world.Claim(stick, guest);
        world.Advance(60);
        var looks = world.Host.Looks;

        for (var i = 0; i < 100; i++)
        {
            world.Do(h => h.Use(stick));
            world.Advance(0.02);
        }

        Assert.That(world.Host.Looks - looks, Is.LessThanOrEqualTo(3));
    }

    [Test]
    public void Attach_OtherGuestStops_GoesOnAtOnce()
    {
        var alpha = world.Guest("alpha");
        var claim = world.Claim("serial:0951:1666:S-0002", guest);
        world.Host.Holders = [OfAlpha];
        var other = world.Plugged(Some.Stick("S-0002"), "1-5");
        Assume.That(world.Stand(claim), Is.EqualTo((ClaimPhase.Failed, ClaimReason.InUseByHost)));

        world.Host.Holders = [];
        world.Do(h => h.Stop(alpha));

        Assert.That(world.Host.GuestsWith(other), Is.EqualTo([guest]));
    }

    [Test]
    public void List_FoundInUse_IsNotFreeUntilTheHolderEnds()
    {
        world.Host.Holders = [OfAlpha];
        Assume.That(() => world.Claim(stick, guest), Throws.InstanceOf<HostException>());
        var before = Guarded();

        world.Host.Holders = [];
        world.Advance(2);

        Assert.That((before, Guarded()), Is.EqualTo(("guest alpha has /dev/sdb as its disk", "")));
    }

    /// <summary>Whoever sees his own only learns that a guest has it, and not which.</summary>
    [Test]
    public void List_DiskOfAGuestThatTheCallerDoesNotSee_DoesNotNameIt()
    {
        world.Guest("alpha");
        world.Host.Holders = [OfAlpha];

        var uses = world.Ask(s => s.GetDeviceAsync(World.User, new GetDeviceRequest { Device = $"port:{stick.Port}" }, default)).Uses;

        Assert.That(uses.Select(u => (u.Detail.Contains("alpha", StringComparison.Ordinal), u.Guarded)), Is.EqualTo([(false, true)]));
    }

    [Test]
    public void Info_HeldByAProgram_NamesIt()
    {
        world.Host.Holders = [Program];

        var uses = world.Ask(s => s.GetDeviceAsync(World.Root, new GetDeviceRequest { Device = $"port:{stick.Port}" }, default)).Uses;

        Assert.That(uses.Select(u => (u.Kind, u.Detail, u.Guarded)), Is.EqualTo(new[] { (Api.V1.HostUse.Types.Kind.Process, Program.Detail, true) }));
    }

    [Test]
    public void List_NothingFoundBefore_LooksForNobody()
    {
        Guarded();

        Assert.That(world.Host.Looks, Is.Zero);
    }

    [Test]
    public void Found_DeviceIsPulled_IsForgotten()
    {
        world.Host.Holders = [OfAlpha];
        Assume.That(() => world.Claim(stick, guest), Throws.InstanceOf<HostException>());

        world.Do(h => h.Pull(stick));

        Assert.That(world.State.FoundUses, Is.Empty);
    }

    [TestCase(HostUseKind.Mount, "umount")]
    [TestCase(HostUseKind.Swap, "swapoff")]
    [TestCase(HostUseKind.Volume, "vgchange")]
    [TestCase(HostUseKind.DefaultRoute, "another network connection")]
    [TestCase(HostUseKind.LastKeyboard, "another keyboard")]
    [TestCase(HostUseKind.Process, "stop that program")]
    [TestCase(HostUseKind.Loop, "losetup -d")]
    [TestCase(HostUseKind.GuestNode, "virsh edit")]
    [TestCase(HostUseKind.Exclusive, "lsblk")]
    public void Hint_ForEachGuardedUse_SaysWhatEndsIt(HostUseKind kind, string word) =>
        Assert.That(HostUseText.Hint(new HostUse(kind, "x")), Does.Contain(word));

    [Test]
    public void Text_OfEveryKind_IsThere()
    {
        foreach (var use in Enum.GetValues<HostUseKind>().Select(kind => new HostUse(kind, "detail")))
        {
            Assert.That(HostUseText.Message(use), Does.Contain("detail"));
            Assert.That(HostUseText.Hint(use).Length > 0, Is.EqualTo(use.IsGuarded), use.Kind.ToString());
        }
    }

    [TestCase(HostUseKind.LastKeyboard, "input5", ": it is the host's last keyboard (input5)")]
    [TestCase(HostUseKind.DefaultRoute, "usb0", ": the host's default route leaves through it (usb0)")]
    [TestCase(HostUseKind.Swap, "/dev/sdb2", ": the host swaps to it (/dev/sdb2)")]
    public void Create_OtherUses_AreSaidInWords(HostUseKind kind, string detail, string message)
    {
        world.Do(h => h.Use(stick, new HostUse(kind, detail)));

        Assert.That(Assert.Throws<HostException>(() => world.Claim(stick, guest))!.Message, Does.StartWith("the host uses stick").And.EndWith(message));
    }

    private string Guarded() => string.Join(", ", world.Ask(s => s.ListDevicesAsync(World.Root, new(), default)).Devices
        .SelectMany(d => d.Uses).Where(u => u.Guarded).Select(u => u.Detail));
}
