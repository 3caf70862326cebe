// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Guests;
using UsbHostd.Tests.Reconcile.Sim;
using Guest = UsbHostd.Api.V1.Guest;

namespace UsbHostd.Tests.Reconcile;

[TestFixture]
internal sealed class GuestStartTests : StickTest
{
    protected override bool GuestRuns => false;

    [SetUp]
    public void ClaimStick()
    {
        world.Claim(stick, guest);
        world.Host.Done.Clear();
    }

    [Test]
    public void Plan_GuestStart_AttachesBeforeItRuns()
    {
        _ = StartGuest();

        Assert.That(world.Host.Done, Is.EqualTo(["start guest", "attach stick guest", "resume guest"]));
        Assert.That(guest.State, Is.EqualTo(GuestState.Running));
        Assert.That(world.State.GuestStarts, Is.Empty);
    }

    [Test]
    public void Plan_GuestStartWithoutItsDevice_RunsAllTheSame()
    {
        world.Do(h => h.Pull(stick));

        _ = StartGuest();

        Assert.That(guest.State, Is.EqualTo(GuestState.Running));
    }

    [Test]
    public void Plan_GuestStartWithADeviceThatDoesNotSettle_WaitsAndThenRuns()
    {
        world.Host.NotFoundYet = int.MaxValue;
        _ = StartGuest();
        Assume.That(guest.State, Is.EqualTo(GuestState.Paused));

        world.Advance(world.Limits.GuestStartPatience);

        Assert.That(guest.State, Is.EqualTo(GuestState.Running));
    }

    [Test]
    public async Task Plan_GuestStartRefusedByLibvirt_SaysWhy()
    {
        Fail("start", transient: false);

        var answer = StartGuest();

        var refused = (await Assert.ThrowsAsync<HostException>(() => answer))!;
        Assert.That(refused.Message, Does.Contain("no start"));
        Assert.That(world.Store.Load().GuestStarts, Is.Empty);
    }

    [Test]
    public async Task Plan_GuestDiesBeforeItRuns_SaysSo()
    {
        world.Host.NotFoundYet = int.MaxValue;
        var answer = StartGuest();

        world.Do(h => h.Stop(guest));

        await Assert.ThrowsAsync<HostException>(() => answer);
    }

    [Test]
    public void Plan_ResumeFailsForAMoment_IsTriedAgain()
    {
        Fail("resume", transient: true);
        _ = StartGuest();
        Assume.That(guest.State, Is.EqualTo(GuestState.Paused));
        world.Host.Before = null;

        world.Advance(5);

        Assert.That(guest.State, Is.EqualTo(GuestState.Running));
    }

    [Test]
    public void Plan_LibvirtLostBeforeTheResume_RunsWhenItIsBack()
    {
        world.Host.NotFoundYet = int.MaxValue;
        _ = StartGuest();
        world.Do(h => h.LoseLibvirt());
        world.Host.NotFoundYet = 0;

        world.Do(h => h.RegainLibvirt());
        world.Advance(world.Limits.GuestStartPatience);

        Assert.That(guest.State, Is.EqualTo(GuestState.Running));
    }

    [Test]
    public void Plan_DaemonCrashesWhileTheGuestIsPaused_TheNextOneLetsItRun()
    {
        world.Host.NotFoundYet = 1;
        _ = StartGuest();
        Assume.That(guest.State, Is.EqualTo(GuestState.Paused));

        world.Restart();

        Assert.That(world.Host.GuestsWith(stick), Is.EqualTo([guest]));
        Assert.That(guest.State, Is.EqualTo(GuestState.Running));
    }

    [Test]
    public void Plan_DaemonCrashesAndTheDeviceNeverSettles_TheGuestRunsAfterItsPatience()
    {
        world.Host.NotFoundYet = int.MaxValue;
        _ = StartGuest();

        world.Restart();
        world.Advance(world.Limits.GuestStartPatience);

        Assert.That(guest.State, Is.EqualTo(GuestState.Running));
    }

