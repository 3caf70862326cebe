// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Core.Reducers;

public sealed partial class Fold
{
    /// <summary>Every device is judged anew; what that takes away is written down by name.</summary>
    private void RulesLoaded(HostEvent.RulesLoaded loaded)
    {
        var before = state;
        state = state with
        {
            Rules = loaded.Rules,
            Earlier = loaded.IsRecorded ? null : before.Earlier ?? new EarlierRules(before.Rules, before.Verdicts, before.RuleHistory, now),
            RuleHistory = before.RuleHistory.Clear(),
            Verdicts = before.Verdicts.Clear(),
            DepartedVerdicts = before.DepartedVerdicts.Clear(),
            AssignedTo = MultiIndex<string, string>.Empty,
        };
        ForgetStoredVerdicts();
        JudgeAll(state.Devices.Values.Select(device => (device, before.Verdicts.GetValueOrDefault(device.Syspath)?.Since ?? now)));
        foreach (var device in state.Devices.Values)
        {
            if (before.VerdictOf(device).IsStateful && !state.VerdictOf(device).IsStateful)
            {
                changes.Add(new StoreChange.ForgetVerdict(device.Plug));
            }

            touchedDevices.Add(device.Syspath);
            TouchClaimsOf(null, device);
        }

        // What the new rules say of a device that is away is known when it is back.
        EndAbsentRuleClaims("the rules were loaded anew while its device was away");

        AssignByRule();
        NoteLostRights(before);
    }

    private void EndAbsentRuleClaims(string why)
    {
        foreach (var entry in state.RuleClaims.Select(id => state.Claims[id])
            .Where(e => Assessor.Choose(state, e) is { Device: null, Candidates.IsEmpty: true } && !IsHeldAndMayBeAssigned(e)).ToList())
        {
            EndRuleClaim(entry, why);
        }
    }

    /// <summary>
    /// Whether some rule may assign the device of a claim to its guest. The device may be away, or go to another port: only what the claim says of it
    /// counts, and the rest is taken to match. A hold ends with the last rule that it holds against.
    /// </summary>
    private bool MayBeAssigned(Claims.Claim claim)
    {
        if (!state.Guests.ContainsKey(claim.Guest) && !state.GuestNames.ContainsKey(claim.Guest))
        {
            return true;
        }

        var name = state.GuestName(claim.Guest);
        var subjects = claim.Ids.Select(id => new RuleSubject { Id = id, Serial = UsbGuardHash.Trimmed(claim.Follows.SerialText) }).ToList();
        return state.Rules.Set.Rules.Any(rule => rule.Assigns(name, claim.Guest) && subjects.Exists(s =>
            RuleMatch.Holds(rule, s, MatchedAttribute.Id) && (claim.Follows.SerialText is null || RuleMatch.Holds(rule, s, MatchedAttribute.Serial))));
    }

    private bool IsHeldAndMayBeAssigned(ClaimEntry entry) => entry.Claim.Hold != Claims.ClaimHold.None && MayBeAssigned(entry.Claim);

    private void NoteLostRights(HostState before)
    {
        foreach (var entry in Permission.Lost(before, state).ToList())
        {
            // It leaves at once: no back-off of an earlier attach holds that up.
            Put(entry.Fresh());
            Audit("right-lost", entry.Id.ToString(), "ok", $"{entry.Claim.Follows.Text} leaves guest {state.GuestName(entry.Claim.Guest)}: the rules that are in force now do not allow it");
        }
    }

    /// <summary>Devices that a rule gives to this guest: it came, or has another name.</summary>
    private void AssignTo(Guests.Guest guest)
    {
        assignDue.UnionWith(state.AssignedTo[guest.Name]);
        assignDue.UnionWith(state.AssignedTo[guest.Id.ToString()]);
    }

    /// <summary>Makes the claims that rules ask for, and ends those that none asks for any more, where something changed.</summary>
    private void AssignByRule()
    {
        while (state is { DevicesKnown: true, GuestsKnown: true } && assignDue.Count > 0)
        {
            var due = assignDue.Order(StringComparer.Ordinal).ToList();
            assignDue.Clear();
            foreach (var syspath in due)
            {
                if (state.Devices.TryGetValue(syspath, out var device))
                {
                    Assign(device);
                }
            }
        }
    }

