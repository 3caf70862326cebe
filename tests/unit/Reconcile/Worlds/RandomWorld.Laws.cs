// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile.Worlds;

/// <summary>
/// What holds whatever happens. Where the model can't know (a draw, a full disk before a crash), it lets both pass; where it says what
/// must be, it is certain.
/// </summary>
internal sealed partial class RandomWorld
{
    private readonly HashSet<string> seenGiven = [];

    /// <summary>At each moment, also in the middle of something.</summary>
    private void CheckAlways()
    {
        foreach (var device in devices)
        {
            var guests = world.Host.GuestsWith(device.Device);
            Require(guests.Count < 2, () => $"{device.Device} is in two guests: {string.Join(", ", guests)}");
        }

        Require(
            foreignGuest.Hostdevs is [{ Alias: "hostdev0", IsLive: true }] && world.Host.Done.TrueForAll(d => !d.EndsWith(" foreign", StringComparison.Ordinal)),
            () => "the daemon touched what somebody else had attached");
    }

    /// <summary>The daemon has done what it can for now.</summary>
    private void CheckAtRest()
    {
        FollowLifetimes();
        CheckClaims();
        if (isTroubled || IsFull || unwritten.Count > 0 || !world.Host.LibvirtUp || world.Host.DetachHangs)
        {
            seenGiven.Clear();
            Array.ForEach(devices, d => d.WasInUse = false);
            return;
        }

        try
        {
            CheckGiven();
        }
        catch (BrokenLawException)
        {
            // What leaves may wait a moment after an earlier try; then it must be out.
            Pass(TimeSpan.FromSeconds(2));
            CheckGiven();
        }

        CheckOneClaim();
        seenGiven.Clear();
        seenGiven.UnionWith(Given());
        Array.ForEach(devices, d => d.WasInUse = !d.Device.Uses.IsEmpty);
    }

    private void CheckGiven()
    {
        foreach (var guest in world.Host.Guests.Where(g => g.IsActive && g != foreignGuest))
        {
            foreach (var hostdev in guest.Hostdevs.Where(h => !h.Leaving))
            {
                CheckGiven(guest, hostdev);
            }
        }
    }

    private HashSet<string> Given() => [.. world.Host.Guests.Where(g => g != foreignGuest).SelectMany(g => g.Hostdevs.Where(h => h.IsLive).Select(h => $"{h.Device} in {g.Id} as {h.Alias}"))];

    /// <summary>What is in a guest under our alias is a live device of a claim that stands for this guest, and the rules allow it.</summary>
    private void CheckGiven(FakeGuest guest, FakeHostdev hostdev)
    {
        var alias = AttachmentAlias.TryParse(hostdev.Alias);
        Require(alias is not null && hostdev.IsLive && alias.Plug == hostdev.Device!.Plug, () => $"{hostdev.Alias} of {guest} has no device any more");
        var entry = world.State.Claims.GetValueOrDefault(alias!.Claim);
        Require(
            entry is { Stands: true } && entry.Claim.Guest == guest.Id,
            () => $"{hostdev.Device} is in {guest} without a claim that stands for it");
        Require(!heldBack.ContainsKey(alias.Claim), () => $"{hostdev.Device} is in {guest}, and the claim is held back since it was released");
        var device = devices.Single(d => d.Device == hostdev.Device);
        var known = claims.GetValueOrDefault(alias.Claim);
        Require(known is not { IsHeld: true }, () => $"{hostdev.Device} is in {guest} again, from where somebody took it by hand");
        Require(
            known is null || known.IsFor(device) || known.Standing == Worlds.Standing.Unknown,
            () => $"{hostdev.Device} is in {guest} by a claim for another device");
        Require(
            !device.WasInUse || known is { Forces: true } || seenGiven.Contains($"{hostdev.Device} in {guest.Id} as {hostdev.Alias}"),
            () => $"{hostdev.Device} was given to {guest} while the host uses it");
        Require(MayHave(device, guest, known, entry!.Claim.Origin), () => $"{hostdev.Device} is in {guest} against the rules");
    }

