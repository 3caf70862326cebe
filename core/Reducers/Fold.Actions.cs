// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Planning;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Reducers;

public sealed partial class Fold
{
    private static readonly TimeSpan InputPatience = TimeSpan.FromSeconds(30);

    /// <summary>The action is about to run: nothing else is planned for its subject until it has finished.</summary>
    public void Start(HostAction action)
    {
        state = state with { InFlight = state.InFlight.SetItem(action.Subject, action) };
        TouchSubject(action);
        if (action is HostAction.AttachDevice { Device.IsInput: true })
        {
            state = state with { InputLeavesBy = now + InputPatience };
            LookAgain(state.InputLeavesBy, DeadlineKind.Inputs, "");
        }
    }

    private void Finished(HostAction action, ActionOutcome outcome)
    {
        state = state with { InFlight = state.InFlight.Remove(action.Subject) };
        TouchSubject(action);
        var failed = outcome as ActionOutcome.Failed;
        switch (action)
        {
            case HostAction.AttachDevice attach:
                if (!IsHeldStill(attach, failed))
                {
                    Audit("attach", attach.Claim.ToString(), failed is null ? "ok" : failed.Reason.ToString(),
                        $"{state.IdOf(attach.Device)} to guest {state.GuestName(attach.Into)}{(attach.Unguarded is { } why ? $", {why}" : "")}{Because(failed)}");
                }

                NoteJailOf(attach);
                NoteOutcome(attach.Claim, failed ?? NotThere(attach));
                if (attach.Device.IsInput)
                {
                    TouchInputs();
                }

                break;
            case HostAction.DetachDevice detach:
                Audit("detach", detach.Alias.Claim.ToString(), failed is null ? "ok" : failed.Reason.ToString(),
                    $"{detach.Cause} from guest {state.GuestName(detach.From)}{Because(failed)}");
                NoteJailOf(detach);
                NoteDetach(detach, failed);
                break;
            case HostAction.LookAtDevice look:
                NoteLook(look.Claim);
                break;
            case HostAction.OfferDrivers offer when failed is null:
                // A QEMU that still held it closes it in a moment: it stays lent, and that event offers it again.
                state = state with { Lent = state.Lent.Remove(offer.Plug) };
                break;
            case HostAction.ApplyJail jail:
                NoteJail(jail, failed);
                break;
            case HostAction.KeepAwake keep:
                NoteAwake(keep);
                break;
            case HostAction.WriteIgnoreRules write:
                claimsChanged |= !write.Equals(new HostAction.WriteIgnoreRules(Planner.IgnoreRules(state)));
                break;
            case HostAction.StartGuestPaused or HostAction.ResumeGuest when failed is { Transient: true }:
                StartLater(action.Guest!.Value, failed.Message);
                break;
            case HostAction.StartGuestPaused or HostAction.ResumeGuest when failed is not null:
                FailStart(action.Guest!.Value, failed.Message);
                break;
            case HostAction.ResumeGuest resumed:
                DropStart(resumed.Resuming);
                break;
        }
    }

    /// <summary>Once for each time that a guest has it: where the kernel refuses, the log says so, and the device works all the same.</summary>
    private void NoteAwake(HostAction.KeepAwake keep)
    {
        if (state.Devices.TryGetValue(keep.Syspath, out var device) && device.Plug == keep.Plug)
        {
            state = state with { KeptAwake = keep.Awake ? state.KeptAwake.Add(keep.Plug) : state.KeptAwake.Remove(keep.Plug) };
            touchedDevices.Add(keep.Syspath);
        }
    }

    /// <summary>Somebody else has it as before: this is tried without end, and told of once.</summary>
    private bool IsHeldStill(HostAction.AttachDevice attach, ActionOutcome.Failed? failed) =>
        failed is { Reason: ClaimReason.HeldByOther or ClaimReason.InUseByHost } && state.Claims.GetValueOrDefault(attach.Claim)?.LastFailure is { } last
            && last.Reason == failed.Reason && last.Message == failed.Message;

    private static string Because(ActionOutcome.Failed? failed) => failed is null ? "" : $": {failed.Message}";

    private void TouchSubject(HostAction action)
    {
        switch (action)
        {
            case HostAction.AttachDevice attach:
                Touch(attach.Claim);
                touchedPlugs.Add(attach.Device.Plug);
                touchedDevices.Add(attach.Device.Syspath);
                break;
            case HostAction.LookAtDevice look:
                Touch(look.Claim);
                break;
            case HostAction.DetachDevice detach:
                Touch(detach.Alias.Claim);
                touchedPlugs.Add(detach.Alias.Plug);
                break;
            case HostAction.OfferDrivers offer:
                TouchClaimsAtPath(offer.Syspath);
                break;
            case HostAction.ApplyJail jail:
                TouchClaimsAtPath(jail.Syspath);
                break;
        }

        if (action.Guest is { } guest)
        {
            touchedGuests.Add(guest);
        }
    }