    private void Assign(UsbDevice device)
    {
        var verdict = state.VerdictOf(device);
        var guest = AssignedGuest(device, verdict);
        var key = RuleKeyOf(device);
        EndSharedRuleClaims(device);
        var mine = ClaimsFollowing(device).Where(IsForIt).ToList();
        var keep = mine.Find(e => e.Claim.Origin == Claims.ClaimOrigin.Rule && e.Claim.Guest == guest);
        var taken = mine.Exists(e => e.Claim.Origin != Claims.ClaimOrigin.Rule && (!e.Claim.IsHeldBack || e.Claim.Guest == guest));
        foreach (var entry in mine.Where(e => e.Claim.Origin == Claims.ClaimOrigin.Rule))
        {
            if (entry != keep && IsHeldAndMayBeAssigned(entry))
            {
                // In another port, say, it may be given there again: the hold waits for that.
                continue;
            }

            if (entry != keep)
            {
                EndRuleClaim(entry, "no rule assigns its device to this guest");
            }
            else if (taken && entry.Claim.Hold == Claims.ClaimHold.None)
            {
                EndRuleClaim(entry, "somebody claimed its device by name");
            }
            else if (verdict.Rule is { } rule)
            {
                UseAsRuled(entry, rule);
            }
        }

        if (guest is { } into && keep is null && !taken && !MayBeAnothersReplug(device))
        {
            ClaimByRule(device, key, verdict.Rule!, into);
        }

        if (verdict.Target == RuleTarget.Ask)
        {
            UseAnswer(device);
        }

        // A twin's claim follows the same key, and is the twin's to end.
        bool IsForIt(ClaimEntry entry) => Assessor.Choose(state, entry).Device is { } chosen
            ? chosen.Syspath == device.Syspath
            : entry.Claim.Origin == Claims.ClaimOrigin.Rule && entry.Claim.Follows == key;
    }

    /// <summary>
    /// A device that changed its port may show up there before it has left the old one. Which of the two it is, a twin or the same, is
    /// known when the old one leaves or the serial is judged; both bring it back here.
    /// </summary>
    private bool MayBeAnothersReplug(UsbDevice device) =>
        device.SerialKey is { } serial && !state.SharedSerials.Contains(serial) && state.DevicesByKey[serial].Length > 1;

    /// <summary>The serial where it tells devices apart. No two devices that a rule may claim now have the same key.</summary>
    private DeviceKey RuleKeyOf(UsbDevice device) => Questions.KeyOf(state, device);

    /// <summary>A serial that tells no devices apart any more: who has the claim keeps it, else each is claimed by its port.</summary>
    private void AssignTwins(DeviceKey serial)
    {
        foreach (var entry in state.ClaimsByKey[serial].Select(id => state.Claims[id])
            .Where(e => e.Stands && e.Claim.Origin == Claims.ClaimOrigin.Rule && Assessor.Choose(state, e).Device is null).ToList())
        {
            EndRuleClaim(entry, "its serial was seen on two devices at once");
        }

        assignDue.UnionWith(state.DevicesByKey[serial]);
    }

    /// <summary>
    /// The claim by a shared serial that lost its device later than <see cref="AssignTwins"/> looked. Each device is claimed by its port, so this
    /// one would wait for ever. A hold stays: it keeps out what was released.
    /// </summary>
    private void EndSharedRuleClaims(UsbDevice device)
    {
        if (device.SerialKey is { } serial && state.SharedSerials.Contains(serial))
        {
            foreach (var entry in state.ClaimsByKey[serial].Select(id => state.Claims[id])
                .Where(e => e is { Stands: true, Claim: { Origin: Claims.ClaimOrigin.Rule, Hold: Claims.ClaimHold.None } } && Assessor.Choose(state, e).Device is null).ToList())
            {
                EndRuleClaim(entry, "its serial was seen on two devices at once");
            }
        }
    }

