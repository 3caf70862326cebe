// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Guests;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Core.Requests;

/// <summary>What becomes of a request for a device on which a claim stands, and of a claim that is moved: pure.</summary>
public static class StandingClaim
{
    /// <summary>A claim by name goes before one by rule; where both would do the same, the rule's stays. For one that is held back see <see cref="HoldOf"/>.</summary>
    public static bool GivesWay(ClaimEntry standing, ClaimRequest request) =>
        standing.Claim.IsHeldBack
        || (standing.Claim.Origin == ClaimOrigin.Rule
            && (standing.Claim.Guest != request.Guest || GivesReasons(request, standing.Claim) || Otherwise(request, standing.Claim) is not null));

    /// <summary>
    /// The claim that keeps the device of another claim out of a guest, since somebody released it there. A hold is for its device and its guest,
    /// whatever asks: it ends only for callers who may retry it.
    /// </summary>
    public static ClaimEntry? HoldOf(HostState state, Claim claim, UsbDevice? device, GuestId guest) =>
        (device?.Keys ?? [claim.Follows]).SelectMany(k => state.ClaimsByKey[k]).Select(id => state.Claims[id])
            .FirstOrDefault(e => e is { Stands: true, Claim.IsHeldBack: true } && e.Claim.Guest == guest && e.Id != claim.Id
                && (device is null ? e.Claim.Ids.Intersect(claim.Ids).Any() : Assessor.Choose(state, e).Device?.Syspath == device.Syspath));

    /// <param name="claim">What the request would come to if nothing stood there.</param>
    public static ClaimDecision Meet(HostState state, ClaimRequest request, Claim claim, ClaimEntry standing, UsbDevice? device)
    {
        var held = standing.Claim;
        if (held.Guest != claim.Guest && !request.Move)
        {
            var status = Assessor.Assess(state, standing, held.Created);
            return Refuse(
                state, held, device, $"(claim {held.Id}, {status.Phase})",
                TakeOver(state, request, claim, held, device));
        }

        if (held.Guest != claim.Guest && IsNobodys(held))
        {
            return Accept(state, claim, device, held.EndedAt(claim.Created));
        }

        if (Otherwise(request, held) is { } otherwise)
        {
            return Refuse(
                state, held, device, $"already (claim {held.Id}), and {otherwise}",
                $"release it first: {CommandText.Release(held.Id)}, then ask again; "
                + $"or take it as it is: {CommandText.Attach(state, held with { Guest = claim.Guest }, Named(state, request, device), request.Move ? "--move" : "")}");
        }

        return held.Guest == claim.Guest
            ? Again(state, request, standing, device)
            : Accept(
                state, To(held, claim.Guest, request.Uid, request.Gids) with { ForceReason = claim.ForceReason, OverrideReason = claim.OverrideReason }, device);
    }

    /// <summary>Moves a claim to another guest. One that nobody made by name ends, and whoever moves it makes another.</summary>
    /// <param name="nonce">As in <see cref="ClaimDecider.Decide"/>.</param>
    public static ClaimDecision Move(HostState state, ClaimEntry standing, GuestId guest, ClaimMaker by, Guid nonce, DateTimeOffset now)
    {
        var (held, moved) = (standing.Claim, To(standing.Claim, guest, by.Uid, by.Gids));
        var device = Assessor.Choose(state, standing).Device;
        var hold = HoldOf(state, held, device, guest);
        if (hold is not null && !by.MayRetry(hold))
        {
            return SetAside(state, hold, device);
        }

        if (device is not null && Permission.WhyNotCaller(state, device, by.Uid, by.Gids) is { } notYou)
        {
            return ClaimDecider.NotForThisCaller(state, device, notYou);
        }

        // What is held back stays so in its own guest.
        return !IsNobodys(held)
            ? Accept(state, moved, device, hold?.Claim.EndedAt(now))
            : Accept(
                state,
                moved with
                {
                    Id = ClaimId.Of(nonce),
                    Origin = ClaimOrigin.Explicit,
                    Owner = by.Owner,
                    Uid = by.Uid,
                    Gids = by.Gids,
                    MoverUid = null,
                    MoverGids = [],
                    Door = by.Door,
                    Created = now,
                },
                device,
                hold?.Claim.EndedAt(now),
                held.IsHeldBack ? null : held.EndedAt(now));
    }

    /// <summary>A rule or a guest's definition asks for it, for that guest only.</summary>
    private static bool IsNobodys(Claim held) => held.Origin is ClaimOrigin.Rule or ClaimOrigin.Metadata;

    /// <summary>What passed policy or the guard was said for the other guest.</summary>
    private static Claim To(Claim held, GuestId guest, uint uid, ImmutableArray<uint> gids) => held with
    {
        Guest = guest,
        MoverUid = uid,
        MoverGids = gids,
        Hold = ClaimHold.None,
        LifetimeRun = null,
        ForceReason = null,
        OverrideReason = null,
    };

