using UsbHostd.Api.V1;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Policy.Claims;
using UsbHostd.Policy.Guests;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Reconcile;
using UsbHostd.Policy.Requests;
using Claim = UsbHostd.Api.V1.Claim;
using Guest = UsbHostd.Api.V1.Guest;

namespace UsbHostd.Daemon.Service;

internal sealed partial class HostService
{
    private const int MostText = 256;

    public async ValueTask<Claim> CreateClaimAsync(Caller caller, CreateClaimRequest request, CancellationToken cancellationToken)
    {
        var nonce = Guid.NewGuid();
        if (request.DryRun)
        {
            rights.RequireMember(caller);
            CheckClaimRequest(caller, request);
            var (state, now) = (feed.Current, time.GetUtcNow());
            var claim = Accept(state, caller, request, nonce, now).Claim;
            var hypothetical = Fold.Apply(state, new HostEvent.ClaimWritten(claim), now).State;
            return WireClaims.Claim(hypothetical, hypothetical.Claims[claim.Id], now);
        }

        return await ChangeAsync(caller, "claim-create", request.Device, (state, now) =>
        {
            CheckClaimRequest(caller, request);
            var accepted = Accept(state, caller, request, nonce, now);
            return accepted.AlreadyThere ? (accepted.Claim.Id, null) : (accepted.Claim.Id, accepted.Claim);
        }, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<Claim> MoveClaimAsync(Caller caller, MoveClaimRequest request, CancellationToken cancellationToken)
    {
        return await ChangeAsync(caller, "claim-move", request.Id, (state, _) =>
        {
            var entry = Standing(state, request.Id);
            var guest = OneGuest(state, request.Guest, mayBeUnknown: true);
            if (entry.Claim.Guest == guest)
            {
                return (entry.Id, null);
            }

            // What passed policy or the guard was said for the other guest.
            var moved = Moved(entry.Claim, guest);
            if (Assessor.Choose(state, entry).Device is { } device && ClaimDecider.RefusedBy(state, moved, device) is { } refused)
            {
                throw ToException(state, refused, time.GetUtcNow());
            }

            return (entry.Id, moved);
        }, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<Claim> ReleaseClaimAsync(Caller caller, ReleaseClaimRequest request, CancellationToken cancellationToken)
    {
        return await ChangeAsync(caller, "claim-release", request.Id.Length > 0 ? request.Id : request.Device, (state, now) =>
        {
            var entry = ClaimToRelease(state, request);
            return entry.Stands ? (entry.Id, Released(entry.Claim, now)) : (entry.Id, null);
        }, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<Claim> RetryClaimAsync(Caller caller, RetryClaimRequest request, CancellationToken cancellationToken)
    {
        var (state, id) = await AskAsync(caller, "claim-retry", request.Id, (current, now) =>
        {
            var entry = Standing(current, request.Id);
            List<StoreChange> changes = [Audit(caller, now, "claim-retry", entry.Id.ToString(), "ok", "")];
            List<HostEvent> events = [];
            if (entry.Claim.Hold != ClaimHold.None)
            {
                var free = entry.Claim with { Hold = ClaimHold.None };
                changes.Add(StoreChange.Keep(free));
                events.Add(new HostEvent.ClaimWritten(free));
            }

            events.Add(new HostEvent.ClaimRetried(entry.Id));
            return (new Decided(changes, events), entry.Id);
        }, cancellationToken).ConfigureAwait(false);
        return WireClaims.Claim(state, state.Claims[id], time.GetUtcNow());
    }

    public async ValueTask<Device> SetDeviceLabelAsync(Caller caller, SetDeviceLabelRequest request, CancellationToken cancellationToken)
    {
        var (state, syspath) = await AskAsync(caller, "device-label", request.Device, (current, now) =>
        {
            if (request.Label.Length > 64 || request.Label.Any(char.IsControl))
            {
                throw Refusals.Invalid("a label has at most 64 characters and no control characters", "choose a shorter or plainer one");
            }

            var device = OneDevice(current, request.Device);
            var (id, label) = (current.IdOf(device), request.Label.Length == 0 ? null : request.Label);
            return (new Decided(
                [new StoreChange.RememberLabel(id, label), Audit(caller, now, "device-label", id.ToString(), "ok", request.Label)],
                [new HostEvent.LabelWritten(id, label)]), device.Syspath);
        }, cancellationToken).ConfigureAwait(false);
        return state.Devices.TryGetValue(syspath, out var labelled) ? WireDevices.Device(state, labelled) : throw Refusals.NoDevice(request.Device);
    }

    public async ValueTask<Device> TrustSerialAsync(Caller caller, TrustSerialRequest request, CancellationToken cancellationToken)
    {
        var (state, syspath) = await AskAsync(caller, "device-trust-serial", request.Device, (current, now) =>
        {
            Rights.RequireAdministrator(caller, "trusting a serial again");
            var device = OneDevice(current, request.Device);
            var serial = device.SerialKey ?? throw Refusals.Invalid(
                $"the device on {device.PortPath} has no serial that could tell it apart", "claim it by port: --by port");
            if (current.DevicesByKey[serial].Length > 1)
            {
                throw ToException(current, ClaimDecider.Ambiguous(current, serial.Text, [.. current.DevicesWith(serial)]), now);
            }

            return (new Decided(
                [Audit(caller, now, "device-trust-serial", current.IdOf(device).ToString(), "ok", "")],
                [new HostEvent.SerialTrusted(serial)]), device.Syspath);
        }, cancellationToken).ConfigureAwait(false);
        return state.Devices.TryGetValue(syspath, out var trusted) ? WireDevices.Device(state, trusted) : throw Refusals.NoDevice(request.Device);
    }

    public async ValueTask<Guest> StartGuestAsync(Caller caller, StartGuestRequest request, CancellationToken cancellationToken)
    {
        using var changes = feed.Subscribe();
        var (state, id) = await AskAsync(caller, "guest-start", request.Guest, (current, now) =>
        {
            var guest = OneGuest(current, request.Guest, mayBeUnknown: false);
            if (!current.LibvirtConnected)
            {
                throw LibvirtUnavailable(current);
            }

            if (!current.Guests.TryGetValue(guest, out var known))
            {
                throw new HostException(ErrorCode.ErrorGuestNotFound, $"libvirt knows no guest {request.Guest} now", "define it again: virsh define");
            }

            if (known.Run is not null)
            {
                throw new HostException(ErrorCode.ErrorGuestActive, $"guest {known.Name} is running already", "its claimed devices are attached as it is");
            }

            return (new Decided(
                [new StoreChange.PutGuestStart(guest, now), Audit(caller, now, "guest-start", guest.ToString(), "ok", "")],
                [new HostEvent.GuestStartRequested(guest)]), guest);
        }, cancellationToken).ConfigureAwait(false);
        while (state.GuestStarts.TryGetValue(id, out var start))
        {
            if (start.Failure is { } why)
            {
                throw new HostException(ErrorCode.ErrorInternal, $"guest {state.GuestName(id)} could not be started: {why}", "look at libvirt's log for this guest");
            }

            await changes.NextAsync(cancellationToken).ConfigureAwait(false);
            state = feed.Current;
        }

        return state.Guests.TryGetValue(id, out var guest) ? WireDevices.Guest(state, guest) : WireDevices.Undefined(state, id);
    }

    /// <summary>Writes a claim and says how it stands.</summary>
    private async Task<Claim> ChangeAsync(
        Caller caller, string verb, string subject, Func<HostState, DateTimeOffset, (ClaimId Id, Policy.Claims.Claim? Write)> decide,
        CancellationToken cancellationToken)
    {
        var (state, id) = await AskAsync(caller, verb, subject, (current, now) =>
        {
            var (claim, write) = decide(current, now);
            return write is null
                ? (new Decided([], []), claim)
                : (new Decided(
                    [new StoreChange.PutClaim(write), Audit(caller, now, verb, claim.ToString(), "ok", Describe(current, write))],
                    [new HostEvent.ClaimWritten(write)]), claim);
        }, cancellationToken).ConfigureAwait(false);
        return WireClaims.Claim(state, state.Claims[id], time.GetUtcNow());
    }

    /// <summary>Has the loop decide for a caller who may ask at all; every refusal is audited, that of a caller who may not as well.</summary>
    private Task<(HostState State, T Result)> AskAsync<T>(
        Caller caller, string verb, string subject, Func<HostState, DateTimeOffset, (Decided Decided, T Result)> decide, CancellationToken cancellationToken) =>
        loop.AskAsync(
            (current, now) =>
            {
                rights.RequireMember(caller);
                return decide(current, now);
            },
            refused => Audit(
                caller, time.GetUtcNow(), verb, subject.Length > MostText ? subject[..MostText] : subject, refused.Code.ToString(), refused.Message),
            cancellationToken);

    private ClaimDecision.Accepted Accept(HostState state, Caller caller, CreateClaimRequest request, Guid nonce, DateTimeOffset now)
    {
        var decision = ClaimDecider.Decide(state, ToCore(state, caller, request), nonce, now);
        return decision as ClaimDecision.Accepted ?? throw Named(ToException(state, (ClaimDecision.Refused)decision, now), (ClaimDecision.Refused)decision);
    }

    private static ClaimRequest ToCore(HostState state, Caller caller, CreateClaimRequest request) => new()
    {
        Device = request.Device,
        Guest = OneGuest(state, request.Guest, mayBeUnknown: true),
        Follow = WireClaims.Follow(request.Follow),
        FollowIds = [.. request.FollowIds.Select(text => UsbId.TryParse(text, out var id)
            ? id
            : throw Refusals.Invalid($"{text} is not an id pair", "write it as VENDOR:PRODUCT in hex, for example 0951:1666"))],
        Mode = WireClaims.Mode(request.Mode),
        Lifetime = WireClaims.Lifetime(request.Lifetime),
        GuestReset = WireClaims.Reset(request.GuestReset),
        ForceReason = request.ForceReason.Length == 0 ? null : request.ForceReason,
        OverrideReason = request.OverrideReason.Length == 0 ? null : request.OverrideReason,
        Move = request.Move,
        RequestId = request.RequestId.Length == 0 ? null : request.RequestId,
        Owner = caller.Owner,
        Uid = caller.Uid,
        Gids = caller.Gids,
        Door = caller.Door,
    };

    /// <summary>What a rule assigns is held back, or it would come straight back.</summary>
    private static Policy.Claims.Claim Released(Policy.Claims.Claim claim, DateTimeOffset now) =>
        claim.Origin == ClaimOrigin.Rule ? claim with { Hold = ClaimHold.Withheld } : claim with { Released = now };

    private static Policy.Claims.Claim Moved(Policy.Claims.Claim claim, GuestId guest) =>
        claim with { Guest = guest, Hold = ClaimHold.None, LifetimeRun = null, ForceReason = null, OverrideReason = null };

    private static void CheckClaimRequest(Caller caller, CreateClaimRequest request)
    {
        foreach (var (name, text) in new[] { ("device", request.Device), ("guest", request.Guest), ("force reason", request.ForceReason), ("override reason", request.OverrideReason), ("request id", request.RequestId) })
        {
            if (text.Length > MostText)
            {
                throw Refusals.Invalid($"the {name} is longer than {MostText} characters", "shorten it");
            }
        }

        if (request.FollowIds.Count > 16)
        {
            throw Refusals.Invalid($"{request.FollowIds.Count} ids to follow are more than 16", "name only those that the device really changes to");
        }

        if (request.ForceReason.Length > 0)
        {
            Rights.RequireAdministrator(caller, "passing the guard with --force");
        }

        if (request.OverrideReason.Length > 0)
        {
            Rights.RequireAdministrator(caller, "passing policy with --override");
        }
    }

    private static ClaimEntry Standing(HostState state, string id)
    {
        var entry = OneClaim(state, id);
        return entry.Stands
            ? entry
            : throw new HostException(ErrorCode.ErrorClaimNotFound, $"claim {id} was released", "make a new one: usbhostctl attach");
    }

    private static ClaimEntry ClaimToRelease(HostState state, ReleaseClaimRequest request)
    {
        var entry = request.Id.Length > 0 ? OneClaim(state, request.Id) : ByDevice(state, request.Device);
        if (request.Guest.Length > 0 && OneGuest(state, request.Guest, mayBeUnknown: true) != entry.Claim.Guest)
        {
            throw new HostException(
                ErrorCode.ErrorClaimNotFound, $"claim {entry.Id} is for guest {state.GuestName(entry.Claim.Guest)}, not for {request.Guest}",
                "name the guest that has it, or leave it out");
        }

        return entry;
    }

    /// <summary>The claim on a device that is there; or on one that is away, by the key it was known by.</summary>
    private static ClaimEntry ByDevice(HostState state, string text)
    {
        if (DeviceSelector.Match(state, text).Length > 0)
        {
            return Assessor.OwnerOf(state, OneDevice(state, text)) ?? throw new HostException(
                ErrorCode.ErrorClaimNotFound, $"nobody has claimed device {text}", "usbhostctl claim-list shows the claims that stand");
        }

        var absent = DeviceSelector.MatchAbsent(state, text) ?? throw Refusals.NoDevice(text);
        foreach (var key in new[] { absent.Serial, absent.Port }.OfType<DeviceKey>())
        {
            foreach (var claim in state.ClaimsByKey[key].Select(c => state.Claims[c]))
            {
                if (claim.Stands && (absent.UsbId is not { } usbId || claim.Claim.Ids.Contains(usbId)))
                {
                    return claim;
                }
            }
        }

        throw new HostException(ErrorCode.ErrorClaimNotFound, $"nobody has claimed device {text}", "usbhostctl claim-list shows the claims that stand");
    }

    /// <summary>Who holds it over usbfs is looked up only when somebody is told so.</summary>
    private HostException Named(HostException refused, ClaimDecision.Refused why)
    {
        if (why is not { Why: Refusal.InUseByHost, Device: { } device } || device.Uses.Any(u => u.IsGuarded))
        {
            return refused;
        }

        var holders = writer.FindHolders(device);
        return holders.IsEmpty
            ? refused
            : new HostException(refused.Code, $"{refused.Message}: {string.Join(", ", holders)}", "stop it, or exempt the device there, and ask again; an administrator may pass this with --force REASON");
    }

    private static HostException ToException(HostState state, ClaimDecision.Refused refused, DateTimeOffset now) => new(
        WireClaims.ErrorCode(refused.Why), refused.Message, refused.Hint)
    {
        Candidates = [.. refused.Candidates.Select(c => WireDevices.Device(state, c))],
        Claim = refused.OtherClaim is { } id && state.Claims.TryGetValue(id, out var entry) ? WireClaims.Claim(state, entry, now) : null,
        Guest = refused.OtherGuest is { } guest ? WireDevices.Guest(state, guest) : null,
    };

    private static string Describe(HostState state, Policy.Claims.Claim claim) =>
        $"{claim.Follows.Text} for guest {state.GuestName(claim.Guest)}"
        + (claim.ForceReason is { } force ? $", force: {force}" : "")
        + (claim.OverrideReason is { } over ? $", override: {over}" : "");

    private static StoreChange.AppendAudit Audit(Caller caller, DateTimeOffset at, string verb, string subject, string outcome, string detail) =>
        new(at, caller.Owner, caller.Door, verb, subject, outcome, detail);
}