    /// <summary>The claim is used as its rule says now: the rule may have been written anew since the claim was made.</summary>
    private void UseAsRuled(ClaimEntry entry, Rule rule)
    {
        var claim = entry.Claim with { Mode = rule.Mode ?? ClaimMode.Hostdev, GuestReset = rule.GuestReset ?? GuestReset.Off };
        if (claim.Mode != entry.Claim.Mode || claim.GuestReset != entry.Claim.GuestReset)
        {
            Put((claim.Mode == entry.Claim.Mode ? entry : entry.Fresh()) with { Claim = claim });
            if (claim.Hold != Claims.ClaimHold.None)
            {
                changes.Add(StoreChange.Keep(claim));
            }
        }
    }

    private GuestId? NamedGuest(string named)
    {
        if (RuleGuests.UuidOf(named) is { } uuid)
        {
            // A guest may be called like another's UUID; it is not meant.
            var id = new GuestId(uuid);
            return state.Guests.ContainsKey(id) ? id : null;
        }

        var byName = state.GuestsByName[named];
        return byName.IsEmpty ? null : byName[0];
    }

    private void ClaimByRule(UsbDevice device, DeviceKey key, Rule rule, GuestId guest)
    {
        var id = RuleClaimId(device, key, guest);
        if (state.Claims.GetValueOrDefault(id) is { Stands: true })
        {
            // A twin has it that was here first.
            return;
        }

        var claim = new Claims.Claim
        {
            Id = id,
            Guest = guest,
            Follows = key,
            Ids = [device.UsbId],
            Mode = rule.Mode ?? ClaimMode.Hostdev,
            Origin = Claims.ClaimOrigin.Rule,
            Owner = "rule",
            Door = "policy",
            GuestReset = rule.GuestReset ?? GuestReset.Off,
            Created = now,
        };
        if (state.RuleClaims.Count >= state.Limits.MostRuleClaims)
        {
            EndOldestAbsentRuleClaim();
        }

        state = state with { Retired = state.Retired.Remove(claim.Id) };
        Written(claim);
        Audit("claim-by-rule", claim.Id.ToString(), "ok", $"{state.IdOf(device)} for guest {state.GuestName(guest)}, rule at {rule.Source}");
        foreach (var known in ClaimsFollowing(device).Where(e => e.Id == claim.Id).ToList())
        {
            CountPlug(known, device);
        }
    }

    /// <summary>What an earlier version attached keeps the id that its alias has: an upgrade detaches nothing.</summary>
    private ClaimId RuleClaimId(UsbDevice device, DeviceKey key, GuestId guest)
    {
        var before = ClaimId.ByRuleBefore(key, guest);
        return state.AttachmentsByClaim[before].Any(p => p.Guest == guest && p.Attachment.Ours!.Plug == device.Plug)
            ? before
            : ClaimId.ByRule(key, device.UsbId, guest);
    }

    /// <summary>Whether no device is there that the claim could be for; another device may be in its port.</summary>
    private bool IsDeviceAway(Claims.Claim claim) => !state.DevicesWith(claim.Follows).Any(d => claim.Ids.Contains(d.UsbId));

    /// <summary>A device that shows another serial at each plug must not leave claims without end.</summary>
    private void EndOldestAbsentRuleClaim()
    {
        var oldest = state.RuleClaims.Select(id => state.Claims[id]).Where(e => e.DeviceLeft is not null && e.Claim.Hold == Claims.ClaimHold.None && IsDeviceAway(e.Claim))
            .MinBy(e => e.DeviceLeft);
        if (oldest is not null)
        {
            EndRuleClaim(oldest, "its device has been away for the longest, and there are too many");
        }
    }

    private void EndRuleClaim(ClaimEntry entry, string why)
    {
        var ended = entry.Claim.EndedAt(now);
        if (entry.Claim.Hold != Claims.ClaimHold.None)
        {
            changes.Add(new StoreChange.DropClaim(entry.Id));
        }

        state = state with { RuleClaims = state.RuleClaims.Remove(entry.Id) };
        Put(entry.Fresh() with { Claim = ended });
        NoteEnd(entry, why);
    }
}
