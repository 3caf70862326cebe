// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Reducers;

public sealed partial class Fold
{
    private void StartRequested(GuestId id) => PutStart(id, new GuestStart(now, FromStore: false, Run: null, Failure: null));

    private void NoteStart(Guest guest)
    {
        if (!state.GuestStarts.TryGetValue(guest.Id, out var start) || start.Failure is not null)
        {
            return;
        }

        if (guest.IsActive && guest.State == GuestState.Paused)
        {
            if (start.Run is null)
            {
                // One that an earlier daemon started, or whose start was not reported, has its whole time again: the devices were not seen to until now.
                var since = start.FromStore || start.Trouble is not null ? now : start.Since;
                PutStart(guest.Id, start with { Run = guest.Run, Since = since, NotBefore = null });
                LookAgain(since + state.Limits.GuestStartPatience, DeadlineKind.GuestStart, guest.Id.ToString());
            }
        }
        else if (!guest.IsActive && start.Run is not null)
        {
            FailStart(guest.Id, "it stopped before it could run");
        }
        else if (guest.IsActive || start.FromStore)
        {
            // It runs; or it was being started by an earlier daemon, and an old wish doesn't start a guest.
            DropStart(guest.Id);
        }
        else
        {
            GiveUpStart(guest.Id);
        }
    }

    /// <summary>
    /// A guest that we stopped at its start must run, whatever happens in between. A start that failed for a moment may have happened all the
    /// same: what the guest looks like tells, and until then the wish is kept.
    /// </summary>
    private void StartLater(GuestId id, string why)
    {
        if (state.GuestStarts.TryGetValue(id, out var start))
        {
            var notBefore = now + Backoff(failures: 1, transient: false);
            PutStart(id, start with { NotBefore = notBefore, Trouble = why });
            LookAgain(notBefore, DeadlineKind.GuestStart, id.ToString());
        }
    }

    /// <summary>After its patience a guest that is still off, and would not start, is not started any more.</summary>
    private void GiveUpStart(GuestId id)
    {
        if (state.LibvirtConnected && state.GuestStarts.TryGetValue(id, out var start) && start is { Run: null, Failure: null, Trouble: { } why }
            && now >= start.NotBefore && now - start.Since >= state.Limits.GuestStartPatience
            && state.Guests.TryGetValue(id, out var guest) && guest.Run is null
            && !state.InFlight.ContainsKey(new HostAction.StartGuestPaused(id).Subject))
        {
            FailStart(id, why);
        }
    }

    private void FailStart(GuestId id, string why)
    {
        if (state.GuestStarts.TryGetValue(id, out var start))
        {
            PutStart(id, start with { Failure = why });
            changes.Add(new StoreChange.DropGuestStart(id));
            Audit("guest-start", id.ToString(), "failed", why);
        }
    }

    private void PutStart(GuestId id, GuestStart start)
    {
        state = state with { GuestStarts = state.GuestStarts.SetItem(id, start) };
        touchedGuests.Add(id);
    }

    private void DropStart(GuestId id)
    {
        if (state.GuestStarts.ContainsKey(id))
        {
            state = state with { GuestStarts = state.GuestStarts.Remove(id) };
            changes.Add(new StoreChange.DropGuestStart(id));
            touchedGuests.Add(id);
        }
    }
}
