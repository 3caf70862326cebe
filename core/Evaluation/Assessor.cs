// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Core.Evaluation;

/// <summary>
/// Looks at one claim: pure. The order of the questions is the order of what matters: what is wrongly in a guest goes first, then
/// whether the claim stands, then device, guest, guard, room in the guest, back-off.
/// </summary>
public static partial class Assessor
{
    public static ClaimStatus Assess(HostState state, ClaimEntry entry, DateTimeOffset now)
    {
        var claim = entry.Claim;
        var choice = Choose(state, entry);
        var wrong = FirstWrong(state, entry, choice.Device);
        var status = Look(state, entry, choice, wrong, now).JudgedIn(state);
        return WhileSilent(state, state.InFlight.GetValueOrDefault(claim.Id.ToString()) switch
        {
            // Another look at who holds it is no news; its outcome is.
            HostAction.AttachDevice when status.Reason == ClaimReason.InUseByHost => status with { Next = null },
            HostAction.AttachDevice => status with { Phase = ClaimPhase.Attaching, Reason = ClaimReason.None, Next = null, Detail = null },
            HostAction.DetachDevice { Cause: not DetachCause.Stale } =>
                status with { Phase = ClaimPhase.Detaching, Next = null },
            null => status,
            _ => status with { Next = null },
        });
    }

    /// <summary>An attachment of this claim that should not be where it is, and why.</summary>
    private static (Placed Placed, DetachCause Cause)? FirstWrong(HostState state, ClaimEntry entry, UsbDevice? device)
    {
        foreach (var placed in state.AttachmentsByClaim[entry.Id])
        {
            var cause = (entry, placed) switch
            {
                ({ Stands: false }, _) => DetachCause.Released,
                ({ Claim.Hold: ClaimHold.Recovered }, _) => IsThere(state, placed.Attachment) ? (DetachCause?)null : DetachCause.Stale,
                ({ Claim.Hold: ClaimHold.Withheld }, _) => DetachCause.Released,
                _ when placed.Guest != entry.Claim.Guest => DetachCause.Moved,
                _ when placed.Attachment.Ours!.Plug != device?.Plug => DetachCause.Stale,
                _ when placed.Attachment.Missing => DetachCause.NotWorking,
                _ when Permission.WhyNot(state, entry.Claim, device!) is not null => DetachCause.NotAllowed,
                _ => null,
            };
            if (cause is { } why && state.Guests.TryGetValue(placed.Guest, out var guest) && guest.IsActive)
            {
                return (placed, why);
            }
        }

        return null;
    }

    private static ClaimStatus Look(
        HostState state, ClaimEntry entry, Choice choice, (Placed Placed, DetachCause Cause)? wrong, DateTimeOffset now)
    {
        var claim = entry.Claim;
        if (wrong is { } w && state.LibvirtConnected)
        {
            var detach = new HostAction.DetachDevice(w.Placed.Guest, w.Placed.Attachment.Ours!, w.Cause);
            return Tried(entry, WhileDetaching(state, entry, choice, w.Cause), detach, now);
        }

        if (!entry.Stands)
        {
            return wrong is null
                ? new ClaimStatus(ClaimPhase.Released)
                : new ClaimStatus(ClaimPhase.Detaching, ClaimReason.LibvirtUnavailable) { Device = choice.Device, Detail = state.LibvirtError };
        }

        if (claim.Hold != ClaimHold.None)
        {
            var why = claim.Hold switch
            {
                ClaimHold.Recovered => ClaimReason.Recovered,
                ClaimHold.Withheld => ClaimReason.Withheld,
                _ => ClaimReason.DetachedByOther,
            };
            return new ClaimStatus(ClaimPhase.Held, why) { Device = choice.Device };
        }

        if (choice.Device is { } device)
        {
            return Has(state, entry, device)
                ? Attached(state, entry, device, now)
                : Wanted(state, entry, device, now);
        }

        return entry.Quarantine is null ? NoDevice(choice) : Quarantined(entry, null);
    }

