// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Core.Evaluation;

/// <summary>What is asked where a rule says <c>ask</c>, of whom, and what an answer comes to: pure.</summary>
public static class Questions
{
    /// <summary>So many guests are offered at most, first by name.</summary>
    public const int MostGuests = 256;

    /// <summary>So many answers are kept at most.</summary>
    public const int MostAnswers = 1000;

    /// <summary>The serial where it tells devices apart, else the port. No two devices that are there have the same.</summary>
    public static DeviceKey KeyOf(HostState state, UsbDevice device) =>
        device.SerialKey is { } serial && !state.SharedSerials.Contains(serial) ? serial : device.PortKey;

    /// <summary>
    /// What was answered for this device, as far as it holds: for this plug or remembered, and, where it names a guest, only while the rule would
    /// still offer that guest to whoever answered. Null where there is none, and where the rule does not ask.
    /// </summary>
    public static Answer? AnswerOf(HostState state, UsbDevice device)
    {
        if (state.Answers.IsEmpty || state.VerdictOf(device).Rule is not { Target: RuleTarget.Ask } rule)
        {
            return null;
        }

        Answer? remembered = null;
        foreach (var answer in Kept(state, device))
        {
            if (Holds(state, rule, answer))
            {
                if (answer.Plug == device.Plug)
                {
                    return answer;
                }

                remembered ??= answer.IsRemembered && answer.Follows == KeyOf(state, device) ? answer : null;
            }
        }

        return remembered;
    }

    /// <summary>Answers that follow one of its keys, whether they hold or not.</summary>
    public static IEnumerable<Answer> Kept(HostState state, UsbDevice device)
    {
        foreach (var key in device.Keys)
        {
            if (state.Answers.TryGetValue(AnswerId.Of(key, device.UsbId), out var answer))
            {
                yield return answer;
            }
        }
    }

    /// <summary>
    /// The guests among which this caller may choose now; none where nothing is to be asked of it: another rule decides, it is answered,
    /// somebody has the device, or the rule is not for this caller.
    /// </summary>
    public static ImmutableArray<Guest> Offered(HostState state, UsbDevice device, uint uid, ImmutableArray<uint> gids) =>
        state.VerdictOf(device).Rule is not { Target: RuleTarget.Ask } rule || device.IsHub || (rule.Mode ?? ClaimMode.Hostdev) != ClaimMode.Hostdev
        || !state.DevicesKnown || !state.GuestsKnown || AnswerOf(state, device) is not null
        || Assessor.OwnerOf(state, device) is not null || !state.AttachmentsByAddress[device.Address].IsEmpty || !state.Rules.AllowsCaller(rule, uid, gids)
            ? []
            : [.. state.Guests.Values.Where(g => rule.AllowsGuest(g.Name, g.Id)).OrderBy(g => g.Name, StringComparer.Ordinal).ThenBy(g => g.Id.Uuid).Take(MostGuests)];

    /// <summary>
    /// The claim that an answer comes to, in the name of whoever gave it, until the device is pulled. As with a claim by rule, what stands in the
    /// way for now is waited for, and shown.
    /// </summary>
    public static Claim ClaimOf(HostState state, UsbDevice device, Answer answer, DateTimeOffset now)
    {
        var guest = answer.Guest ?? throw new ArgumentException("a no comes to no claim", nameof(answer));
        var rule = state.VerdictOf(device).Rule;
        return new Claim
        {
            Id = ClaimId.ByAnswer(answer.Id, guest, device.Plug),
            Guest = guest,
            Follows = answer.Follows,
            Ids = [device.UsbId],
            Mode = rule?.Mode ?? ClaimMode.Hostdev,
            Lifetime = ClaimLifetime.UntilUnplug,
            LifetimePlug = device.Plug,
            Owner = answer.Owner,
            Uid = answer.Uid,
            Gids = answer.Gids,
            Door = answer.Door,
            GuestReset = rule?.GuestReset ?? GuestReset.Off,
            Created = now,
        };
    }

    private static bool Holds(HostState state, Rule rule, Answer answer) =>
        answer.Guest is not { } guest || (rule.AllowsGuest(state.GuestName(guest), guest) && state.Rules.AllowsCaller(rule, answer.Uid, answer.Gids));
}
