// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>A person at the host keeps something to type on.</summary>
[TestFixture]
internal sealed class LastKeyboardTests : WorldTest
{
    /// <summary>Their guests' workers run side by side: without an order each would find the other still there.</summary>
    [Test]
    public void Plan_BothLastKeyboardsForGuestsThatComeUpAtOnce_OneStays()
    {
        FakeGuest[] guests = [world.Guest("a", running: false), world.Guest("b", running: false)];
        FakeDevice[] keyboards = [Some.Keyboard(), Some.Keyboard()];
        var claims = new List<ClaimId>();
        for (var i = 0; i < keyboards.Length; i++)
        {
            world.Plugged(keyboards[i], $"1-{i + 1}");
            world.Do(h => h.Use(keyboards[i], new HostUse(HostUseKind.Input, "input5")));
            claims.Add(world.Claim(keyboards[i], guests[i]));
        }

        var nested = false;
        world.Host.Before = verb =>
        {
            // Whatever else was started runs to its end in the middle of the first attach.
            if (verb == "attach" && !nested)
            {
                nested = true;
                world.Scheduler.RunAll();
                LeaveLast(keyboards);
            }
        };
        world.Host.Start(guests[0]);
        world.Host.Start(guests[1]);
        world.Settle();

        Assert.That(keyboards.Sum(k => world.Host.GuestsWith(k).Count), Is.EqualTo(1));
        Assert.That(claims.Select(world.Stand), Is.EquivalentTo([
            (ClaimPhase.Attached, ClaimReason.None), (ClaimPhase.Failed, ClaimReason.InUseByHost)]));
    }

    /// <summary>A QEMU may hang while it takes one in, and with it libvirt's call.</summary>
    [Test]
    public void Plan_AttachOfAnInputDeviceThatHangs_HoldsOthersBackForAWhileOnly()
    {
        FakeGuest[] guests = [world.Guest("a", running: false), world.Guest("b", running: false)];
        FakeDevice[] mice = [Some.Keyboard(), Some.Keyboard()];
        for (var i = 0; i < mice.Length; i++)
        {
            world.Plugged(mice[i], $"1-{i + 1}");
            world.Do(h => h.Use(mice[i], new HostUse(HostUseKind.Input, "input5")));
            world.Claim(mice[i], guests[i]);
        }

        var (hangs, after29, after31) = (false, -1, -1);
        world.Host.Before = verb =>
        {
            if (verb == "attach" && !hangs)
            {
                hangs = true;
                world.Advance(TimeSpan.FromSeconds(29));
                after29 = mice.Sum(k => world.Host.GuestsWith(k).Count);
                world.Advance(TimeSpan.FromSeconds(2));
                after31 = mice.Sum(k => world.Host.GuestsWith(k).Count);
            }
        };
        world.Host.Start(guests[0]);
        world.Host.Start(guests[1]);
        world.Settle();

        Assert.That((after29, after31), Is.EqualTo((0, 1)));
    }

    /// <summary>One is on its way out, so each of the others that is left is the last.</summary>
    private void LeaveLast(FakeDevice[] keyboards)
    {
        foreach (var keyboard in keyboards)
        {
            world.Host.Use(keyboard, new HostUse(HostUseKind.Input, "input5"), new HostUse(HostUseKind.LastKeyboard, "input5"));
        }
    }
}
