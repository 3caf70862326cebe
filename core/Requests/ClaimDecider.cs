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

/// <summary>Turns a request into a claim or a refusal: pure. Run by the one writer, so that nothing changes in between.</summary>
public static class ClaimDecider
{
    /// <param name="nonce">Unique to this request; the new claim's id comes from it.</param>
    public static ClaimDecision Decide(HostState state, ClaimRequest request, Guid nonce, DateTimeOffset now)
    {
        if (request.RequestId is { } requestId && state.ClaimsByRequest.TryGetValue((request.Owner, requestId), out var earlier))
        {
            return Repeated(state, request, state.Claims[earlier].Claim);
        }

        var matches = DeviceSelector.Match(state, request.Device);
        if (request.Sees is { } sees && !matches.IsEmpty)
        {
            // The only one meant is kept, unseen: it is refused below, and why is said.
            var seen = matches.RemoveAll(d => !sees(d));
            matches = seen.IsEmpty && matches.Length == 1 ? matches : seen;
        }

        return matches.Length switch
        {
            0 => ForAbsent(state, request, nonce, now),
            1 => ForPresent(state, request, matches[0], nonce, now),
            _ => Ambiguous(state, request.Device, matches),
        };
    }

    public static ClaimDecision.Refused Ambiguous(HostState state, string text, ImmutableArray<UsbDevice> candidates) =>
        new(Refusal.Ambiguous, $"{text} can mean {candidates.Length} devices: {string.Join(", ", candidates.Select(c => $"port:{c.PortPath} ({state.IdOf(c)})"))}",
            $"name one of them: {string.Join(", ", candidates.Select(c => $"port:{c.PortPath}"))}")
        { Candidates = candidates };

    private static ClaimDecision Repeated(HostState state, ClaimRequest request, Claim earlier) =>
        RepeatedRequest.IsSame(state, request, earlier)
            ? new ClaimDecision.Accepted(earlier, AlreadyThere: true)
            : new ClaimDecision.Refused(
                Refusal.RequestReused,
                $"request id {request.RequestId} was already used for another request, which made claim {earlier.Id} of guest {state.GuestName(earlier.Guest)}",
                "use another request id for another wish");

    private static ClaimDecision ForPresent(HostState state, ClaimRequest request, UsbDevice device, Guid nonce, DateTimeOffset now)
    {
        var serialTellsApart = device.SerialKey is { } serial && !state.SharedSerials.Contains(serial) && state.DevicesByKey[serial].Length == 1;
        var follow = request.Follow ?? (serialTellsApart && request.FollowIds.IsEmpty ? FollowKind.Serial : FollowKind.Port);
        ImmutableArray<UsbId> ids = [.. request.FollowIds.Prepend(device.UsbId).Distinct()];
        var byPort = ClaimOf(request, device.PortKey, ids, nonce, now, state.VerdictOf(device));
        if (follow == FollowKind.Serial && !serialTellsApart)
        {
            return NotUnique(state, byPort, device);
        }

        if (follow == FollowKind.Serial && !request.FollowIds.IsEmpty)
        {
            var bySerial = byPort with { Follows = device.SerialKey!, Ids = [device.UsbId] };
            return new ClaimDecision.Refused(
                Refusal.InvalidArgument, "a set of ids is followed on one port, not by serial",
                $"follow the ids on its port: {CommandText.Attach(state, byPort, CommandText.Device(state, device))}; or follow its serial alone: {CommandText.Attach(state, bySerial, CommandText.Device(state, device))}");
        }

        var claim = follow == FollowKind.Serial ? byPort with { Follows = device.SerialKey! } : byPort;
        if (request.OverrideReason is null && Permission.WhyNotCaller(state, device, request.Uid, request.Gids) is { } notYou)
        {
            return NotForThisCaller(state, device, notYou);
        }

        // Before anything is said of who has it: whoever does not see the device learns only why.
        if (request.Sees?.Invoke(device) == false && RefusedBy(state, claim, device) is { } unseen)
        {
            return unseen;
        }

        return BesideOthers(state, request, claim, device);
    }