    private static ClaimStatus WhileDetaching(HostState state, ClaimEntry entry, Choice choice, DetachCause cause) => cause switch
    {
        DetachCause.Released => new ClaimStatus(ClaimPhase.Detaching) { Device = choice.Device },
        DetachCause.NotAllowed => NotAllowed(choice.Device!, Permission.WhyNot(state, entry.Claim, choice.Device!)!) with { Phase = ClaimPhase.Detaching },
        _ when entry.Claim.Hold != ClaimHold.None => new ClaimStatus(ClaimPhase.Detaching) { Device = choice.Device },
        _ when choice.Device is null => NoDevice(choice) with { Phase = ClaimPhase.Detaching },
        _ => new ClaimStatus(ClaimPhase.Attaching) { Device = choice.Device },
    };

    private static ClaimStatus NotAllowed(UsbDevice device, string why) =>
        new(ClaimPhase.Failed, ClaimReason.NotAllowed) { Device = device, Detail = why };

    private static ClaimStatus NoDevice(Choice choice) => choice.Candidates.IsEmpty
        ? new ClaimStatus(ClaimPhase.WaitingForDevice, ClaimReason.DeviceAbsent) { InPort = choice.InPort }
        : new ClaimStatus(ClaimPhase.WaitingForDevice, ClaimReason.Ambiguous) { Candidates = choice.Candidates };

    private static ClaimStatus Quarantined(ClaimEntry entry, UsbDevice? device) =>
        new(ClaimPhase.Held, ClaimReason.Quarantined) { Device = device, Detail = entry.Quarantine };

    private static ClaimStatus Attached(HostState state, ClaimEntry entry, UsbDevice device, DateTimeOffset now)
    {
        var attached = new ClaimStatus(ClaimPhase.Attached) { Device = device };
        if (!state.LibvirtConnected)
        {
            return attached with { Reason = ClaimReason.LibvirtUnavailable, Detail = state.LibvirtError };
        }

        if (device.IsHeldOverUsbfs)
        {
            return attached;
        }

        var bound = device.Interfaces.FirstOrDefault(i => i.Driver is not (null or UsbInterface.UsbfsDriver));
        var status = bound is null
            ? attached with { Reason = ClaimReason.GuestNotConfigured }
            : attached with { Reason = ClaimReason.HostDriverBound, Detail = $"{bound.Name} has driver {bound.Driver}" };
        if (entry.SuspectSince is { } since && now - since >= state.Limits.HostDriverPatience)
        {
            status = status with { Phase = ClaimPhase.Failed, Reason = ClaimReason.HostDriverBound, Detail = status.Detail ?? "QEMU did not open it" };
            var alias = new AttachmentAlias(entry.Id, device.Plug);

            // What a restore brought along and QEMU did not open is nobody's failure: out with it, and in anew.
            var cause = entry.CameWithRun == alias ? DetachCause.Stale : DetachCause.NotWorking;
            return entry.Failures >= state.Limits.MostFailures
                ? status
                : Tried(entry, status, new HostAction.DetachDevice(entry.Claim.Guest, alias, cause), now);
        }

        return entry.NextLook is { } look && look <= now ? status with { Next = new HostAction.LookAtDevice(entry.Id, device.Syspath) } : status;
    }

    private static ClaimStatus Wanted(HostState state, ClaimEntry entry, UsbDevice device, DateTimeOffset now)
    {
        var claim = entry.Claim;
        if (entry.Quarantine is not null)
        {
            return Quarantined(entry, device);
        }

        if (OwnerOf(state, device) is { } owner && owner.Id != entry.Id)
        {
            return new ClaimStatus(ClaimPhase.WaitingForDevice, ClaimReason.HeldByGuest)
            {
                Device = device,
                OtherGuest = owner.Claim.Guest,
                OtherClaim = owner.Id,
            };
        }

        if (!device.IsHub && Permission.WhyNot(state, claim, device) is { } forbidden)
        {
            return NotAllowed(device, forbidden);
        }

        var waiting = new ClaimStatus(ClaimPhase.WaitingForGuest) { Device = device };
        if (!state.LibvirtConnected)
        {
            return waiting with { Reason = ClaimReason.LibvirtUnavailable, Detail = state.LibvirtError };
        }

        if (!state.Guests.TryGetValue(claim.Guest, out var guest))
        {
            return waiting with { Reason = ClaimReason.GuestUndefined };
        }

        if (!guest.IsActive)
        {
            return waiting with { Reason = ClaimReason.GuestOff };
        }

        return Refusal(state, claim, device, guest) ?? Attaching(state, entry, device, guest, now);
    }

