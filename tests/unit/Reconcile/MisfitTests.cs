// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.Reducers;
using UsbHostd.Core.State;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>What libvirt refuses for want of room is forgotten once the guest has other room.</summary>
[TestFixture]
internal sealed class MisfitTests
{
    [TestCase(true, 0)]
    [TestCase(false, 1)]
    public void Fold_AfterLibvirtSaysNoFreePort_ForgivesOnlyWhenControllersChange(bool controllersChange, int failuresLeft)
    {
        using var world = new World();
        var guest = world.Guest();
        var claim = world.Claim(world.Plugged(Some.Stick()), guest);
        var now = world.Time.GetUtcNow();
        var seen = world.State.Guests[guest.Id];
        var refused = new HostEvent.ActionFinished(
            new HostAction.AttachDevice(claim, guest.Id, world.State.Devices.Values.First(), GuestReset.Off, Unguarded: null),
            new ActionOutcome.Failed(ClaimReason.NoFreePort, "No free USB ports", Transient: false));
        var after = Fold.Apply(world.State, refused, now).State;

        var controllers = controllersChange ? [.. seen.Controllers.Select(c => c with { Ports = c.Ports + 1 })] : seen.Controllers;
        after = Fold.Apply(after, new HostEvent.GuestPresent(seen with { Controllers = controllers, State = GuestState.Running }), now).State;

        Assert.That(after.Claims[claim].LastFailure is null ? 0 : 1, Is.EqualTo(failuresLeft));
    }
}