    /// <summary>The decision, now that the claim is known: other claims on the device first, then what would make this one fail.</summary>
    private static ClaimDecision BesideOthers(HostState state, ClaimRequest request, Claim claim, UsbDevice? device)
    {
        var hold = StandingClaim.HoldOf(state, claim, device, claim.Guest);
        if (hold is not null && !request.MayRetry(hold))
        {
            return StandingClaim.SetAside(state, hold, device);
        }

        var refused = device is not null ? RefusedBy(state, claim, device) : claim.Mode != ClaimMode.Hostdev ? UnsupportedMode(claim) : null;
        var decision = RivalOf(state, request, claim, device) is { } rival
            ? StandingClaim.Meet(state, request, claim, rival, device)
            : refused ?? (ClaimDecision)new ClaimDecision.Accepted(claim, AlreadyThere: false);
        return hold is not null && decision is ClaimDecision.Accepted accepted
            ? accepted with { Ends = [.. accepted.Ends, hold.Claim.EndedAt(claim.Created)] }
            : decision;
    }

    private static ClaimDecision ForAbsent(HostState state, ClaimRequest request, Guid nonce, DateTimeOffset now)
    {
        if (request.Sees is not null)
        {
            return new ClaimDecision.Refused(
                Refusal.DeviceNotFound, $"no device {request.Device} that this caller may have is plugged in",
                "plug it in first; only an operator may claim a device that is away");
        }

        var (typed, guest) = (CommandText.Typed(request.Device, "DEVICE"), CommandText.Guest(state, request.Guest));
        if (DeviceSelector.MatchAbsent(state, request.Device) is not { } absent)
        {
            return new ClaimDecision.Refused(
                Refusal.DeviceNotFound, $"no device {request.Device} is plugged in, and none is remembered",
                "see what is plugged in: usbhostctl device-list; a device that is away is named by its serial: "
                + $"usbhostctl attach serial:VENDOR:PRODUCT:SERIAL {guest}; or by its port: usbhostctl attach port:PORT {guest} --follow VENDOR:PRODUCT");
        }

        var follow = request.Follow ?? (absent.Serial is not null && request.FollowIds.IsEmpty ? FollowKind.Serial : FollowKind.Port);
        var key = follow == FollowKind.Serial ? absent.Serial : absent.Port;
        if (key is null)
        {
            return new ClaimDecision.Refused(
                Refusal.InvalidArgument, $"{request.Device} is away and can't be followed by {follow.ToString().ToLowerInvariant()}: that much is not known of it",
                $"plug it in once; or follow its {(follow == FollowKind.Serial ? "port" : "serial")}: {FollowedOtherwise(typed, guest, follow, absent, request)}");
        }

        ImmutableArray<UsbId> ids = [.. (absent.UsbId is { } own ? request.FollowIds.Prepend(own) : request.FollowIds).Distinct()];
        if (ids.IsEmpty)
        {
            return new ClaimDecision.Refused(
                Refusal.InvalidArgument, $"nothing is plugged into {request.Device} now, and whatever comes there must not go to a guest unseen",
                $"say which device may come: usbhostctl attach {typed} {guest} --follow VENDOR:PRODUCT");
        }

        var claim = ClaimOf(request, key, ids, nonce, now, Verdict.None);
        return BesideOthers(state, request, claim, null);
    }

    /// <summary>A device that is away, by the key that is known of it.</summary>
    private static string FollowedOtherwise(string typed, string guest, FollowKind asked, AbsentDevice absent, ClaimRequest request)
    {
        if (asked == FollowKind.Port)
        {
            return $"usbhostctl attach {typed} {guest} --by serial";
        }

        var ids = request.FollowIds.IsEmpty ? absent.UsbId is null ? "VENDOR:PRODUCT" : "" : string.Join(',', request.FollowIds);
        return $"usbhostctl attach {typed} {guest} --by port{(ids.Length > 0 ? $" --follow {ids}" : "")}";
    }

    private static ClaimDecision.Refused UnsupportedMode(Claim claim) =>
        new(Refusal.UnsupportedMode, $"mode {claim.Mode} is not supported", "ask for mode hostdev");

