// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Planning;
using UsbHostd.Core.Reducers;
using UsbHostd.Core.State;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>An attach that is said to have worked, and has left nothing in the guest.</summary>
[TestFixture]
internal sealed class HollowAttachTests
{
    [Test]
    public void Plan_AttachDoneButNotInTheGuest_WaitsBeforeItTriesAgain()
    {
        using var world = new World();
        var guest = world.Guest("off", running: false);
        var claim = world.Claim(world.Plugged(Some.Stick()), guest);
        var now = world.Time.GetUtcNow();
        var running = world.State.Guests[guest.Id] with { State = Core.Guests.GuestState.Running, Run = new Core.Guests.GuestRun("boot", 9) };
        var state = Fold.Apply(world.State, new HostEvent.GuestPresent(running), now).State;
        var attach = Planner.Plan(state, now).OfType<HostAction.AttachDevice>().Single();

        var hollow = Fold.Apply(state, new HostEvent.ActionFinished(attach, new ActionOutcome.Done()), now);

        Assert.Multiple(() =>
        {
            Assert.That(Planner.Plan(hollow.State, now).OfType<HostAction.AttachDevice>(), Is.Empty);
            Assert.That(Assessor.Assess(hollow.State, hollow.State.Claims[claim], now).Reason, Is.EqualTo(ClaimReason.RetryLater));
        });
    }
}
