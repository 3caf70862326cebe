// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Reducers;

public sealed partial class Fold
{
    internal void Load(StoredState stored)
    {
        foreach (var claim in stored.Claims)
        {
            Index(claim);
            state = state with
            {
                Claims = state.Claims.SetItem(claim.Id, new ClaimEntry(claim) { Quarantine = stored.Quarantined.GetValueOrDefault(claim.Id) }),
            };
        }

        state = state with
        {
            Answers = state.Answers.SetItems(stored.Answers.Select(a => KeyValuePair.Create(a.Id, a))),
            StoredVerdicts = state.StoredVerdicts.SetItems(stored.Verdicts.Select(v => KeyValuePair.Create(v.Plug, v))),
            SharedSerials = [.. stored.SharedSerials],
            Labels = state.Labels.SetItems(stored.Labels),
            GuestNames = state.GuestNames.SetItems(stored.GuestNames),
            Remembered = state.Remembered.SetItems(stored.Devices.Select(d => KeyValuePair.Create(d.Id, d))),
            GuestStarts = state.GuestStarts.SetItems(stored.GuestStarts.Select(s =>
                KeyValuePair.Create(s.Key, new GuestStart(s.Value, FromStore: true, Run: null, Failure: null)))),
        };
    }

    private void Written(Claim claim)
    {
        if (state.Claims.TryGetValue(claim.Id, out var before))
        {
            state = state with
            {
                ClaimsByKey = state.ClaimsByKey.Remove(before.Claim.Follows, claim.Id),
                ClaimsByGuest = state.ClaimsByGuest.Remove(before.Claim.Guest, claim.Id),
                ClaimsByVendorAndSerial = Unindexed(before.Claim),
                ClaimsByRequest = WithoutRequest(before.Claim),
            };
            touchedGuests.Add(before.Claim.Guest);
            if (before.Claim.Guest != claim.Guest && state.Wishes.ContainsKey(before.Claim.Guest))
            {
                // The claim met its wish until now.
                wishesDue.Add(before.Claim.Guest);
            }

            if (before.Claim.IsHeldBack && IsWish(claim))
            {
                // The definition may ask for it no longer.
                wishesDue.Add(claim.Guest);
            }
        }

        Index(claim);
        if (before is not null)
        {
            ForgetNameOf(before.Claim.Guest);
        }

        claimsChanged = true;
        touchedGuests.Add(claim.Guest);
        var entry = before is null ? new ClaimEntry(claim) : before.Fresh() with { Claim = claim };
        Put(entry);
        TouchRivals(claim.Follows);
    }

    private void Index(Claim claim) => state = state with
    {
        ClaimsByKey = state.ClaimsByKey.Add(claim.Follows, claim.Id),
        ClaimsByGuest = state.ClaimsByGuest.Add(claim.Guest, claim.Id),
        ClaimsByVendorAndSerial = claim.Follows.VendorAndSerial is { } serial
            ? state.ClaimsByVendorAndSerial.Add(serial, claim.Id)
            : state.ClaimsByVendorAndSerial,
        ClaimsByRequest = claim.RequestId is null
            ? state.ClaimsByRequest
            : state.ClaimsByRequest.SetItem((claim.Owner, claim.RequestId), claim.Id),
        RuleClaims = claim is { Origin: ClaimOrigin.Rule, Released: null } ? state.RuleClaims.Add(claim.Id) : state.RuleClaims.Remove(claim.Id),
    };

    /// <summary>A claim that has ended leaves the indexes, so that a device's past costs its future nothing.</summary>
    private void Retire()
    {
        if (!state.DevicesKnown || !state.GuestsKnown)
        {
            return;
        }

        var over = touchedClaims.Where(id => state.Claims.TryGetValue(id, out var entry) && !entry.Stands && state.AttachmentsByClaim[id].IsEmpty
            && !state.InFlight.ContainsKey(id.ToString()) && !state.Retired.Contains(id)).Select(id => state.Claims[id]);
        foreach (var entry in over.OrderBy(e => e.Claim.Released).ThenBy(e => e.Id).ToList())
        {
            state = state with
            {
                ClaimsByKey = state.ClaimsByKey.Remove(entry.Claim.Follows, entry.Id),
                ClaimsByGuest = state.ClaimsByGuest.Remove(entry.Claim.Guest, entry.Id),
                ClaimsByVendorAndSerial = Unindexed(entry.Claim),
                History = entry.Claim.Origin == ClaimOrigin.Rule && state.History.Contains(entry.Id) ? state.History : state.History.Enqueue(entry.Id),
                Retired = state.Retired.Add(entry.Id),
            };
            ForgetNameOf(entry.Claim.Guest);
            ForgetQuarantine(entry);
        }

        while (state.Retired.Count > state.Limits.MostHistory)
        {
            Forget(state.History.Peek());
        }
    }

    private ImmutableDictionary<(string Owner, string RequestId), ClaimId> WithoutRequest(Claim claim) =>
        claim.RequestId is { } request && state.ClaimsByRequest.GetValueOrDefault((claim.Owner, request)) == claim.Id
            ? state.ClaimsByRequest.Remove((claim.Owner, request))
            : state.ClaimsByRequest;

    private MultiIndex<string, ClaimId> Unindexed(Claim claim) => claim.Follows.VendorAndSerial is { } serial
        ? state.ClaimsByVendorAndSerial.Remove(serial, claim.Id)
        : state.ClaimsByVendorAndSerial;