    /// <summary>Whether any decision that the rules may have come to lets this guest have it by this claim.</summary>
    private bool MayHave(PlainDevice device, FakeGuest guest, PlainClaim? known, ClaimOrigin origin)
    {
        if (known is { Overrides: true })
        {
            return true;
        }

        var deciding = Deciding(device).OfType<PlainRule>();
        return (known, origin) switch
        {
            ({ } made, _) => deciding.Any(r => Allows(r, device, guest) && AllowsThem(r, made)),
            (_, ClaimOrigin.Rule) => deciding.Any(r => r.Target == RuleTarget.Assign && r.AllowsGuest(guest.Name)),
            (_, ClaimOrigin.Metadata) => AsksFor(guest, device) && deciding.Any(r => Allows(r, device, guest) && r.AllowsCaller(null)),
            (_, ClaimOrigin.Explicit) => deciding.Any(r => r.Target == RuleTarget.Ask && r.AllowsGuest(guest.Name)
                && answers.Any(a => a.Guest == guest.Id && a.IsRemembered && a.MayHoldFor(device) && r.AllowsCaller(a.By))),
            _ => false,
        };
    }

    private bool Allows(PlainRule rule, PlainDevice device, FakeGuest guest) => rule.AllowsGuest(guest.Name) && rule.Target switch
    {
        RuleTarget.Allow or RuleTarget.Assign => true,
        RuleTarget.Ask => answers.Any(a => a.Guest == guest.Id && a.MayHoldFor(device) && rule.AllowsCaller(a.By)),
        _ => false,
    };

    /// <summary>Who made the claim, and who moved it.</summary>
    private static bool AllowsThem(PlainRule rule, PlainClaim claim) =>
        rule.AllowsCaller(claim.Maker) && (claim.Mover is null || rule.AllowsCaller(claim.Mover));

    private static bool AsksFor(FakeGuest guest, PlainDevice device) =>
        device.Device.Serial is { } serial && guest.Wishes.Any(w => w.Device == $"serial:{device.Device.UsbId}:{serial}");

    /// <summary>The rules that may be the first to match: one, where no condition is open. Null stands for none at all.</summary>
    private List<PlainRule?> Deciding(PlainDevice device)
    {
        List<PlainRule?> may = [];
        foreach (var rule in rules.Where(r => r.Matches(device)))
        {
            var (canHold, canFail) = rule.WhatMayBe(device);
            if (canHold)
            {
                may.Add(rule);
            }

            if (!canFail)
            {
                return may;
            }
        }

        may.Add(null);
        return may;
    }

    /// <summary>Each claim that somebody was told he has stands until he was told otherwise, and none that is over stands again.</summary>
    private void CheckClaims()
    {
        foreach (var claim in claims.Values)
        {
            var stands = world.State.Claims.GetValueOrDefault(claim.Id) is { Stands: true } entry ? entry.Claim : null;
            if (claim.Standing == Worlds.Standing.Unknown || unwritten.Contains(claim.Id))
            {
                continue;
            }

            Require((stands is not null) == (claim.Standing == Worlds.Standing.Stands), () => $"claim {claim.Id} {(stands is null ? "is lost" : "stands again, and was over")}");
            Require(stands is null || stands.Guest == claim.Guest, () => $"claim {claim.Id} is for another guest than was said");
            if (!IsFull && claim.Standing == Worlds.Standing.Stands && world.ChecksQuiet)
            {
                Require(world.Store.Claims.GetValueOrDefault(claim.Id) is { Released: null }, () => $"claim {claim.Id} stands, and is not stored");
            }
        }
    }

    /// <summary>Claims that end with a plug or a run. Within the ten seconds of a comeback, and while libvirt is away, both are right.</summary>
    private void FollowLifetimes()
    {
        foreach (var claim in claims.Values.Where(c => c.Standing == Worlds.Standing.Stands && c.Lifetime != ClaimLifetime.Forever))
        {
            var stands = world.State.Claims.GetValueOrDefault(claim.Id) is { Stands: true };
            var (mustEnd, mayEnd) = claim.Lifetime == ClaimLifetime.UntilUnplug ? EndsByPlug(claim) : EndsByRun(claim);
            Require(!mustEnd || !stands || isTroubled, () => $"claim {claim.Id} stands after the {(claim.Lifetime == ClaimLifetime.UntilUnplug ? "plug" : "run")} it was for");
            if (!stands && (mustEnd || mayEnd))
            {
                claim.Standing = Worlds.Standing.Over;
            }
        }
    }