    private static ClaimDecision Accept(HostState state, Claim claim, UsbDevice? device, params ReadOnlySpan<Claim?> ends) =>
        device is not null && ClaimDecider.RefusedBy(state, claim, device) is { } refused
            ? refused
            : new ClaimDecision.Accepted(claim, AlreadyThere: false) { Ends = [.. ends.ToArray().OfType<Claim>()] };

    public static ClaimDecision.Refused SetAside(HostState state, ClaimEntry standing, UsbDevice? device)
    {
        var held = standing.Claim;
        return Refuse(
            state, held, device, $"already (claim {held.Id}), which is set aside: {StatusText.Message(state, held, Assessor.Assess(state, standing, held.Created))}",
            CommandText.Retry(held.Id));
    }

    /// <summary>The same guest again: the claim that stands, with what was said since of why policy or the guard is passed.</summary>
    private static ClaimDecision Again(HostState state, ClaimRequest request, ClaimEntry standing, UsbDevice? device)
    {
        var held = standing.Claim;
        if (held.Hold != ClaimHold.None || standing.Quarantine is not null)
        {
            return SetAside(state, standing, device);
        }

        if (GivesReasons(request, held))
        {
            return new ClaimDecision.Accepted(
                held with { ForceReason = request.ForceReason ?? held.ForceReason, OverrideReason = request.OverrideReason ?? held.OverrideReason },
                AlreadyThere: false);
        }

        return device is not null && !device.IsHub && Permission.WhyNot(state, held, device) is { } forbidden
            ? Refuse(
                state, held, device, $"already (claim {held.Id}), and policy does not allow that: {forbidden}",
                $"{HintText.OfNotAllowed(state, held, device)}; or release that claim: {CommandText.Release(held.Id)}, then ask again")
            : new ClaimDecision.Accepted(held, AlreadyThere: true);
    }

    private static bool GivesReasons(ClaimRequest request, Claim held) =>
        (request.ForceReason ?? held.ForceReason) != held.ForceReason || (request.OverrideReason ?? held.OverrideReason) != held.OverrideReason;

    /// <summary>What the claim has otherwise than the request says; null where nothing is. What a request leaves open is as the claim has it.</summary>
    private static string? Otherwise(ClaimRequest request, Claim held) => request switch
    {
        { Follow: { } follow } when follow != held.Follows.Kind => $"it follows its {held.Follows.Kind.ToString().ToLowerInvariant()}",
        _ when request.FollowIds.Any(i => !held.Ids.Contains(i)) => $"it follows {string.Join(", ", held.Ids)} only",
        { Mode: { } mode } when mode != held.Mode => $"its mode is {ClaimWords.Of(held.Mode)}",
        { Lifetime: { } lifetime } when lifetime != held.Lifetime => held.Lifetime switch
        {
            ClaimLifetime.UntilUnplug => "it ends when the device is unplugged",
            ClaimLifetime.UntilGuestStops => "it ends when the guest stops",
            _ => "it ends when it is released only",
        },
        { GuestReset: { } reset } when reset != held.GuestReset => $"its guest-reset is {ClaimWords.Of(held.GuestReset)}",
        _ => null,
    };

    /// <summary>A claim that is moved stays as it is; one that nobody made by name is made anew, and its release would only set it aside.</summary>
    private static string TakeOver(HostState state, ClaimRequest request, Claim claim, Claim held, UsbDevice? device)
    {
        var taken = IsNobodys(held) ? claim : held with { Guest = claim.Guest };
        var move = $"take it over: {CommandText.Attach(state, taken, Named(state, request, device), "--move")}";
        return IsNobodys(held) ? move : $"release it: {CommandText.Release(held.Id)}, then ask again; or {move}";
    }

    private static string Named(HostState state, ClaimRequest request, UsbDevice? device) =>
        device is null ? CommandText.Typed(request.Device, "DEVICE") : CommandText.Device(state, device);

    private static ClaimDecision.Refused Refuse(HostState state, Claim held, UsbDevice? device, string how, string hint) =>
        new(Refusal.HeldByGuest, $"{DeviceMark.Named(state, held, device)} is claimed for guest {state.GuestName(held.Guest)} {how}", hint)
        {
            OtherClaim = held.Id,
            OtherGuest = held.Guest,
            Device = device,
        };
}

/// <summary>In whose name a claim is made.</summary>
public sealed record ClaimMaker(string Owner, uint Uid, ImmutableArray<uint> Gids, string Door)
{
    /// <inheritdoc cref="ClaimRequest.MayRetry"/>
    public Func<ClaimEntry, bool> MayRetry { get; init; } = static _ => false;
}