    private void Forget(ClaimId id)
    {
        if (!state.Retired.Contains(id))
        {
            // A rule made it again since.
            state = state with { History = state.History.Dequeue() };
            return;
        }

        var claim = state.Claims[id].Claim;
        state = state with
        {
            Claims = state.Claims.Remove(id),
            ClaimsByRequest = WithoutRequest(claim),
            History = state.History.Dequeue(),
            Retired = state.Retired.Remove(id),
        };

        // Whoever keeps something of it learns that it is gone.
        touchedClaims.Add(id);
    }

    /// <summary>Others that follow the same device, and the device itself, show another picture now.</summary>
    private void TouchRivals(DeviceKey key)
    {
        foreach (var claim in state.ClaimsByKey[key])
        {
            Touch(claim);
        }

        foreach (var device in state.DevicesWith(key))
        {
            TouchClaimsOf(null, device);
            touchedDevices.Add(device.Syspath);
            assignDue.Add(device.Syspath);
        }
    }

    private void Retried(ClaimId id)
    {
        if (!state.Claims.TryGetValue(id, out var entry))
        {
            return;
        }

        if (entry.Quarantine is not null)
        {
            changes.Add(new StoreChange.RememberQuarantine(id, null));
        }

        if (Assessor.Choose(state, entry).Device is { } device)
        {
            state = state with { PortPlugs = state.PortPlugs.Remove(PortOf(device)) };
        }

        Put(entry.Fresh() with { Quarantine = null, RecentPlugs = [] });
    }

    private void Labelled(DeviceId device, string? label)
    {
        state = state with { Labels = label is null ? state.Labels.Remove(device) : state.Labels.SetItem(device, label) };
        if (state.SyspathsById.TryGetValue(device, out var syspath))
        {
            touchedDevices.Add(syspath);
            TouchClaimsOf(null, state.Devices[syspath]);
        }
    }

    /// <summary>Claims that end with a plug or a run: they begin with the first one seen, and end when it is over.</summary>
    private void EndLifetimes()
    {
        foreach (var id in touchedClaims.ToList())
        {
            if (!state.Claims.TryGetValue(id, out var entry) || !entry.Stands)
            {
                continue;
            }

            switch (entry.Claim.Lifetime)
            {
                case ClaimLifetime.UntilUnplug when state.DevicesKnown:
                    FollowPlug(entry);
                    break;
                case ClaimLifetime.UntilGuestStops when state.LibvirtConnected:
                    FollowRun(entry);
                    break;
            }
        }
    }

    private void FollowPlug(ClaimEntry entry)
    {
        var device = Assessor.Choose(state, entry).Device;
        if (device is null && IsPluggedIn(entry, entry.Claim.LifetimePlug))
        {
            // It is there, beside a newcomer with its serial.
            return;
        }

        if (device is null)
        {
            // A deadline brings this back; at start there is no departure to wait from, and the device has been away for good.
            if (entry.Claim.LifetimePlug is not null && (entry.DeviceLeft is not { } left || now - left >= state.Limits.Comeback))
            {
                EndClaim(entry, "its device was unplugged");
            }
        }
        else if (entry.Claim.LifetimePlug is null || (entry.Claim.LifetimePlug != device.Plug && IsComeback(entry.DeviceLeft, entry.DeviceLeftPort, device)))
        {
            PutStored(entry with { DeviceLeft = null, Claim = entry.Claim with { LifetimePlug = device.Plug } });
        }
        else if (entry.Claim.LifetimePlug != device.Plug)
        {
            EndClaim(entry, "its device was unplugged and is back as another plug");
        }
    }

    /// <summary>A device that falls back to USB 2 shows up on the other half of its port.</summary>
    private bool IsComeback(DateTimeOffset? deviceLeft, DeviceKey? leftPort, UsbDevice device) =>
        deviceLeft is { } left && now - left < state.Limits.Comeback
        && leftPort is { } port && (port == device.PortKey || port == device.PeerPortKey);

    private void FollowRun(ClaimEntry entry)
    {
        var run = state.Guests.GetValueOrDefault(entry.Claim.Guest)?.Run;
        if (entry.Claim.LifetimeRun is null)
        {
            if (run is not null)
            {
                PutStored(entry with { Claim = entry.Claim with { LifetimeRun = run } });
            }
        }
        else if (run is not { } current || !current.IsSameAs(entry.Claim.LifetimeRun.Value))
        {
            EndClaim(entry, "its guest stopped");
        }
        else if (entry.Claim.LifetimeRun.Value.Started is null && current.Started is not null)
        {
            // Stored before the start was kept, or while it could not be read.
            PutStored(entry with { Claim = entry.Claim with { LifetimeRun = current } });
        }
    }

    private void EndClaim(ClaimEntry entry, string why)
    {
        PutStored(entry with { Claim = entry.Claim with { Released = now } });
        NoteEnd(entry, why);
    }

    /// <summary>Whoever waits for its device looks again; so does its guest, whose definition may ask for the device too.</summary>
    private void NoteEnd(ClaimEntry entry, string why)
    {
        claimsChanged = true;
        Audit("claim-ended", entry.Id.ToString(), "ok", why);
        TouchRivals(entry.Claim.Follows);
        LookAtUnmetWishes();
        if (state.Wishes.ContainsKey(entry.Claim.Guest))
        {
            wishesDue.Add(entry.Claim.Guest);
        }
    }
}
