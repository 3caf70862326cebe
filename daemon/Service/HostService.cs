// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Guests;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.Requests;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Daemon.Rules;
using UsbHostd.Daemon.Usb;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using Claim = UsbHostd.Api.V1.Claim;
using Guest = UsbHostd.Api.V1.Guest;

namespace UsbHostd.Daemon.Service;

/// <summary>
/// One service behind every door: decides who may, reads the feed's snapshot, and has the loop decide what changes. This part
/// reads.
/// </summary>
internal sealed partial class HostService : IHostService
{
    private readonly ReconcileLoop loop;
    private readonly StateFeed feed;
    private readonly Rights rights;
    private readonly CallerLimits limits;
    private readonly UseLook look;
    private readonly DaemonFacts facts;
    private readonly IRulesReload rules;
    private readonly TimeProvider time;
    private readonly DateTimeOffset started;

    /// <summary>
    /// What whoever sees all devices is told: many ask, and little changes. Of the last snapshot only, for those of before are kept for a while, and
    /// this is large.
    /// </summary>
    private volatile Listing? listed;

    public HostService(
        ReconcileLoop loop, StateFeed feed, Roles roles, CallerLimits limits, UseLook look, DaemonFacts facts, IRulesReload rules, TimeProvider time)
    {
        this.loop = loop;
        this.feed = feed;
        this.limits = limits;
        rights = new Rights(roles, limits);
        this.look = look;
        this.facts = facts;
        this.rules = rules;
        this.time = time;
        started = time.GetUtcNow();
    }

    public async ValueTask<ListDevicesResponse> ListDevicesAsync(Caller caller, ListDevicesRequest request, CancellationToken cancellationToken)
    {
        var grant = await EnterAsync(caller, UsbHostMethods.ListDevices, cancellationToken).ConfigureAwait(false);
        var state = await LookedAtAsync(feed.Current, grant, cancellationToken).ConfigureAwait(false);
        return grant.SeesAll
            ? Listed(state)
            : WireDevices.Devices(state, state.Devices.Values.Where(d => grant.Sees(state, d)), grant);
    }

    public async ValueTask<Device> GetDeviceAsync(Caller caller, GetDeviceRequest request, CancellationToken cancellationToken)
    {
        var grant = await EnterAsync(caller, UsbHostMethods.GetDevice, cancellationToken, request.Device).ConfigureAwait(false);
        var state = feed.Current;
        var device = OneDevice(state, grant, request.Device);
        state = await LookedAtAsync(state, device, cancellationToken).ConfigureAwait(false);
        return WireDevices.Device(state, device, grant);
    }

    public async ValueTask<ListClaimsResponse> ListClaimsAsync(Caller caller, ListClaimsRequest request, CancellationToken cancellationToken)
    {
        var grant = await EnterAsync(caller, UsbHostMethods.ListClaims, cancellationToken).ConfigureAwait(false);
        var (state, now) = (feed.Current, time.GetUtcNow());
        var response = new ListClaimsResponse();
        response.Claims.AddRange(state.Claims.Values
            .Where(e => grant.Sees(e) && (request.IncludeReleased || IsShown(state, e, now)))
            .OrderBy(e => e.Claim.Created).ThenBy(e => e.Id)
            .Select(e => WireClaims.Claim(state, e, now)));
        return response;
    }

    public async ValueTask<Claim> GetClaimAsync(Caller caller, GetClaimRequest request, CancellationToken cancellationToken)
    {
        var grant = await EnterAsync(caller, UsbHostMethods.GetClaim, cancellationToken).ConfigureAwait(false);
        var state = feed.Current;
        return WireClaims.Claim(state, OneClaim(state, grant, request.Id), time.GetUtcNow());
    }

    public async ValueTask<ListGuestsResponse> ListGuestsAsync(Caller caller, ListGuestsRequest request, CancellationToken cancellationToken)
    {
        var grant = await EnterAsync(caller, UsbHostMethods.ListGuests, cancellationToken).ConfigureAwait(false);
        var state = feed.Current;
        if (state is { LibvirtConnected: false, Guests.IsEmpty: true })
        {
            throw LibvirtUnavailable(state);
        }

        var undefined = state.ClaimsByGuest.Keys.Where(id => !state.Guests.ContainsKey(id) && state.ClaimsByGuest[id].Any(c => state.Claims[c].Stands));
        var sight = new GuestSight(grant);
        sight.Look(state);
        var response = new ListGuestsResponse();
        response.Guests.AddRange(state.Guests.Values.Where(g => sight.Sees(g.Id)).Select(g => WireDevices.Guest(state, g, grant))
            .Concat(undefined.Where(id => grant.Sees(state, id)).Select(id => WireDevices.Undefined(state, id)))
            .OrderBy(g => g.Name, StringComparer.Ordinal));
        return response;
    }

    public async ValueTask<Guest> GetGuestAsync(Caller caller, GetGuestRequest request, CancellationToken cancellationToken)
    {
        var grant = await EnterAsync(caller, UsbHostMethods.GetGuest, cancellationToken, guest: request.Guest).ConfigureAwait(false);
        var state = feed.Current;
        var id = OneGuest(state, grant, request.Guest, mayBeUnknown: false);
        return state.Guests.TryGetValue(id, out var guest) ? WireDevices.Guest(state, guest, grant) : WireDevices.Undefined(state, id);
    }