    /// <summary>What the request leaves open, the rule says.</summary>
    private static Claim ClaimOf(ClaimRequest request, DeviceKey key, ImmutableArray<UsbId> ids, Guid nonce, DateTimeOffset now, Verdict verdict) => new()
    {
        Id = ClaimId.Of(nonce),
        Guest = request.Guest,
        Follows = key,
        Ids = ids,
        Mode = request.Mode ?? verdict.Rule?.Mode ?? ClaimMode.Hostdev,
        Lifetime = request.Lifetime ?? ClaimLifetime.Forever,
        Origin = ClaimOrigin.Explicit,
        Owner = request.Owner,
        Uid = request.Uid,
        Gids = request.Gids,
        Door = request.Door,
        RequestId = request.RequestId,
        Request = request.RequestId is null ? null : RepeatedRequest.PrintOf(request),
        GuestReset = request.GuestReset ?? verdict.Rule?.GuestReset ?? GuestReset.Off,
        ForceReason = request.ForceReason,
        OverrideReason = request.OverrideReason,
        Created = now,
    };

    private static ClaimDecision.Refused NotUnique(HostState state, Claim byPort, UsbDevice device)
    {
        var twins = device.SerialKey is { } serial ? state.DevicesWith(serial).OrderBy(d => d.PortPath).ToImmutableArray() : [device];
        return new ClaimDecision.Refused(
            Refusal.Ambiguous,
            device.SerialKey is null
                ? $"{StatusText.NameOf(state, device)} on {device.PortPath} has no serial that tells it apart"
                : $"the serial of {StatusText.NameOf(state, device)} on {device.PortPath} was seen on more than one device",
            $"claim it by its port: {CommandText.AttachByPort(state, byPort, device, byPort.Ids)}")
        { Candidates = twins, Device = device };
    }

    /// <summary>The standing claim that has this device, or would follow the same one.</summary>
    private static ClaimEntry? RivalOf(HostState state, ClaimRequest request, Claim claim, UsbDevice? device)
    {
        if (device is not null && Assessor.OwnerOf(state, device) is { } owner && !StandingClaim.GivesWay(owner, request))
        {
            return owner;
        }

        // The same device by another of its keys, also where it is Ambiguous or away now.
        var keys = device?.Keys ?? [claim.Follows];
        return keys.SelectMany(k => state.ClaimsByKey[k]).Select(id => state.Claims[id])
            .FirstOrDefault(e => e.Stands && !StandingClaim.GivesWay(e, request) && e.Claim.Ids.Intersect(claim.Ids).Any()
                && (device is null || Assessor.Choose(state, e) is { Device: null } choice && choice.Candidates.Any(c => c.Syspath == device.Syspath) && e.Claim.Follows == claim.Follows));
    }

    /// <summary>The rule names others, who may.</summary>
    public static ClaimDecision.Refused NotForThisCaller(HostState state, UsbDevice device, string why) => new(
        Refusal.NotAllowed, $"{StatusText.NameOf(state, device)} on {device.PortPath} is not for this caller: {why}", "ask an administrator, or somebody whom the rule lets claim it")
    { Device = device };

    /// <summary>
    /// What would make the new claim fail at once. Refused where asking again later needs another wish; what goes away by itself
    /// (an absent device, a guest that is off) is waited for instead.
    /// </summary>
    public static ClaimDecision.Refused? RefusedBy(HostState state, Claim claim, UsbDevice device)
    {
        var guest = state.Guests.GetValueOrDefault(claim.Guest);
        var fit = guest is { IsActive: true } || guest?.Controllers.All(c => c.Ports == 0) == true ? guest : null;
        if ((Assessor.Refusal(state, claim, device, fit) ?? Assessor.FoundRefusal(state, claim, device)) is not { } status)
        {
            return null;
        }

        var why = status.Reason switch
        {
            ClaimReason.IsHub => Refusal.IsHub,
            ClaimReason.HeldByOther => Refusal.HeldByOther,
            ClaimReason.InUseByHost => Refusal.InUseByHost,
            ClaimReason.NoController => Refusal.NoController,
            ClaimReason.NoFreePort => Refusal.NoFreePort,
            ClaimReason.SpeedMismatch => Refusal.SpeedMismatch,
            ClaimReason.UnsupportedMode => Refusal.UnsupportedMode,
            _ => Refusal.NotAllowed,
        };
        var hint = HintText.Of(state, claim, status, HintText.AskAgain)
            + (why == Refusal.InUseByHost ? $"; or pass the guard, as an administrator: {CommandText.Attach(state, claim, CommandText.Device(state, device), "--force REASON")}" : "");
        return new ClaimDecision.Refused(why, StatusText.Message(state, claim, status), hint) { Device = device, OtherGuest = status.OtherGuest };
    }
}
