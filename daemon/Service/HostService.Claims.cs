// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Guests;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.Reducers;
using UsbHostd.Core.Requests;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using Claim = UsbHostd.Api.V1.Claim;
using Guest = UsbHostd.Api.V1.Guest;

namespace UsbHostd.Daemon.Service;

/// <summary>What changes a claim.</summary>
internal sealed partial class HostService
{
    public async ValueTask<Claim> CreateClaimAsync(Caller caller, CreateClaimRequest request, CancellationToken cancellationToken)
    {
        var also = request.ForceReason.Length > 0 || request.OverrideReason.Length > 0 ? Right.Force : Right.None;
        var verb = request.DryRun ? "claim-create-dry-run" : "claim-create";
        var grant = await EnterAsync(caller, UsbHostMethods.CreateClaim, cancellationToken, request.Device, request.Guest, also, verb).ConfigureAwait(false);
        await AuditedAsync(caller, verb, request.Device, () => Checked(request), cancellationToken).ConfigureAwait(false);
        if (Changed(feed.Current, request) is { } changed && !grant.Owns(changed))
        {
            grant = await MoreAsync(grant, Right.Manage, request.Device, request.Guest, verb, cancellationToken).ConfigureAwait(false);
        }

        var nonce = Guid.NewGuid();
        var looked = await LookedAtAsync(feed.Current, grant, request, cancellationToken).ConfigureAwait(false);
        if (request.DryRun)
        {
            var (state, now) = (looked, time.GetUtcNow());
            var accepted = Accept(state, grant, request, nonce, now);
            var hypothetical = Written(accepted).Aggregate(state, (s, e) => Fold.Apply(s, e, now).State);
            return WireClaims.Claim(hypothetical, hypothetical.Claims[accepted.Claim.Id], now);
        }

        return await ChangeAsync(caller, verb, request.Device, (state, now) => Accept(state, grant, request, nonce, now), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<Claim> MoveClaimAsync(Caller caller, MoveClaimRequest request, CancellationToken cancellationToken)
    {
        const string Verb = "claim-move";
        var grant = await EnterToChangeAsync(caller, UsbHostMethods.MoveClaim, Verb, request.Id, request.Guest, s => OneClaim(s, null, request.Id), cancellationToken).ConfigureAwait(false);
        var (nonce, mover) = (Guid.NewGuid(), new ClaimMaker(caller.Owner, caller.Uid, caller.Gids, caller.Door) { MayRetry = MayRetry(grant) });
        return await ChangeAsync(caller, Verb, request.Id, (state, now) =>
        {
            var entry = Standing(state, grant, request.Id);
            var guest = OneGuest(state, null, request.Guest, mayBeUnknown: true);
            var decision = entry.Claim.Guest == guest
                ? new ClaimDecision.Accepted(entry.Claim, AlreadyThere: true)
                : StandingClaim.Move(state, entry, guest, mover, nonce, now);
            return decision as ClaimDecision.Accepted ?? throw ToException(state, grant, (ClaimDecision.Refused)decision, now);
        }, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<Claim> ReleaseClaimAsync(Caller caller, ReleaseClaimRequest request, CancellationToken cancellationToken)
    {
        const string Verb = "claim-release";
        var grant = await EnterToChangeAsync(caller, UsbHostMethods.ReleaseClaim, Verb, request.Id.Length > 0 ? request.Id : request.Device, request.Guest, s => ClaimToRelease(s, null, request), cancellationToken).ConfigureAwait(false);
        return await ChangeAsync(caller, Verb, request.Id.Length > 0 ? request.Id : request.Device, (state, now) =>
        {
            var entry = ClaimToRelease(state, grant, request);
            Rights.RequireOwn(grant, entry);
            return new ClaimDecision.Accepted(entry.Stands ? Fold.HeldBack(state, entry.Claim) ?? entry.Claim.EndedAt(now) : entry.Claim, AlreadyThere: !entry.Stands);
        }, cancellationToken, takesAway: true).ConfigureAwait(false);
    }

    public async ValueTask<Claim> RetryClaimAsync(Caller caller, RetryClaimRequest request, CancellationToken cancellationToken)
    {
        const string Verb = "claim-retry";
        var grant = await EnterToChangeAsync(caller, UsbHostMethods.RetryClaim, Verb, request.Id, "", s => OneClaim(s, null, request.Id), cancellationToken).ConfigureAwait(false);
        var (state, id) = await AskAsync(caller, Verb, request.Id, (current, now) =>
        {
            var entry = Standing(current, grant, request.Id);
            List<StoreChange> changes = [Audit(caller, now, Verb, entry.Id.ToString(), "ok", "")];
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

    /// <summary>Writes what is decided, and says how the claim stands.</summary>
    /// <param name="takesAway">It is done even where it can't be written.</param>
    private async Task<Claim> ChangeAsync(
        Caller caller, string verb, string subject, Func<HostState, DateTimeOffset, ClaimDecision.Accepted> decide, CancellationToken cancellationToken,
        bool takesAway = false)
    {
        var (state, id) = await AskAsync(caller, verb, subject, (current, now) =>
        {
            var accepted = decide(current, now);
            var claim = accepted.Claim;
            if (accepted.AlreadyThere)
            {
                return (new Decided([], []), claim.Id);
            }

            List<StoreChange> changes = [new StoreChange.PutClaim(claim), Audit(caller, now, verb, claim.Id.ToString(), "ok", Describe(current, claim))];
            foreach (var ends in accepted.Ends)
            {
                changes.AddRange([StoreChange.Keep(ends), Audit(caller, now, verb, ends.Id.ToString(), "ok", $"ended: its device goes to claim {claim.Id}")]);
            }

            List<HostEvent> events = [.. Written(accepted)];
            return (takesAway ? Decided.TakingAway(changes, events) : new Decided(changes, events), claim.Id);
        }, cancellationToken).ConfigureAwait(false);
        return WireClaims.Claim(state, state.Claims[id], time.GetUtcNow());
    }

    private static Func<ClaimEntry, bool> MayRetry(Grant grant) => entry => grant.Owns(entry) || grant.Has(Right.Manage);

    private static IEnumerable<HostEvent> Written(ClaimDecision.Accepted accepted) =>
        accepted.Ends.Prepend(accepted.Claim).Select(c => new HostEvent.ClaimWritten(c));

    private ClaimDecision.Accepted Accept(HostState state, Grant grant, CreateClaimRequest request, Guid nonce, DateTimeOffset now)
    {
        var decision = ClaimDecider.Decide(state, ToCore(state, grant, request), nonce, now);
        var accepted = decision as ClaimDecision.Accepted
            ?? throw ToException(state, grant, (ClaimDecision.Refused)decision, now);
        foreach (var ends in accepted.Ends)
        {
            Rights.RequireOwn(grant, state.Claims[ends.Id]);
        }

        if (state.Claims.TryGetValue(accepted.Claim.Id, out var standing))
        {
            Rights.RequireOwn(grant, standing, accepted.AlreadyThere);
            return accepted;
        }

        var most = limits.MostClaims(grant.Caller);
        return state.Claims.Values.Where(e => e.Stands && e.Claim.Origin == ClaimOrigin.Explicit && grant.Owns(e)).Take(most).Count() < most
            ? accepted
            : throw new HostException(ErrorCode.ErrorTooMany, $"{grant.Caller.Owner} has {most} claims, and may have no more", "see them: usbhostctl claim-list, then release one: usbhostctl claim-release CLAIM");
    }

    /// <summary>The claim that a request would change: with <c>move</c> the one that has the device; with a reason the one that stands for its guest.</summary>
    private static ClaimEntry? Changed(HostState state, CreateClaimRequest request)
    {
        var reasons = request.ForceReason.Length > 0 || request.OverrideReason.Length > 0;
        if (!request.Move && !reasons)
        {
            return null;
        }

        var matches = DeviceSelector.Match(state, request.Device);
        return matches.Length == 1 && Assessor.OwnerOf(state, matches[0]) is { } owner
            && (request.Move || (owner.Claim.Origin != ClaimOrigin.Rule && IsNamed(state, owner.Claim.Guest, request.Guest)))
            ? owner
            : null;
    }

    private static bool IsNamed(HostState state, GuestId guest, string text) =>
        text == state.GuestName(guest) || text == guest.ToString() || text == $"name:{state.GuestName(guest)}" || text == $"uuid:{guest}";

    private static ClaimRequest ToCore(HostState state, Grant grant, CreateClaimRequest request) => new()
    {
        Device = request.Device,
        Sees = grant.SeesAll ? null : device => grant.Sees(state, device),
        MayRetry = MayRetry(grant),
        Guest = OneGuest(state, null, request.Guest, mayBeUnknown: true),
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
        Owner = grant.Caller.Owner,
        Uid = grant.Caller.Uid,
        Gids = grant.Caller.Gids,
        Door = grant.Caller.Door,
    };

    private static CreateClaimRequest Checked(CreateClaimRequest request)
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

        return request;
    }

    private static ClaimEntry Standing(HostState state, Grant grant, string id)
    {
        var entry = OneClaim(state, grant, id);
        Rights.RequireOwn(grant, entry);
        return entry.Stands
            ? entry
            : throw new HostException(ErrorCode.ErrorClaimNotFound, $"claim {id} was released", $"make a new one: {CommandText.AttachAnew(state, entry.Claim)}");
    }

    private static ClaimEntry ClaimToRelease(HostState state, Grant? grant, ReleaseClaimRequest request)
    {
        var entry = request.Id.Length > 0 ? OneClaim(state, grant, request.Id) : ByDevice(state, grant, request.Device);
        if (request.Guest.Length > 0 && OneGuest(state, grant, request.Guest, mayBeUnknown: true) != entry.Claim.Guest)
        {
            throw new HostException(
                ErrorCode.ErrorClaimNotFound, $"claim {entry.Id} is for guest {state.GuestName(entry.Claim.Guest)}, not for {request.Guest}",
                $"release it there: {CommandText.Release(entry.Id)}");
        }

        return entry;
    }

    /// <summary>The claim on a device that is there; or on one that is away, by the key it was known by.</summary>
    private static ClaimEntry ByDevice(HostState state, Grant? grant, string text)
    {
        if (DeviceSelector.Match(state, text).Length > 0)
        {
            return Assessor.OwnerOf(state, OneDevice(state, grant, text)) ?? throw new HostException(
                ErrorCode.ErrorClaimNotFound, $"nobody has claimed device {text}", "see the claims that stand: usbhostctl claim-list");
        }

        var absent = DeviceSelector.MatchAbsent(state, text) ?? throw Refusals.NoDevice(text);
        foreach (var key in new[] { absent.Serial, absent.Port }.OfType<DeviceKey>())
        {
            foreach (var claim in state.ClaimsByKey[key].Select(c => state.Claims[c]))
            {
                if (claim.Stands && (grant is null || grant.Sees(claim)) && (absent.UsbId is not { } usbId || claim.Claim.Ids.Contains(usbId)))
                {
                    return claim;
                }
            }
        }

        throw new HostException(ErrorCode.ErrorClaimNotFound, $"nobody has claimed device {text}", "see the claims that stand: usbhostctl claim-list");
    }

    private static string Describe(HostState state, Core.Claims.Claim claim) =>
        $"{claim.Follows.Text} for guest {state.GuestName(claim.Guest)}"
        + (claim.ForceReason is { } force ? $", force: {force}" : "")
        + (claim.OverrideReason is { } over ? $", override: {over}" : "");
}
