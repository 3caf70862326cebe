// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using UsbHostd.Api.V1;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Policy.Identity;
using Claim = UsbHostd.Api.V1.Claim;
using Guest = UsbHostd.Api.V1.Guest;

namespace UsbHostd.Daemon.Service;

/// <summary>
/// What one watcher is told: of the kinds it asked for, what its caller may see. For a caller who does not see everything it keeps what
/// was shown, so that what goes out of sight is told as removed.
/// </summary>
internal sealed class WatchView(Grant grant, WatchRequest request, string epoch)
{
    private readonly HashSet<string> devices = new(StringComparer.Ordinal);
    private readonly HashSet<GuestId> guests = [];
    private readonly GuestSight sight = new(grant);
    private object? rules;

    /// <summary>The last change that was told of; what comes up to it comes twice.</summary>
    public long Told { get; private set; }

    private bool WantsDevices => Wants(Kind.Devices);

    private bool WantsGuests => Wants(Kind.Guests);

    private bool WantsClaims => request.ClaimId.Length > 0 || Wants(Kind.Claims);

    /// <summary>Whether a token is one of this daemon's life: the change that it stands for, all before and with it known to the client.</summary>
    public bool TryResume(string token, out long after)
    {
        after = 0;
        return token.StartsWith(epoch + "-", StringComparison.Ordinal)
            && long.TryParse(token.AsSpan(epoch.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out after);
    }

    /// <summary>What was visible then is what the client knows.</summary>
    public WatchEvent Resume(FeedChange from, DateTimeOffset now)
    {
        foreach (var _ in Snapshot(from, now))
        {
            // For what it keeps only.
        }

        return Event(WatchEvent.Types.Type.Resumed, now, token: Token(from.Sequence));
    }

    /// <summary>New rules may show or hide anything: a caller who does not see all is told anew.</summary>
    public bool IsStaleBy(FeedChange change) => !grant.SeesAll && !ReferenceEquals(rules, change.State.Rules);

    public IEnumerable<WatchEvent> Snapshot(FeedChange latest, DateTimeOffset now)
    {
        const WatchEvent.Types.Type Type = WatchEvent.Types.Type.Snapshot;
        var state = latest.State;
        rules = state.Rules;
        Told = latest.Sequence;
        devices.Clear();
        guests.Clear();
        if (WantsDevices)
        {
            foreach (var device in state.Devices.Values.Where(d => grant.Sees(state, d)))
            {
                Keep(devices, device.Syspath);
                yield return Event(Type, now, device: WireDevices.Device(state, device, grant));
            }
        }

        if (WantsGuests)
        {
            sight.Look(state);
            foreach (var guest in state.Guests.Values.Where(g => sight.Sees(g.Id)))
            {
                Keep(guests, guest.Id);
                yield return Event(Type, now, guest: WireDevices.Guest(state, guest, grant));
            }
        }

        if (WantsClaims)
        {
            foreach (var entry in state.Claims.Values.Where(e => IsWanted(e) && (request.ClaimId.Length > 0 || HostService.IsShown(state, e, now))))
            {
                yield return Event(Type, now, claim: WireClaims.Claim(state, entry, now));
            }
        }

        yield return Event(WatchEvent.Types.Type.SnapshotEnd, now, token: Token(latest.Sequence));
    }

    /// <summary>The events of one change. The last one carries the token of the change: who resumes in the middle gets all of it again.</summary>
    public IEnumerable<WatchEvent> Changes(FeedChange change)
    {
        Told = change.Sequence;
        WatchEvent? held = null;
        foreach (var e in DeviceChanges(change).Concat(GuestChanges(change)).Concat(ClaimChanges(change)))
        {
            if (held is not null)
            {
                held.ResumeToken = Token(change.Sequence - 1);
                yield return held;
            }

            held = e;
        }

        if (held is not null)
        {
            held.ResumeToken = Token(change.Sequence);
            yield return held;
        }
    }

    public static WatchEvent Event(
        WatchEvent.Types.Type type, DateTimeOffset at, Device? device = null, Claim? claim = null, Guest? guest = null, string token = "")
    {
        var e = new WatchEvent { Type = type, Time = WireDevices.Time(at), ResumeToken = token };
        if (device is not null)
        {
            e.Device = device;
        }
        else if (claim is not null)
        {
            e.Claim = claim;
        }
        else if (guest is not null)
        {
            e.Guest = guest;
        }

        return e;
    }

    private IEnumerable<WatchEvent> DeviceChanges(FeedChange change)
    {
        if (!WantsDevices)
        {
            yield break;
        }

        var (state, at) = (change.State, change.At);
        foreach (var (id, device) in change.RemovedDevices)
        {
            if (grant.SeesAll || devices.Remove(device.Syspath))
            {
                var last = WireDevices.Device(state, device, grant);
                last.Id = id.ToString();
                yield return Event(WatchEvent.Types.Type.Removed, at, device: last);
            }
        }

        foreach (var device in change.Devices.Select(s => state.Devices[s]))
        {
            if (grant.Sees(state, device))
            {
                Keep(devices, device.Syspath);
                yield return Event(WatchEvent.Types.Type.Changed, at, device: WireDevices.Device(state, device, grant));
            }
            else if (devices.Remove(device.Syspath))
            {
                yield return Event(WatchEvent.Types.Type.Removed, at, device: WireDevices.Device(state, device, grant));
            }
        }
    }

    private IEnumerable<WatchEvent> GuestChanges(FeedChange change)
    {
        if (!WantsGuests)
        {
            yield break;
        }

        var (state, at) = (change.State, change.At);
        var changed = change.Guests;
        if (sight.Look(state))
        {
            // A device or a claim that comes or goes may bring a guest into sight, or take it out.
            changed = [.. changed, .. state.Guests.Keys.Where(id => guests.Contains(id) != sight.Sees(id)).Except(changed)];
        }

        foreach (var id in changed)
        {
            if (state.Guests.TryGetValue(id, out var guest) && sight.Sees(id))
            {
                Keep(guests, id);
                yield return Event(WatchEvent.Types.Type.Changed, at, guest: WireDevices.Guest(state, guest, grant));
            }
            else if (grant.SeesAll || guests.Remove(id))
            {
                yield return Event(WatchEvent.Types.Type.Removed, at, guest: WireDevices.Undefined(state, id));
            }
        }
    }

    private IEnumerable<WatchEvent> ClaimChanges(FeedChange change) => WantsClaims
        ? change.Claims.Select(id => change.State.Claims[id]).Where(IsWanted)
            .Select(e => Event(WatchEvent.Types.Type.Changed, change.At, claim: WireClaims.Claim(change.State, e, change.At)))
        : [];

    private bool IsWanted(ClaimEntry entry) => grant.Sees(entry) && (request.ClaimId.Length == 0 || entry.Id.ToString() == request.ClaimId);

    private bool Wants(Kind kind) => request.ClaimId.Length == 0 && (request.Kinds.Count == 0 || request.Kinds.Contains(kind));

    private void Keep<T>(HashSet<T> shown, T id)
    {
        if (!grant.SeesAll)
        {
            shown.Add(id);
        }
    }

    private string Token(long sequence) => epoch + "-" + sequence.ToString(CultureInfo.InvariantCulture);
}
