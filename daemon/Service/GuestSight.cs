// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Daemon.Service;

/// <summary>
/// Which of all guests a caller sees, as <see cref="Grant.Sees(HostState, GuestId)"/> says of one. Each rule is held against each guest once,
/// however many devices it is for, and only where something that counts is another than at the last look.
/// </summary>
internal sealed class GuestSight(Grant grant)
{
    private HostState? last;
    private HashSet<GuestId> byRules = [];
    private HashSet<GuestId> byClaims = [];

    /// <summary>Of the guests that were there at the last look.</summary>
    public bool Sees(GuestId guest) => grant.SeesAll || byRules.Contains(guest) || byClaims.Contains(guest);

    /// <summary>Looks at a snapshot; false where it shows what the last one did.</summary>
    public bool Look(HostState state)
    {
        if (grant.SeesAll)
        {
            return false;
        }

        var (rules, claims) = (last is null || !IsSameForRules(last, state), last is null || !ReferenceEquals(last.Claims, state.Claims));
        if (rules)
        {
            var letting = state.Devices.Values.Where(d => grant.MayClaim(state, d)).Select(d => state.VerdictOf(d).Rule!).ToHashSet<Rule>(ReferenceEqualityComparer.Instance);
            byRules = [.. state.Guests.Values.Where(g => letting.Any(rule => rule.AllowsGuest(g.Name, g.Id))).Select(g => g.Id)];
        }

        if (claims)
        {
            byClaims = [.. state.Claims.Values.Where(e => e.Stands && grant.Owns(e)).Select(e => e.Claim.Guest)];
        }

        last = state;
        return rules || claims;
    }

    /// <summary>All that <see cref="Permission"/> and <see cref="Core.Evaluation.Questions"/> go by; the collections are immutable.</summary>
    private static bool IsSameForRules(HostState one, HostState other) =>
        ReferenceEquals(one.Devices, other.Devices) && ReferenceEquals(one.Verdicts, other.Verdicts) && ReferenceEquals(one.Rules, other.Rules)
        && ReferenceEquals(one.Earlier, other.Earlier) && ReferenceEquals(one.Answers, other.Answers) && ReferenceEquals(one.SharedSerials, other.SharedSerials)
        && ReferenceEquals(one.Guests, other.Guests) && ReferenceEquals(one.GuestNames, other.GuestNames);
}
