// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Reducers;

public sealed partial class Fold
{
    private void Present(Guest guest)
    {
        Present(guest, watched: state.GuestsKnown);
        AdoptOrphans(guest);
    }

    /// <param name="watched">The guests were known before: a run that is new to us began since.</param>
    private void Present(Guest guest, bool watched)
    {
        var before = state.Guests.GetValueOrDefault(guest.Id);
        var sameRun = before?.Run is { } known && guest.Run is { } current && known.IsSameAs(current);
        if (sameRun && guest.Run!.Value.Started is null)
        {
            // What was read once of this run holds, also where it can't be read now.
            guest = guest with { Run = before!.Run };
        }

        if (before is not null)
        {
            AssignTo(before);
            Unindex(before);
        }

        Index(guest);
        AssignTo(guest);
        TouchClaimsOf(before, guest);
        if (guest.Run is not null && !sameRun)
        {
            foreach (var claim in state.ClaimsByGuest[guest.Id])
            {
                Put(state.Claims[claim].Fresh());
            }
        }

        if (sameRun)
        {
            NoteRemovals(before!, guest);
            ForgiveMisfits(before!, guest);
        }
        else if (before is not null)
        {
            NoteEndOfRun(before);
        }

        NoteAttachments(guest, cameWithRun: !sameRun && (before is not null || watched));
        if (sameRun && before!.State != guest.State)
        {
            LookAfterStateChange(guest);
        }

        if (!string.Equals(before?.Name ?? state.GuestNames.GetValueOrDefault(guest.Id), guest.Name, StringComparison.Ordinal))
        {
            state = state with { GuestNames = state.GuestNames.SetItem(guest.Id, guest.Name) };
            changes.Add(new StoreChange.RememberGuest(guest.Id, guest.Name));
        }

        NoteStart(guest);
        NoteNodes(before, guest);
        NoteWishes(before, guest);
    }

    private void Gone(GuestId id)
    {
        if (!state.Guests.TryGetValue(id, out var guest))
        {
            return;
        }

        TouchClaimsOf(guest, null);
        NoteNodes(guest, null);
        NoteEndOfRun(guest);
        AssignTo(guest);
        Unindex(guest);
        state = state with { Guests = state.Guests.Remove(id) };
        touchedGuests.Add(id);
        DropStart(id);
        ForgetWishes(id);
        ForgetNameOf(id);
    }

    /// <summary>A guest that is gone is called something for as long as a claim is for it.</summary>
    private void ForgetNameOf(GuestId id)
    {
        if (state.GuestsKnown && !state.Guests.ContainsKey(id) && state.ClaimsByGuest[id].IsEmpty && state.GuestNames.ContainsKey(id))
        {
            state = state with { GuestNames = state.GuestNames.Remove(id) };
            changes.Add(new StoreChange.RememberGuest(id, null));
        }
    }

    private void Enumerated(HostEvent.GuestsEnumerated enumerated)
    {
        var guests = enumerated.Guests;
        var (first, watched) = (!state.LibvirtConnected, state.GuestsKnown);
        state = state with { LibvirtConnected = true, LibvirtError = null, IsLibvirtRefusing = false, GuestsKnown = true };
        var present = guests.Select(g => g.Id).Concat(enumerated.Unreadable).ToHashSet();
        foreach (var id in state.Guests.Keys.Where(id => !present.Contains(id)).ToList())
        {
            Gone(id);
        }

        // Undefined while nobody looked.
        foreach (var id in state.ClaimsByGuest.Keys.Where(id => !present.Contains(id)).ToList())
        {
            ForgetWishes(id);
        }

        foreach (var id in state.GuestNames.Keys.Where(id => !present.Contains(id)).ToList())
        {
            ForgetNameOf(id);
        }

        // The list was an answer.
        LibvirtSilent(null);
        ForgiveFailures();
        foreach (var guest in guests)
        {
            Present(guest, watched);
        }

        // To adopt is to ask what rules assign: a guest that is not in yet would count as undefined, and what is held back for it would end.
        foreach (var guest in guests)
        {
            AdoptOrphans(guest);
        }

        if (first)
        {
            TouchEverything();
        }

        if (!watched && state.DevicesKnown)
        {
            EndAdoption();
        }
    }

    private void LibvirtLost(HostEvent.LibvirtLost lost)
    {
        if (state.LibvirtConnected || state.LibvirtError is null || state.IsLibvirtRefusing != lost.Refused)
        {
            TouchEverything();
        }

        state = state with { LibvirtConnected = false, LibvirtError = lost.Why, IsLibvirtRefusing = lost.Refused };
    }

    private void LibvirtSilent(DateTimeOffset? since)
    {
        if (state.LibvirtSilentSince != since)
        {
            state = state with { LibvirtSilentSince = since };
            TouchEverything();
        }
    }

    private void TouchEverything()
    {
        touchedClaims.UnionWith(state.Claims.Keys);
        touchedGuests.UnionWith(state.Guests.Keys);
        touchedPlugs.UnionWith(state.Lent.Keys);
        touchedDevices.UnionWith(state.Devices.Values.Where(d => state.KeptAwake.Contains(d.Plug)).Select(d => d.Syspath));
        TouchJailed();
    }