    private (bool Must, bool May) EndsByPlug(PlainClaim claim)
    {
        if (claim.Plug is not { } plug)
        {
            var there = devices.Where(claim.IsFor).ToList();
            claim.Plug = there is [{ HasTwin: false } one] ? (one, one.Sitting, one.Pulls) : null;
            return (false, claim.Plug is null);
        }

        var isAway = plug.Device.Left is not null;
        var isOver = isAway ? Now - plug.Device.Left >= TimeSpan.FromSeconds(10) : plug.Device.Sitting != plug.Sitting;
        return (isOver && !plug.Device.HasTwin, isAway || isOver || plug.Device.Pulls != plug.Pulls);
    }

    private (bool Must, bool May) EndsByRun(PlainClaim claim)
    {
        if (!world.Host.LibvirtUp)
        {
            return (false, true);
        }

        var run = world.Host.Guests.FirstOrDefault(g => g.Id == claim.Guest)?.DomainId;
        if (claim.Run is { } began)
        {
            return (run != began, run != began);
        }

        claim.Run = run;
        return (false, true);
    }

    /// <summary>One device is one claim's: any other that follows it waits, or is held.</summary>
    private void CheckOneClaim()
    {
        var having = world.State.Claims.Values.Where(e => e.Stands && e.Claim.Hold == ClaimHold.None).Select(e => (e.Id, Status: world.Status(e.Id)))
            .Where(e => e.Status is { Device: not null, Reason: not ClaimReason.HeldByGuest });
        foreach (var twice in having.GroupBy(e => e.Status.Device!.Syspath, StringComparer.Ordinal).Where(g => g.Count() > 1))
        {
            Require(false, () => $"{twice.Key} is the device of {twice.Count()} claims: {string.Join(", ", twice.Select(t => $"{Of(t.Id)} {t.Status.Phase}"))}");
        }
    }

    /// <summary>All guests run, nothing stands in the way: who is certain to want a device has it.</summary>
    private void CheckWanted()
    {
        foreach (var device in devices.Where(d => d.Device.IsPlugged && !d.HasTwin))
        {
            if (Wanting(device) is { Count: > 0 } wanting)
            {
                var has = world.Host.GuestsWith(device.Device);
                Require(has.Any(h => wanting.Contains(h)), () => $"{device.Device} is not in {string.Join(" or ", wanting)}, where it is wanted, but {(has.Count == 0 ? "nowhere" : $"in {has[0]}")}");
            }
        }
    }

    /// <summary>The guests of which one must have it; empty where none needs to, or the model can't say.</summary>
    private List<FakeGuest> Wanting(PlainDevice device)
    {
        var made = claims.Values.Where(c => c.Standing != Worlds.Standing.Over && c.IsFor(device)).ToList();
        var deciding = Deciding(device);
        if (deciding is not [{ } rule] || made.Exists(c => c.Standing == Worlds.Standing.Unknown || c.IsHeld) || (rule.Target == RuleTarget.Ask && made.Count == 0)
            || made.Exists(c => rule.Target == RuleTarget.Ask && !c.Overrides))
        {
            return [];
        }

        var isOpen = rule.Target is RuleTarget.Allow or RuleTarget.Assign;
        var asking = world.Host.Guests.Where(g => AsksFor(g, device)).ToList();
        List<FakeGuest> wanting = [];
        foreach (var claim in made)
        {
            if (world.Host.Guests.FirstOrDefault(g => g.Id == claim.Guest) is not { } guest
                || !(claim.Overrides || (isOpen && rule.AllowsGuest(guest.Name) && AllowsThem(rule, claim))))
            {
                return [];
            }

            wanting.Add(guest);
        }

        if (asking.Exists(g => !isOpen || !rule.AllowsGuest(g.Name) || !rule.AllowsCaller(null)))
        {
            return [];
        }

        wanting.AddRange(asking);
        if (rule.Target == RuleTarget.Assign && (made.Count == 0 || asking.Count > 0))
        {
            wanting.AddRange(world.Host.Guests.Where(g => g.Name == rule.Guests[0]));
        }

        return wanting;
    }
}
