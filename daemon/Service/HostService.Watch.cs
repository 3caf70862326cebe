using System.Runtime.CompilerServices;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Policy.Reconcile;

namespace UsbHostd.Daemon.Service;

internal sealed partial class HostService
{
    public IAsyncEnumerable<WatchEvent> Watch(Caller caller, WatchRequest request, CancellationToken cancellationToken)
    {
        rights.RequireMember(caller);
        if (request.ClaimId.Length > 0)
        {
            OneClaim(feed.Current, request.ClaimId);
        }

        return Watch(new Interest(request), cancellationToken);
    }

    private async IAsyncEnumerable<WatchEvent> Watch(Interest interest, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Subscribed before the snapshot is taken: a change is seen twice rather than not at all.
        using var changes = feed.Subscribe();
        foreach (var e in Snapshot(interest))
        {
            yield return e;
        }

        while (true)
        {
            if (await changes.NextAsync(cancellationToken).ConfigureAwait(false) is { } change)
            {
                foreach (var e in Changes(interest, change))
                {
                    yield return e;
                }

                continue;
            }

            yield return Event(WatchEvent.Types.Type.Resync, time.GetUtcNow());
            foreach (var e in Snapshot(interest))
            {
                yield return e;
            }
        }
    }

    private IEnumerable<WatchEvent> Snapshot(Interest interest)
    {
        var (state, now) = (feed.Current, time.GetUtcNow());
        const WatchEvent.Types.Type Type = WatchEvent.Types.Type.Snapshot;
        if (interest.Devices)
        {
            foreach (var device in state.Devices.Values)
            {
                yield return Event(Type, now, device: WireDevices.Device(state, device));
            }
        }

        if (interest.Guests)
        {
            foreach (var guest in state.Guests.Values)
            {
                yield return Event(Type, now, guest: WireDevices.Guest(state, guest));
            }
        }

        if (interest.Claims)
        {
            foreach (var entry in state.Claims.Values.Where(e => interest.Wants(e) && (interest.ClaimId is not null || IsShown(state, e, now))))
            {
                yield return Event(Type, now, claim: WireClaims.Claim(state, entry, now));
            }
        }

        yield return Event(WatchEvent.Types.Type.SnapshotEnd, now);
    }

    private static IEnumerable<WatchEvent> Changes(Interest interest, FeedChange change)
    {
        var (state, at) = (change.State, change.At);
        if (interest.Devices)
        {
            foreach (var (id, device) in change.RemovedDevices)
            {
                var last = WireDevices.Device(state, device);
                last.Id = id.ToString();
                yield return Event(WatchEvent.Types.Type.Removed, at, device: last);
            }

            foreach (var syspath in change.Devices)
            {
                yield return Event(WatchEvent.Types.Type.Changed, at, device: WireDevices.Device(state, state.Devices[syspath]));
            }
        }

        if (interest.Guests)
        {
            foreach (var id in change.Guests)
            {
                yield return state.Guests.TryGetValue(id, out var guest)
                    ? Event(WatchEvent.Types.Type.Changed, at, guest: WireDevices.Guest(state, guest))
                    : Event(WatchEvent.Types.Type.Removed, at, guest: WireDevices.Undefined(state, id));
            }
        }

        if (interest.Claims)
        {
            foreach (var entry in change.Claims.Select(id => state.Claims[id]).Where(interest.Wants))
            {
                yield return Event(WatchEvent.Types.Type.Changed, at, claim: WireClaims.Claim(state, entry, at));
            }
        }
    }

    private static WatchEvent Event(
        WatchEvent.Types.Type type, DateTimeOffset at, Device? device = null, Claim? claim = null, Guest? guest = null)
    {
        var e = new WatchEvent { Type = type, Time = WireDevices.Time(at) };
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

    /// <summary>What a watcher wants to know.</summary>
    private sealed class Interest(WatchRequest request)
    {
        public string? ClaimId { get; } = request.ClaimId.Length > 0 ? request.ClaimId : null;

        public bool Devices => Has(Kind.Devices);

        public bool Guests => Has(Kind.Guests);

        public bool Claims => ClaimId is not null || Has(Kind.Claims);

        public bool Wants(ClaimEntry entry) => ClaimId is null || entry.Id.ToString() == ClaimId;

        private bool Has(Kind kind) => ClaimId is null && (request.Kinds.Count == 0 || request.Kinds.Contains(kind));
    }
}
