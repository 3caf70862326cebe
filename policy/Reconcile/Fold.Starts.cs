using UsbHostd.Policy.Guests;

namespace UsbHostd.Policy.Reconcile;

public sealed partial class Fold
{
    private void StartRequested(GuestId id)
    {
        state = state with { GuestStarts = state.GuestStarts.SetItem(id, new GuestStart(now, FromStore: false, Run: null, Failure: null)) };
        touchedGuests.Add(id);
    }

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
                // One that an earlier daemon started has its whole time again: the devices were not seen to until now.
                var since = start.FromStore ? now : start.Since;
                state = state with { GuestStarts = state.GuestStarts.SetItem(guest.Id, start with { Run = guest.Run, Since = since }) };
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
