// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>Devices of one kind are told apart wherever they are named, there or away.</summary>
[TestFixture]
internal sealed class DeviceMarkTests : WorldTest
{
    private static readonly UsbId Ch340Id = new(0x1a86, 0x7523);

    [Test]
    public void Message_ThreeSticksOfOneKind_AreToldApart([Values] bool isAway)
    {
        FakeDevice[] sticks =
        [
            world.Plugged(Some.Stick("S-1"), "1-1"), world.Plugged(Some.Stick("S-2"), "1-2"), world.Plugged(Some.Stick(serial: null), "1-3"),
        ];
        ClaimId[] claims = [.. sticks.Select(stick => world.Claim(stick, guest))];
        if (isAway)
        {
            world.Do(h => Array.ForEach(sticks, h.Pull));
        }

        Assert.That(claims.Select(claim => Wire(claim)).Select(c => $"{c.Serial} at {c.Port}"), Is.EqualTo(["S-1 at 1-1", "S-2 at 1-2", " at 1-3"]));
        Assert.That(
            claims.Select(claim => Wire(claim).Message.Split(" is ")[0]),
            Is.EqualTo(["stick (serial S-1)", "stick (serial S-2)", "stick (port 1-3)"]));
    }

    [Test]
    public void Claim_ByPortOfADeviceWithSerial_ShowsBoth()
    {
        var stick = world.Plugged(Some.Stick("S-1"), "1-1");
        var claim = world.Claim(stick, guest, r => r.Follow = Follow.Port);
        world.Do(h => h.Pull(stick));

        Assert.That((Wire(claim).Serial, Wire(claim).Port, Wire(claim).DeviceName), Is.EqualTo(("S-1", "1-1", "stick")));
    }

    [Test]
    public void Claim_DeviceThatWasNeverThere_IsNamedByWhatIsKnown()
    {
        var claim = Wire(world.Claim("serial:0951:1666:S-9", guest));

        Assert.That((claim.DeviceName, claim.Serial, claim.Port, claim.Message), Is.EqualTo(("0951:1666", "S-9", "", "0951:1666 (serial S-9) is not plugged in")));
    }

    [Test]
    public void Message_AnotherIdInTheClaimedPort_SaysWhatIsThere()
    {
        var claim = ClaimedPort();
        var before = world.Status(claim);

        world.Plugged(Hasp(), "1-5");

        Assert.That(Wire(claim).Message, Does.EndWith("(port 1-5) is not plugged in: hasp (0529:0001) is in its port 1-5 now"));
        Assert.That(before.ShowsSame(world.Status(claim)), Is.False, "watchers are told");
    }

    [Test]
    public void Hint_AnotherIdInTheClaimedPort_WorksWordByWord()
    {
        var claim = ClaimedPort();
        var hasp = world.Plugged(Hasp(), "1-5");
        Assert.That(
            Wire(claim).Hint,
            Does.EndWith($"usbhostctl claim-release {claim}, then usbhostctl attach port:1-5 guest --by port --follow 1a86:7523,0529:0001"));

        world.Release(claim);
        world.Claim("port:1-5", guest, r => r.FollowIds.Add(["1a86:7523", "0529:0001"]));
        Assert.That(world.Host.GuestsWith(hasp), Is.EqualTo([guest]));

        world.Do(h => h.Pull(hasp));
        var back = world.Plugged(Ch340(), "1-5");
        Assert.That(world.Host.GuestsWith(back), Is.EqualTo([guest]));
    }

    [Test]
    public void DeviceName_AnotherIdWasLastInThePort_IsNotTheOthers([Values] bool hasSerial)
    {
        var claim = ClaimedPort();
        var hasp = world.Plugged(hasSerial ? Some.Dongle() : Hasp(), "1-5");
        world.Do(h => h.Pull(hasp));

        Assert.That(Wire(claim).DeviceName, Is.EqualTo("1a86:7523").Or.EqualTo("ch340"));
        Assert.That((Wire(claim).Serial, Wire(claim).Port), Is.EqualTo(("", "1-5")));
    }

    [Test]
    public void Decide_ClaimedForAnotherGuest_SaysWhichOfItsKind()
    {
        var stick = world.Plugged(Some.Stick("S-1"), "1-1");
        world.Claim(stick, guest);

        var refused = Assert.Throws<Daemon.Errors.HostException>(() => world.Claim(stick, world.Guest("other")))!;

        Assert.That(refused.Message, Does.StartWith("stick (serial S-1) is claimed for guest guest"));
    }

    private static FakeDevice Ch340() => new() { Name = "ch340", UsbId = Ch340Id, HostDrivers = [null] };

    private static FakeDevice Hasp() => new() { Name = "hasp", UsbId = new UsbId(0x0529, 0x0001), HostDrivers = [null] };

    private ClaimId ClaimedPort()
    {
        var ch340 = world.Plugged(Ch340(), "1-5");
        var claim = world.Claim(ch340, guest);
        world.Do(h => h.Pull(ch340));
        Assume.That(world.Stand(claim), Is.EqualTo((ClaimPhase.WaitingForDevice, ClaimReason.DeviceAbsent)));
        return claim;
    }

    private Api.V1.Claim Wire(ClaimId claim) => world.Ask(s => s.GetClaimAsync(World.Root, new GetClaimRequest { Id = claim.ToString() }, CancellationToken.None));
}