    private void Index(Guest guest)
    {
        var (byAddress, byClaim) = (state.AttachmentsByAddress, state.AttachmentsByClaim);
        foreach (var attachment in guest.Attachments)
        {
            var placed = new Placed(guest.Id, attachment);
            byAddress = attachment.Address is { } address ? byAddress.Add(address, placed) : byAddress;
            byClaim = attachment.Ours is { } ours ? byClaim.Add(ours.Claim, placed) : byClaim;
        }

        state = state with
        {
            Guests = state.Guests.SetItem(guest.Id, guest),
            GuestsByName = state.GuestsByName.Add(guest.Name, guest.Id),
            AttachmentsByAddress = byAddress,
            AttachmentsByClaim = byClaim,
        };
    }

    private void Unindex(Guest guest)
    {
        var (byAddress, byClaim) = (state.AttachmentsByAddress, state.AttachmentsByClaim);
        foreach (var attachment in guest.Attachments)
        {
            var placed = new Placed(guest.Id, attachment);
            byAddress = attachment.Address is { } address ? byAddress.Remove(address, placed) : byAddress;
            byClaim = attachment.Ours is { } ours ? byClaim.Remove(ours.Claim, placed) : byClaim;
        }

        state = state with
        {
            GuestsByName = state.GuestsByName.Remove(guest.Name, guest.Id),
            AttachmentsByAddress = byAddress,
            AttachmentsByClaim = byClaim,
        };
    }

    private void TouchClaimsOf(Guest? before, Guest? after)
    {
        var id = (before ?? after)!.Id;
        touchedGuests.Add(id);
        foreach (var claim in state.ClaimsByGuest[id])
        {
            Touch(claim);
        }

        foreach (var attachment in (before?.Attachments ?? []).Concat(after?.Attachments ?? []))
        {
            if (attachment.Ours is { } ours)
            {
                touchedPlugs.Add(ours.Plug);
                Touch(ours.Claim);
            }

            if (attachment.Address is { } address)
            {
                TouchClaimsAt(address);
            }
        }
    }

    /// <summary>Attachments of ours that left a guest in the middle of a run: asked for by us, or by somebody else.</summary>
    private void NoteRemovals(Guest before, Guest after)
    {
        foreach (var gone in before.Attachments)
        {
            if (gone.Ours is not { } alias || after.Attachments.Any(a => a.Ours == alias) || !state.Claims.TryGetValue(alias.Claim, out var entry))
            {
                continue;
            }

            var asked = entry.DetachAsked.Contains(alias)
                || (state.InFlight.GetValueOrDefault(alias.Claim.ToString()) is HostAction.DetachDevice detach && detach.Alias == alias);
            entry = entry with
            {
                DetachAsked = entry.DetachAsked.Remove(alias),
                SuspectSince = null,
                CameWithRun = null,
                NotBefore = entry.LastFailure is null ? null : entry.NotBefore,
            };
            if (asked || gone.Missing || !entry.Stands || entry.Claim.Guest != after.Id || !IsPluggedIn(entry, alias.Plug))
            {
                Put(entry);
                continue;
            }

            PutStored(entry with { Claim = entry.Claim with { Hold = ClaimHold.DetachedByOther } });
            Audit("detached-by-other", entry.Id.ToString(), "ok", $"somebody took it out of guest {after.Name}");
        }
    }

    /// <summary>A guest with other controllers or devices than before may have room now.</summary>
    private void ForgiveMisfits(Guest before, Guest after)
    {
        if (before.Controllers.SequenceEqual(after.Controllers))
        {
            return;
        }

        foreach (var entry in state.ClaimsByGuest[after.Id].Select(id => state.Claims[id]))
        {
            if (entry.LastFailure?.Reason is ClaimReason.NoController or ClaimReason.NoFreePort or ClaimReason.SpeedMismatch)
            {
                Put(entry.Fresh());
            }
        }
    }

    /// <summary>What we asked a QEMU to let go of has left with it.</summary>
    private void NoteEndOfRun(Guest before)
    {
        foreach (var gone in before.Attachments)
        {
            if (gone.Ours is { } alias && state.Claims.TryGetValue(alias.Claim, out var entry) && entry.DetachAsked.Contains(alias))
            {
                Put(entry with
                {
                    DetachAsked = entry.DetachAsked.Remove(alias),
                    NotBefore = entry.LastFailure is null ? null : entry.NotBefore,
                });
            }
        }
    }

    private bool IsPluggedIn(ClaimEntry entry, PlugToken? plug) => state.DevicesWith(entry.Claim.Follows).Any(d => d.Plug == plug);

    /// <summary>What is in the guest now is ours to hand back later.</summary>
    /// <param name="cameWithRun">The run has just begun, so nothing in it is of our attaching.</param>
    private void NoteAttachments(Guest guest, bool cameWithRun)
    {
        foreach (var attachment in guest.Attachments)
        {
            if (attachment is not { Missing: false, Ours: { } ours } || !state.Claims.TryGetValue(ours.Claim, out var entry))
            {
                continue;
            }

            var device = state.DevicesWith(entry.Claim.Follows).FirstOrDefault(d => d.Plug == ours.Plug);
            if (device is null)
            {
                continue;
            }

            Lend(device);
            Put(entry with { LastPlug = ours.Plug, CameWithRun = cameWithRun ? ours : entry.CameWithRun == ours ? ours : null });
            NoteDrivers(device);
        }
    }

    /// <summary>A guest that was resumed or has booted further may configure its devices now.</summary>
    private void LookAfterStateChange(Guest guest)
    {
        foreach (var id in state.ClaimsByGuest[guest.Id])
        {
            var entry = state.Claims[id];
            if (Assessor.Choose(state, entry).Device is { IsHeldOverUsbfs: false } device && IsIn(entry, device))
            {
                ScheduleLook(entry with { Looks = 0, NextLook = null });
            }
        }
    }
}