    private void TouchClaimsAtPath(string syspath)
    {
        if (state.Devices.TryGetValue(syspath, out var device))
        {
            foreach (var entry in ClaimsFollowing(device))
            {
                Touch(entry.Id);
            }
        }
    }

    /// <summary>Other keyboards waited for this one, for none of them is to be the host's last.</summary>
    private void TouchInputs()
    {
        foreach (var (syspath, device) in state.Devices)
        {
            if (device.IsInput)
            {
                TouchClaimsAtPath(syspath);
            }
        }
    }

    private void NoteOutcome(ClaimId id, ActionOutcome.Failed? failed)
    {
        if (!state.Claims.TryGetValue(id, out var entry))
        {
            return;
        }

        if (failed is null)
        {
            // The count stays until the device is seen working: libvirt also reports success for an attach that fails in the guest.
            // What somebody else held counts for nothing any more.
            Put(entry with { LastFailure = null, NotBefore = null, Failures = IsHolding(entry.LastFailure) ? 0 : entry.Failures });
            return;
        }

        // What somebody else holds is no failure of ours: one that comes after it counts anew.
        var held = IsHolding(failed);
        var failures = IsHolding(entry.LastFailure) && !held ? 1 : entry.Failures + 1;
        var notBefore = now + (held && failures >= state.Limits.MostFailures ? state.Limits.LongestRetry : Backoff(failures, failed.Transient));
        Put(entry with { Failures = failures, LastFailure = failed, NotBefore = notBefore });
        LookAgain(notBefore, id);
    }

    private static bool IsHolding(ActionOutcome.Failed? failed) => failed?.Reason is ClaimReason.HeldByOther or ClaimReason.InUseByHost;

    /// <summary>Doubles from the first wait to the longest; five times as patient where another try is unlikely to help.</summary>
    private TimeSpan Backoff(int failures, bool transient)
    {
        var limits = state.Limits;
        var wait = limits.FirstRetry * Math.Pow(2, Math.Min(failures - 1, 16)) * (transient ? 1 : 5);
        return wait < limits.LongestRetry ? wait : limits.LongestRetry;
    }

    /// <summary>libvirt may report success for what the guest's XML then hasn't got; that counts as a failure, or it would be tried without end.</summary>
    private ActionOutcome.Failed? NotThere(HostAction.AttachDevice attach) =>
        state.AttachmentsByClaim[attach.Claim].Any(p => p.Guest == attach.Into && p.Attachment.Ours == attach.Alias)
            ? null
            : new ActionOutcome.Failed(ClaimReason.AttachFailed, "libvirt reported success, and the guest's definition has no such device", Transient: true);

    private void NoteLook(ClaimId id)
    {
        if (state.Claims.TryGetValue(id, out var entry))
        {
            entry = entry with { NextLook = null };
            Put(entry);
            if (Assessor.Choose(state, entry).Device is { IsHeldOverUsbfs: false } device && IsIn(entry, device))
            {
                ScheduleLook(entry);
            }
        }
    }

    private void NoteDetach(HostAction.DetachDevice detach, ActionOutcome.Failed? failed)
    {
        if (!state.Claims.TryGetValue(detach.Alias.Claim, out var entry))
        {
            return;
        }

        if (failed is not null)
        {
            // It may leave all the same, and then it was us.
            Put(entry with { DetachAsked = entry.DetachAsked.Add(detach.Alias) });
            NoteOutcome(entry.Id, failed);
            return;
        }

        var still = state.AttachmentsByClaim[entry.Id].Any(p => p.Guest == detach.From && p.Attachment.Ours == detach.Alias);
        if (detach.Cause == DetachCause.NotWorking)
        {
            NoteOutcome(entry.Id, new ActionOutcome.Failed(ClaimReason.HostDriverBound, "it was in the guest's definition, not in the guest", Transient: true));
            entry = state.Claims[entry.Id];
        }

        if (!still)
        {
            Put(entry with { SuspectSince = null });
            return;
        }

        // QEMU has accepted; the guest's XML tells when it is done. If it never does, ask again.
        var again = now + state.Limits.DetachPatience;
        Put(entry with { DetachAsked = entry.DetachAsked.Add(detach.Alias), NotBefore = again });
        LookAgain(again, entry.Id);
    }
}
