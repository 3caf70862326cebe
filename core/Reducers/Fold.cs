// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules.Matching;

namespace UsbHostd.Core.Reducers;

/// <summary>
/// Takes events into a state. Pure as a whole: the same state, events and times give the same result. The parts are by what an
/// event is about: devices, guests, claims, actions.
/// </summary>
public sealed partial class Fold
{
    private readonly DateTimeOffset now;
    private readonly List<StoreChange> changes = [];
    private readonly HashSet<ClaimId> touchedClaims = [];
    private readonly HashSet<GuestId> touchedGuests = [];
    private readonly HashSet<string> touchedDevices = new(StringComparer.Ordinal);
    private readonly HashSet<PlugToken> touchedPlugs = [];
    private readonly Dictionary<DeviceId, UsbDevice> removedDevices = [];
    private readonly HashSet<string> assignDue = new(StringComparer.Ordinal);
    private bool claimsChanged;
    private HostState state;

    public Fold(HostState state, DateTimeOffset now)
    {
        this.state = state;
        this.now = now;
    }

    /// <summary>The state that a daemon starts from: the stored rows, and nothing observed yet.</summary>
    public static HostState From(StoredState stored, ReconcileLimits limits, LoadedRules rules)
    {
        var fold = new Fold(HostState.Empty with { Limits = limits, Rules = rules, StoreIsNew = stored.IsNew }, default);
        fold.Load(stored);
        return fold.Result().State;
    }

    /// <summary>One event.</summary>
    public static Transition Apply(HostState state, HostEvent happened, DateTimeOffset now)
    {
        var fold = new Fold(state, now);
        fold.Take(happened);
        return fold.Result();
    }

    /// <summary>Whether memory has the claim.</summary>
    public bool Knows(ClaimId claim) => state.Claims.ContainsKey(claim);

    public void Take(HostEvent happened)
    {
        switch (happened)
        {
            case HostEvent.ClaimRecalled e:
                // Nothing else yet: until its guest is seen, nothing keeps it from being forgotten again.
                Written(e.Claim);
                return;
            case HostEvent.DevicePresent e:
                Present(e.Device);
                break;
            case HostEvent.DeviceReread e:
                Reread(e.Device);
                break;
            case HostEvent.UsesFound e:
                Found(e);
                break;
            case HostEvent.DeviceGone e:
                Gone(e.Syspath);
                break;
            case HostEvent.DevicesEnumerated e:
                Enumerated(e.Devices);
                break;
            case HostEvent.GuestPresent e:
                Present(e.Guest);
                break;
            case HostEvent.GuestGone e:
                Gone(e.Guest);
                break;
            case HostEvent.GuestsEnumerated e:
                Enumerated(e);
                break;
            case HostEvent.LibvirtLost e:
                LibvirtLost(e);
                break;
            case HostEvent.LibvirtSilent e:
                LibvirtSilent(e.Since);
                break;
            case HostEvent.LibvirtAnswered:
                LibvirtSilent(null);
                break;
            case HostEvent.ClaimWritten e:
                Written(e.Claim);
                break;
            case HostEvent.ClaimRetried e:
                Retried(e.Claim);
                break;
            case HostEvent.RulesLoaded e:
                RulesLoaded(e);
                break;
            case HostEvent.StoreCaughtUp:
                EndEarlierRules();
                break;
            case HostEvent.LabelWritten e:
                Labelled(e.Device, e.Label);
                break;
            case HostEvent.GuestStartRequested e:
                StartRequested(e.Guest);
                break;
            case HostEvent.SerialTrusted e:
                Trusted(e.Serial);
                break;
            case HostEvent.AnswerWritten e:
                Answered(e.Answer);
                break;
            case HostEvent.AnswerForgotten e:
                Forgotten(e.Answer);
                break;
            case HostEvent.ActionFinished e:
                Finished(e.Action, e.Outcome);
                break;
            case HostEvent.TimeReached:
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(happened), happened, "an event that the fold does not know");
        }

        ReachDeadlines();
        AssignByRule();
        if (happened is HostEvent.DevicePresent or HostEvent.DeviceGone or HostEvent.DevicesEnumerated or HostEvent.RulesLoaded or HostEvent.ClaimWritten
            or HostEvent.AnswerWritten)
        {
            LookAtUnmetWishes();
        }

        if (happened is HostEvent.ClaimWritten written && state.Wishes.ContainsKey(written.Claim.Guest))
        {
            wishesDue.Add(written.Claim.Guest);
        }

        MeetWishes();
        EndLifetimes();
        GiveOn();
        Retire();
    }

    /// <summary>
    /// A claim that ended by itself may leave its device to a rule, an answer or a guest that asks for it; and what is made of that may end another.
    /// </summary>
    private void GiveOn()
    {
        do
        {
            AssignByRule();
            MeetWishes();
        }
        while (state is { DevicesKnown: true, GuestsKnown: true } && (assignDue.Count > 0 || wishesDue.Count > 0));
    }

    public Transition Result() => new(
        state, [.. changes], [.. touchedClaims], [.. touchedGuests], [.. touchedDevices], [.. touchedPlugs],
        [.. removedDevices.Select(r => (r.Key, r.Value))], claimsChanged);

    private void ReachDeadlines()
    {
        while (state.Deadlines is { IsEmpty: false } deadlines && deadlines.Min!.At <= now)
        {
            var reached = deadlines.Min;
            state = state with { Deadlines = deadlines.Remove(reached) };
            switch (reached.Kind)
            {
                case DeadlineKind.Claim:
                    Touch(ClaimId.Parse(reached.Subject));
                    break;
                case DeadlineKind.Serial:
                    JudgeTwins(DeviceKey.Parse(reached.Subject));
                    break;
                case DeadlineKind.Answer:
                    EndAnswer(AnswerId.Parse(reached.Subject));
                    break;
                case DeadlineKind.Jail:
                    touchedDevices.Add(reached.Subject);
                    break;
                case DeadlineKind.Device:
                    TouchDevice(reached.Subject);
                    break;
                case DeadlineKind.Inputs:
                    TouchInputs();
                    break;
                default:
                    var starting = new GuestId(Guid.Parse(reached.Subject));
                    touchedGuests.Add(starting);
                    GiveUpStart(starting);
                    break;
            }
        }
    }

    private void TouchDevice(string syspath)
    {
        if (state.Devices.TryGetValue(syspath, out var device))
        {
            TouchClaimsOf(null, device);
        }
    }

    private void LookAgain(DateTimeOffset at, DeadlineKind kind, string subject) =>
        state = state with { Deadlines = state.Deadlines.Add(new Deadline(at, kind, subject)) };

    private void LookAgain(DateTimeOffset at, ClaimId claim) => LookAgain(at, DeadlineKind.Claim, claim.ToString());

    private void Touch(ClaimId claim)
    {
        if (touchedClaims.Add(claim) && state.Claims.TryGetValue(claim, out var entry) && state.GuestStarts.ContainsKey(entry.Claim.Guest))
        {
            touchedGuests.Add(entry.Claim.Guest);
        }
    }

    private void Put(ClaimEntry entry)
    {
        state = state with { Claims = state.Claims.SetItem(entry.Id, entry) };
        Touch(entry.Id);
    }

    /// <summary>A change of the claim itself, which is stored.</summary>
    private void PutStored(ClaimEntry entry)
    {
        Put(entry);
        changes.Add(StoreChange.Keep(entry.Claim));
    }

    private void Audit(string verb, string subject, string outcome, string detail) =>
        changes.Add(new StoreChange.AppendAudit(now, "usbhostd", "daemon", verb, subject, outcome, detail));
}