    [Test]
    public void Plan_DaemonCrashesBeforeTheStart_AnOldWishStartsNothing()
    {
        _ = world.Service.StartGuestAsync(World.Root, new StartGuestRequest { Guest = "guest" }, CancellationToken.None).AsTask();
        world.Turn();

        world.Restart();

        Assert.That(guest.State, Is.EqualTo(GuestState.Shutoff));
        Assert.That(world.Store.Load().GuestStarts, Is.Empty);
    }

    [Test]
    public void Plan_LibvirtGoesJustAfterItStartedTheGuest_TheGuestRunsWithItsDeviceWhenLibvirtIsBack()
    {
        LoseLibvirtAt("start", happens: true);
        _ = StartGuest();
        Assume.That(guest.State, Is.EqualTo(GuestState.Paused));
        world.Advance(world.Limits.GuestStartPatience * 2);

        world.Do(h => h.RegainLibvirt());
        world.Advance(1);

        Assert.That(world.Host.Done, Is.EqualTo(["start guest", "attach stick guest", "resume guest"]));
        Assert.That(world.Store.Load().GuestStarts, Is.Empty);
    }

    [Test]
    public void Plan_LibvirtGoesJustAfterItStartedTheGuestAndTheDaemonToo_TheNextOneLetsItRun()
    {
        LoseLibvirtAt("start", happens: true);
        _ = StartGuest();
        world.Crash();
        world.Host.RegainLibvirt();

        world.Start();

        Assert.That(guest.State, Is.EqualTo(GuestState.Running));
    }

    [Test]
    public void Plan_LibvirtGoesJustBeforeItStartsTheGuest_StartsItWhenLibvirtIsBack()
    {
        LoseLibvirtAt("start", happens: false);
        _ = StartGuest();
        world.Host.Before = null;

        world.Do(h => h.RegainLibvirt());
        world.Advance(1);

        Assert.That(guest.State, Is.EqualTo(GuestState.Running));
    }

    [Test]
    public async Task Plan_LibvirtIsBackAfterTheGuestStartsPatience_AnOldWishStartsNothing()
    {
        LoseLibvirtAt("start", happens: false);
        var answer = StartGuest();
        world.Host.Before = null;
        world.Advance(world.Limits.GuestStartPatience);

        world.Do(h => h.RegainLibvirt());

        var refused = (await Assert.ThrowsAsync<HostException>(() => answer))!;
        Assert.That(refused.Message, Does.Contain("no start"));
        Assert.That(guest.State, Is.EqualTo(GuestState.Shutoff));
        Assert.That(world.Store.Load().GuestStarts, Is.Empty);
    }

    [Test]
    public async Task Plan_GuestStartFailsForAMomentAgainAndAgain_SaysWhyAfterItsPatience()
    {
        Fail("start", transient: true);
        var answer = StartGuest();
        Assume.That(world.State.GuestStarts, Is.Not.Empty);

        world.Advance(world.Limits.GuestStartPatience + TimeSpan.FromSeconds(1));

        var refused = (await Assert.ThrowsAsync<HostException>(() => answer))!;
        Assert.That(refused.Message, Does.Contain("no start"));
    }

    [Test]
    public async Task Decide_GuestRunsAlready_Refuses()
    {
        world.Do(h => h.Start(guest));

        var refused = (await Assert.ThrowsAsync<HostException>(StartGuest))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorGuestActive));
    }

    private Task<Guest> StartGuest()
    {
        var answer = world.Service.StartGuestAsync(World.Root, new StartGuestRequest { Guest = "guest" }, CancellationToken.None).AsTask();
        world.Settle();
        return answer;
    }

    /// <summary>libvirtd ends at this call, before or after its effect.</summary>
    private void LoseLibvirtAt(string verb, bool happens)
    {
        Action<string> lose = v =>
        {
            if (v == verb)
            {
                world.Host.LoseLibvirt();
                throw new GuestHostException(ClaimReason.LibvirtUnavailable, $"no {verb}", transient: true);
            }
        };
        (world.Host.Before, world.Host.After) = happens ? (null, lose) : (lose, (Action<string>?)null);
    }

    private void Fail(string verb, bool transient) => world.Host.Before = v =>
    {
        if (v == verb)
        {
            throw new GuestHostException(ClaimReason.AttachFailed, $"no {verb}", transient);
        }
    };
}