    /// <summary>Why this device may not, or can't, go into this guest now; null where it can. Guard first, then room.</summary>
    public static ClaimStatus? Refusal(HostState state, Claim claim, UsbDevice device, Guest? guest)
    {
        var failed = new ClaimStatus(ClaimPhase.Failed) { Device = device };
        if (claim.Mode != ClaimMode.Hostdev || claim.Target != ClaimTarget.Guest)
        {
            return failed with { Reason = ClaimReason.UnsupportedMode };
        }

        if (device.IsHub)
        {
            return failed with { Reason = ClaimReason.IsHub };
        }

        if (Permission.WhyNot(state, claim, device) is { } forbidden)
        {
            return NotAllowed(device, forbidden);
        }

        foreach (var placed in state.AttachmentsByAddress[device.Address])
        {
            // An entry of ours for an earlier plug leaves by itself, whoever knows of its claim.
            if (placed.Attachment.Ours is null)
            {
                var entryOf = placed.Attachment.UsbId is { } id && id != device.UsbId ? id : (UsbId?)null;
                return failed with { Reason = ClaimReason.HeldByOther, OtherGuest = placed.Guest, EntryOf = entryOf };
            }
        }

        if (Permission.WhyUnguarded(state, claim, device) is null && HostUseOf(state, device) is { } use)
        {
            return InUse(failed, use);
        }

        return guest is null ? null : GuestFit.Check(device, guest) is { } misfit ? failed with { Reason = misfit.Reason, Detail = misfit.Detail } : null;
    }

    private static ClaimStatus Attaching(HostState state, ClaimEntry entry, UsbDevice device, Guest guest, DateTimeOffset now)
    {
        var attaching = new ClaimStatus(ClaimPhase.Attaching) { Device = device };
        var taken = !state.AttachmentsByAddress[device.Address].IsEmpty;
        if (taken || state.InFlight.ContainsKey(new HostAction.OfferDrivers(device.Syspath, device.Plug).Subject))
        {
            // libvirt keys exclusivity by number: a stale entry, or a claim that was released, goes first. Or the host's drivers are being offered it.
            return attaching;
        }

        // Nobody tells when somebody else lets go of it: that is tried on, at the longest wait.
        if (entry.IsFoundInUse && now < entry.NotBefore)
        {
            return FoundInUse(attaching, entry);
        }

        if (entry.Failures >= state.Limits.MostFailures && entry.LastFailure is { Reason: not ClaimReason.InUseByHost } last && (last.Reason != ClaimReason.HeldByOther || now < entry.NotBefore))
        {
            return attaching with { Phase = ClaimPhase.Failed, Reason = last.Reason, Detail = last.Message, OtherGuest = state.GuestNamed(last.Holder) };
        }

        if (WaitsForAnotherInput(state, device, now))
        {
            return attaching;
        }

        if (state.VerdictOf(device).SettlesAt is { } settled && now < settled)
        {
            return attaching with { Reason = ClaimReason.Settling };
        }

        var attach = new HostAction.AttachDevice(
            entry.Id, entry.Claim.Guest, device, entry.Claim.GuestReset, Permission.WhyUnguarded(state, entry.Claim, device))
        {
            Controller = GuestFit.ControllerFor(device, guest),
        };
        return Tried(entry, entry.IsFoundInUse ? FoundInUse(attaching, entry) : attaching, attach, now);
    }

    /// <summary>The action, unless a back-off says to wait.</summary>
    private static ClaimStatus Tried(ClaimEntry entry, ClaimStatus status, HostAction action, DateTimeOffset now)
    {
        if (entry.NotBefore is { } notBefore && now < notBefore)
        {
            return entry.LastFailure is { } failure
                ? status with { Reason = ClaimReason.RetryLater, Detail = failure.Message }
                : status;
        }

        return status with { Next = action };
    }
}
