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
/// Whether policy lets a guest have a device. Says why not, naming the rule by file and line. What the rule says of other guests and callers is
/// left out: these reasons are told to callers who may not read the rules.
/// </summary>
public static class Permission
{
    /// <summary>Null where the claim is allowed, to its guest, to whoever made it and to whoever moved it, or passes policy by its override.</summary>
    public static string? WhyNot(HostState state, Claim claim, UsbDevice device) =>
        claim.OverrideReason is not null ? null : WhyNot(state, claim.Guest, claim.Mode, device) ?? WhyNotMaker(state, claim, device) ?? WhyNotMover(state, claim, device);

    /// <summary>Null where some guest may have the device.</summary>
    public static string? WhyNotAnybody(HostState state, UsbDevice device) =>
        WhyNotAnybodyBy(state, device) ?? (state.UnderEarlierRules() is { } earlier ? NotRecorded(WhyNotAnybodyBy(earlier, device)) : null);

    public static string? WhyNot(HostState state, GuestId guest, ClaimMode mode, UsbDevice device) =>
        WhyNotBy(state, guest, mode, device) ?? (state.UnderEarlierRules() is { } earlier ? NotRecorded(WhyNotBy(earlier, guest, mode, device)) : null);

    private static string? WhyNotAnybodyBy(HostState state, UsbDevice device) => state.VerdictOf(device).Rule switch
    {
        null => "no rule matches it, and what no rule allows is blocked",
        { Target: RuleTarget.Block or RuleTarget.Reject } rule => $"the rule at {rule.Source} blocks it",
        { Target: RuleTarget.Ask } rule => Questions.AnswerOf(state, device) switch
        {
            null => $"the rule at {rule.Source} says ask, and nobody has answered: an agent on the desktop does (org.usbhostd.UsbHost1.Agent), or a rule that allows it",
            { Guest: null } => $"the rule at {rule.Source} says ask, and the answer was no",
            _ => null,
        },
        _ => null,
    };

    private static string? WhyNotBy(HostState state, GuestId guest, ClaimMode mode, UsbDevice device)
    {
        if (WhyNotAnybodyBy(state, device) is { } why)
        {
            return why;
        }

        var rule = state.VerdictOf(device).Rule!;
        return rule switch
        {
            _ when !rule.AllowsGuest(state.GuestName(guest), guest) =>
                $"the rule at {rule.Source} does not allow it for this guest",
            { Target: RuleTarget.Ask } when Questions.AnswerOf(state, device) is { Guest: { } other } && other != guest =>
                $"the rule at {rule.Source} says ask, and the answer was another guest",
            _ when rule.Mode is { } only && only != mode =>
                $"the rule at {rule.Source} allows it with mode {only.ToString().ToLowerInvariant()} only",
            _ => null,
        };
    }

    /// <summary>What a rule gives by itself nobody has asked for; of whom it is not known who asked, the rule's guests and mode decide alone.</summary>
    private static string? WhyNotMaker(HostState state, Claim claim, UsbDevice device) =>
        claim.Origin != ClaimOrigin.Rule && claim.Uid is { } uid ? WhyNotCaller(state, device, uid, claim.Gids) : null;

    /// <summary>A claim may be moved while its device is away: then the mover is asked for when the device comes, as the maker is.</summary>
    private static string? WhyNotMover(HostState state, Claim claim, UsbDevice device) =>
        claim.Origin != ClaimOrigin.Rule && claim.MoverUid is { } uid && WhyNotCaller(state, device, uid, claim.MoverGids) is { } why ? $"{why}, who moved it" : null;

    /// <summary>Null where this caller may claim the device.</summary>
    public static string? WhyNotCaller(HostState state, UsbDevice device, uint uid, ImmutableArray<uint> gids) =>
        WhyNotCallerBy(state, device, uid, gids) ?? (state.UnderEarlierRules() is { } earlier ? NotRecorded(WhyNotCallerBy(earlier, device, uid, gids)) : null);

    private static string? WhyNotCallerBy(HostState state, UsbDevice device, uint uid, ImmutableArray<uint> gids)
    {
        var rule = state.VerdictOf(device).Rule;
        return rule is null || state.Rules.AllowsCaller(rule, uid, gids)
            ? null
            : $"the rule at {rule.Source} lets others claim it, not {(uid == Claims.Claim.NoUid ? "one without a uid, as this" : $"uid {uid}")}";
    }

    /// <summary>Why the guard is passed: a claim's force, or an unsafe rule; null where it is not.</summary>
    public static string? WhyUnguarded(HostState state, Claim claim, UsbDevice device) => claim.ForceReason is { } force
        ? $"force: {force}"
        : state.VerdictOf(device) is { Unsafe: { } why, Rule: { } rule } && state.UnderEarlierRules()?.VerdictOf(device) is null or { Unsafe: not null }
            ? $"unsafe by the rule at {rule.Source}: {why}" : null;

    /// <summary>What the rules would decide now, and why the ones before the one that did decide do not.</summary>
    /// <param name="most">So many rules that do not match are named at most.</param>
    public static RuleExplanation Explain(HostState state, UsbDevice device, DateTimeOffset now, int most) =>
        state.Rules.Set.Explain(RuleSubject.Of(device), new FoldRuleContext(state, device, now), most, state.VerdictOf(device).Place);

    /// <summary>Claims whose devices are in their guests and may not be any more: one change of the rules took that away.</summary>
    public static IEnumerable<ClaimEntry> Lost(HostState before, HostState after)
    {
        foreach (var (id, placed) in after.Guests.Values.SelectMany(g => g.Attachments.Select(a => (g.Id, a))))
        {
            if (placed.Ours is { } alias && after.Claims.TryGetValue(alias.Claim, out var entry) && entry.Claim.Guest == id
                && after.DevicesByAddress[placed.Address ?? default].Select(s => after.Devices[s]).FirstOrDefault(d => d.Plug == alias.Plug) is { } device
                && (WhyNot(after, entry.Claim, device) is not null || !entry.Stands) && WhyNot(before, entry.Claim, device) is null)
            {
                yield return entry;
            }
        }
    }

    private static string? NotRecorded(string? why) => why is null
        ? null
        : $"the rules that were loaded last can't be recorded, as nothing can be written; until they are, those before them count as well, and by them {why}";
}
