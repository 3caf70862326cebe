// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Guests;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.Requests;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Core.Reducers;

/// <summary>What guests ask for in their own definitions becomes claims, under the same rules as any other request.</summary>
public sealed partial class Fold
{
    private readonly HashSet<GuestId> wishesDue = [];

    /// <summary>The owner under which a guest's own claims stand.</summary>
    private static string OwnerOf(GuestId guest) => $"guest:{guest}";

    /// <summary>Whether the definition of the claim's own guest asks for it.</summary>
    public static bool IsWish(Claim claim) => claim.Origin == ClaimOrigin.Metadata && claim.Owner == OwnerOf(claim.Guest);

    private void NoteWishes(Guest? before, Guest after)
    {
        if (before is null || !before.Wishes.SequenceEqual(after.Wishes) || state.UnmetWishes.Contains(after.Id))
        {
            wishesDue.Add(after.Id);
        }
    }

    /// <summary>An undefined guest asks for nothing any more.</summary>
    private void ForgetWishes(GuestId guest)
    {
        foreach (var entry in OwnClaims(guest))
        {
            EndWish(entry, "its guest is no longer defined");
        }

        wishesDue.Remove(guest);
        state = state with { Wishes = state.Wishes.Remove(guest), UnmetWishes = state.UnmetWishes.Remove(guest) };
    }

    /// <summary>Another device, other rules or a claim that ended may meet what could not be met before.</summary>
    private void LookAtUnmetWishes() => wishesDue.UnionWith(state.UnmetWishes);

    private void MeetWishes()
    {
        while (state is { DevicesKnown: true, GuestsKnown: true } && wishesDue.Count > 0)
        {
            var due = wishesDue.OrderBy(g => g.Uuid).ToList();
            wishesDue.Clear();
            foreach (var guest in due)
            {
                if (state.Guests.TryGetValue(guest, out var known))
                {
                    Meet(known);
                }
            }
        }
    }

    private void Meet(Guest guest)
    {
        var asked = guest.Wishes.Select(w => ClaimId.ByWish(guest.Id, w.Device)).ToHashSet();
        foreach (var entry in OwnClaims(guest.Id).Where(e => !asked.Contains(e.Id) && e.Claim.Hold != ClaimHold.Withheld).ToList())
        {
            EndWish(entry, "its guest's definition no longer asks for it");
        }

        var before = state.Wishes.GetValueOrDefault(guest.Id, []);
        var outcomes = guest.Wishes.Select(w => Meet(guest, w)).ToImmutableArray();
        foreach (var outcome in outcomes.Where(o => o.Refused is not null && !before.Any(b => b.Wish == o.Wish && b.Refused?.Message == o.Refused.Message)))
        {
            Audit("claim-by-metadata", guest.Id.ToString(), outcome.Refused!.Why.ToString(), outcome.Refused.Message);
        }

        state = state with
        {
            Wishes = outcomes.IsEmpty ? state.Wishes.Remove(guest.Id) : state.Wishes.SetItem(guest.Id, outcomes),
            UnmetWishes = outcomes.Any(o => o.Claim is null) ? state.UnmetWishes.Add(guest.Id) : state.UnmetWishes.Remove(guest.Id),
        };
        if (!before.SequenceEqual(outcomes))
        {
            touchedGuests.Add(guest.Id);
        }
    }

    private WishOutcome Meet(Guest guest, GuestWish wish)
    {
        if (wish.Fault is { } fault)
        {
            return new WishOutcome(wish, null, new ClaimDecision.Refused(
                Refusal.InvalidArgument, $"the definition of guest {guest.Name} asks for {(wish.Device.Length == 0 ? "a device" : wish.Device)}: {fault}",
                $"mend it as usbhostd-metadata(5) says: {Mending(guest)}"));
        }

        var id = ClaimId.ByWish(guest.Id, wish.Device);
        var own = state.Claims.GetValueOrDefault(id) is { Stands: true } known ? known : null;
        if (own is not null && !IsWishOf(own.Claim, guest.Id))
        {
            // Recovered, or moved by an earlier version, which kept the id.
            return own.Claim.Guest == guest.Id && own.Claim.Hold == ClaimHold.None
                ? new WishOutcome(wish, id, null)
                : new WishOutcome(wish, null, Taken(own));
        }

        // Other words or settings in the definition do not end a hold.
        if (own is not null && (own.Claim.Hold == ClaimHold.Withheld || AsAsked(own.Claim, wish)))
        {
            return new WishOutcome(wish, id, null);
        }

        var request = new ClaimRequest
        {
            Device = wish.Device,
            Guest = guest.Id,
            FollowIds = wish.Follow,
            Mode = wish.Mode,
            GuestReset = wish.GuestReset,
            Owner = OwnerOf(guest.Id),
            Uid = Claim.NoUid,
            Door = "metadata",
        };
        if (own is not null)
        {
            EndWish(own, "its guest's definition asks for it otherwise");
        }

        switch (ClaimDecider.Decide(state, request, default, now))
        {
            case ClaimDecision.Accepted { AlreadyThere: true } met:
                return new WishOutcome(wish, met.Claim.Id, null);
            case ClaimDecision.Accepted made:
                var claim = made.Claim with { Id = id, Origin = ClaimOrigin.Metadata };
                state = state with { Retired = state.Retired.Remove(id) };
                Written(claim);
                changes.Add(StoreChange.Keep(claim));
                Audit("claim-by-metadata", id.ToString(), "ok", $"{claim.Follows.Text} for guest {guest.Name}");
                return new WishOutcome(wish, id, null);
            case ClaimDecision.Refused refused:
                return new WishOutcome(wish, null, refused);
            default:
                throw new InvalidOperationException("a decision that the fold does not know");
        }
    }

    /// <summary>virsh can't edit both definitions of a running guest at once: it finds no text then, and changes nothing.</summary>
    private string Mending(Guest guest)
    {
        var edit = $"virsh metadata {CommandText.Guest(state, guest.Id)} --uri urn:usbhostd:domain:1 --key usbhostd --edit";
        return guest.IsActive ? $"{edit}, then for its next start {edit} --config" : edit;
    }

    private static bool IsWishOf(Claim claim, GuestId guest) => IsWish(claim) && claim.Guest == guest;

    private ClaimDecision.Refused Taken(ClaimEntry entry) => new(
        Refusal.HeldByGuest,
        $"{DeviceMark.Named(state, entry.Claim, null)} is claimed for guest {state.GuestName(entry.Claim.Guest)} (claim {entry.Id}, {Assessor.Assess(state, entry, now).Phase})",
        entry.Claim.Hold == ClaimHold.None ? CommandText.Release(entry.Id) : CommandText.Retry(entry.Id))
    { OtherClaim = entry.Id, OtherGuest = entry.Claim.Guest };

    private static bool AsAsked(Claim claim, GuestWish wish) =>
        (wish.Mode is null || wish.Mode == claim.Mode) && (wish.GuestReset is null || wish.GuestReset == claim.GuestReset) && wish.Follow.All(claim.Ids.Contains);

    private List<ClaimEntry> OwnClaims(GuestId guest) =>
        [.. state.ClaimsByGuest[guest].Select(id => state.Claims[id]).Where(e => e.Stands && IsWishOf(e.Claim, guest))];

    private void EndWish(ClaimEntry entry, string why)
    {
        Put(entry.Fresh() with { Claim = entry.Claim.EndedAt(now) });
        changes.Add(StoreChange.Keep(state.Claims[entry.Id].Claim));
        NoteEnd(entry, why);
    }
}
