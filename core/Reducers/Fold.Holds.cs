// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Core.Reducers;

public sealed partial class Fold
{
    /// <summary>
    /// The claim as it is after somebody released it, where a rule or the guest's definition would give the device back to the same guest.
    /// It is held back then. Null for other claims, which just end.
    /// </summary>
    public static Claim? HeldBack(HostState state, Claim claim)
    {
        if (claim.Origin == ClaimOrigin.Rule)
        {
            return claim with { Hold = ClaimHold.Withheld };
        }

        if (IsAskedFor(state, claim) || (IsWish(claim) && claim.Hold != ClaimHold.Withheld))
        {
            return AsHold(claim, ClaimOrigin.Metadata, OwnerOf(claim.Guest), claim.Follows);
        }

        return new Fold(state, default).GivenByRule(claim) is { } key ? AsHold(claim, ClaimOrigin.Rule, "rule", key) : null;
    }

    /// <summary>Nothing that was said for the released claim alone stays: who made it by which request, how long it stands, and why policy or the guard was passed.</summary>
    private static Claim AsHold(Claim claim, ClaimOrigin origin, string owner, DeviceKey follows) => claim with
    {
        Origin = origin,
        Owner = owner,
        RequestId = null,
        Request = null,
        Uid = Claim.NoUid,
        Gids = [],
        MoverUid = null,
        MoverGids = [],
        Follows = follows,
        Lifetime = ClaimLifetime.Forever,
        LifetimePlug = null,
        LifetimeRun = null,
        ForceReason = null,
        OverrideReason = null,
        Hold = ClaimHold.Withheld,
    };

    /// <summary>Whether the definition of the claim's guest asks for the device: by the words of this claim, met by it, or kept from it by its hold.</summary>
    private static bool IsAskedFor(HostState state, Claim claim) => state.Wishes.GetValueOrDefault(claim.Guest, []).Any(w =>
        w.Claim == claim.Id || w.Refused?.OtherClaim == claim.Id || ClaimId.ByWish(claim.Guest, w.Wish.Device) == claim.Id);

    /// <summary>The key by which a rule gives the device of this claim to the same guest; null where none does.</summary>
    private DeviceKey? GivenByRule(Claim claim)
    {
        var there = state.DevicesWith(claim.Follows).Where(d => claim.Ids.Contains(d.UsbId)).ToList();
        if (there.Count == 0)
        {
            return MayBeAssigned(claim) ? claim.Follows : null;
        }

        var given = there.Find(d => state.VerdictOf(d) is { Target: RuleTarget.Assign } verdict && NamedGuest(GuestOf(verdict)) == claim.Guest);
        return given is null ? null : RuleKeyOf(given);
    }
}