    public async ValueTask<Api.V1.Version> GetVersionAsync(Caller caller, GetVersionRequest request, CancellationToken cancellationToken)
    {
        await EnterAsync(caller, UsbHostMethods.GetVersion, cancellationToken).ConfigureAwait(false);
        facts.AskLibvirt();
        return facts.Version();
    }

    public async ValueTask<Health> GetHealthAsync(Caller caller, GetHealthRequest request, CancellationToken cancellationToken)
    {
        await EnterAsync(caller, UsbHostMethods.GetHealth, cancellationToken).ConfigureAwait(false);
        facts.AskLibvirt();
        var (state, now) = (feed.Current, time.GetUtcNow());
        var standing = state.Claims.Values.Where(e => e.Stands).ToList();
        return new Health
        {
            LibvirtConnected = state.IsLibvirtAnswering,
            LibvirtError = state.LibvirtSilentSince is { } silent ? StatusText.SilentSince(silent) : state.LibvirtConnected ? "" : state.LibvirtError ?? "not connected yet",
            Devices = (uint)state.Devices.Count,
            Guests = (uint)state.Guests.Count,
            Claims = (uint)standing.Count,
            Attached = (uint)standing.Count(e => Assessor.Assess(state, e, now).Phase == ClaimPhase.Attached),
            Started = WireDevices.Time(started),
            HeapBytes = (ulong)GC.GetTotalMemory(forceFullCollection: false),
            OpenDescriptors = DaemonFacts.OpenDescriptors(),
            RulesWaiting = RulesWaiting(state) ?? "",
        };
    }

    public async ValueTask<Statistics> GetStatisticsAsync(Caller caller, GetStatisticsRequest request, CancellationToken cancellationToken)
    {
        await EnterAsync(caller, UsbHostMethods.GetStatistics, cancellationToken).ConfigureAwait(false);
        return WireDevices.Statistics(feed.Current);
    }

    /// <summary>A released claim is shown until its device has really left.</summary>
    internal static bool IsShown(HostState state, ClaimEntry entry, DateTimeOffset now) =>
        entry.Stands || Assessor.Assess(state, entry, now).Phase != ClaimPhase.Released;

    private ListDevicesResponse Listed(HostState state)
    {
        var last = listed;
        if (last is null || !ReferenceEquals(last.State, state))
        {
            listed = last = new Listing(state, WireDevices.Devices(state, state.Devices.Values, grant: null));
        }

        return last.Response;
    }

    private static UsbDevice OneDevice(HostState state, Grant? grant, string text)
    {
        var matches = DeviceSelector.Match(state, text).RemoveAll(d => grant is not null && !grant.Sees(state, d));
        return matches.Length switch
        {
            1 => matches[0],
            0 => throw Refusals.NoDevice(text),
            _ => throw ToException(state, grant, ClaimDecider.Ambiguous(state, text, matches), default),
        };
    }

    private static ClaimEntry OneClaim(HostState state, Grant? grant, string text) =>
        Policy.Identity.ClaimId.TryParse(text, out var id) && state.Claims.TryGetValue(id, out var entry) && (grant is null || grant.Sees(entry)) ? entry : throw Refusals.NoClaim(text);

    /// <summary>A name or a UUID; a name must be known, a UUID need not be where <paramref name="mayBeUnknown"/>.</summary>
    /// <param name="grant">Null where the caller is told why it may not, rather than that there is no such guest.</param>
    private static GuestId OneGuest(HostState state, Grant? grant, string text, bool mayBeUnknown)
    {
        var byName = !text.StartsWith("uuid:", StringComparison.Ordinal);
        var byUuid = !text.StartsWith("name:", StringComparison.Ordinal);
        var value = byName && byUuid ? text : text[5..];
        var named = byName
            ? state.Guests.Values.Where(g => g.Name == value).Select(g => g.Id)
                .Concat(state.GuestNames.Where(n => n.Value == value && !state.Guests.ContainsKey(n.Key) && (!state.LibvirtConnected || HasClaims(state, n.Key))).Select(n => n.Key))
                .Distinct().Where(Seen).OrderBy(id => id.Uuid).ToList()
            : [];
        if (byUuid && Guid.TryParseExact(value, "D", out var uuid) && named.TrueForAll(id => id.Uuid == uuid))
        {
            var id = new GuestId(uuid);
            if (mayBeUnknown || ((state.Guests.ContainsKey(id) || HasClaims(state, id)) && Seen(id)))
            {
                return id;
            }
        }

        return named.Count switch
        {
            1 => named[0],
            0 when !state.LibvirtConnected => throw LibvirtUnavailable(state),
            0 => throw new HostException(
                ErrorCode.ErrorGuestNotFound, $"libvirt knows no guest {text}", "see the guests: usbhostctl guest-list; a guest to come is named by its UUID"),
            _ => throw new HostException(
                ErrorCode.ErrorAmbiguous, $"{named.Count} guests are or were called {value}: {string.Join(", ", named)}", $"name one by its UUID: {string.Join(", ", named.Select(id => $"uuid:{id}"))}"),
        };

        bool Seen(GuestId id) => grant is null || grant.Sees(state, id);
    }

    private static bool HasClaims(HostState state, GuestId id) => state.ClaimsByGuest[id].Any(c => state.Claims[c].Stands);

    private static HostException LibvirtUnavailable(HostState state) => new(
        ErrorCode.ErrorLibvirtUnavailable, StatusText.LibvirtMessage(state, state.LibvirtError), StatusText.LibvirtHint(state, "or name the guest by its UUID"));

    private sealed record Listing(HostState State, ListDevicesResponse Response);
}
