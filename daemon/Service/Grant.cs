// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Daemon.Service;

/// <summary>
/// What one call may do and see. Without <see cref="Right.List"/> a caller sees devices that the rules would let it claim, its own claims
/// with their devices, and the guests that either could go to. What it does not see is not there, as far as it is told.
/// </summary>
internal sealed record Grant(Caller Caller, Right Rights)
{
    public bool SeesAll => Has(Right.List);

    public bool Has(Right right) => (Rights & right) != Right.None;

    public bool Owns(ClaimEntry entry) => entry.Claim.Owner == Caller.Owner;

    public bool Sees(ClaimEntry entry) => SeesAll || Has(Right.Manage) || Owns(entry);

    public bool Sees(Answer answer) => SeesAll || Has(Right.Manage) || answer.Owner == Caller.Owner;

    public bool Sees(HostState state, UsbDevice device) =>
        SeesAll || MayClaim(state, device) || (Assessor.OwnerOf(state, device) is { } owner && Owns(owner));

    public bool Sees(HostState state, GuestId guest) =>
        SeesAll || state.ClaimsByGuest[guest].Any(id => state.Claims[id] is { Stands: true } entry && Owns(entry))
        || state.Devices.Values.Any(d => MayClaim(state, d) && state.VerdictOf(d).Rule!.AllowsGuest(state.GuestName(guest), guest));

    public bool MayClaim(HostState state, UsbDevice device) =>
        Permission.WhyNotAnybody(state, device) is null && Permission.WhyNotCaller(state, device, Caller.Uid, Caller.Gids) is null;
}
