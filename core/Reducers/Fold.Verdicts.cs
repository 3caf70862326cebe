// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Core.Reducers;

/// <summary>What the rules say of each plug: decided when it comes and at each reload; held in between, also over a comeback and a restart.</summary>
public sealed partial class Fold
{
    // What an enumeration brings is judged when all of it is in; null outside of one.
    private List<(UsbDevice Device, DateTimeOffset Since)>? arrivals;

    private void JudgeArrival(UsbDevice device)
    {
        if (arrivals is null)
        {
            TryJudge(device, now, evenIfOpen: true);
        }
        else
        {
            arrivals.Add((device, now));
        }
    }

    private void JudgeArrivals()
    {
        JudgeAll(arrivals ?? []);
        arrivals = null;
        ForgetStoredVerdicts();
    }

    /// <summary>
    /// Judges many at once, so that <c>allowed-matches</c> counts whoever is allowed, in whatever order they came: a device waits while
    /// another that the condition asks for is not judged yet. Those that wait for each other are judged as they came, each as if the
    /// ones behind it were not there: so a circle allows nothing that did not stand without it. One is judged in each round, so it ends.
    /// </summary>
    private void JudgeAll(IEnumerable<(UsbDevice Device, DateTimeOffset Since)> devices)
    {
        var open = devices.OrderBy(d => d.Device.UsecInitialized).ThenBy(d => d.Device.Syspath, StringComparer.Ordinal).ToList();
        while (open.Count > 0)
        {
            if (open.RemoveAll(d => TryJudge(d.Device, d.Since, evenIfOpen: false)) == 0)
            {
                TryJudge(open[0].Device, open[0].Since, evenIfOpen: true);
                open.RemoveAt(0);
            }
        }
    }

    /// <summary>False where the decision may be another once all devices are judged, and <paramref name="evenIfOpen"/> does not settle it.</summary>
    private bool TryJudge(UsbDevice device, DateTimeOffset since, bool evenIfOpen)
    {
        if (HeldVerdict(device) is { } held)
        {
            PutVerdict(device, held with { Since = since });
            return true;
        }

        var context = new FoldRuleContext(state, device, now);
        var place = state.Rules.Set.Decide(RuleSubject.Of(device), context);
        if (context.IsOpen && !evenIfOpen)
        {
            return false;
        }

        if (place >= 0)
        {
            context.Applied(place);
        }

        state = state with { RuleHistory = context.History };
        PutVerdict(device, VerdictAt(place) with { Since = since, IsStateful = context.IsStateful });
        return true;
    }

    private Verdict VerdictAt(int place) => new(place, place < 0 ? null : state.Rules.Set.Rules[place], now);

    /// <summary>What was decided for this plug before the daemon was started, or before the device left and came back at once.</summary>
    private Verdict? HeldVerdict(UsbDevice device)
    {
        if (state.DepartedVerdicts.TryGetValue(device.PortKey, out var left) && IsComeback(left.At, left.Device.PortKey, device)
            && RuleSubject.Of(left.Device).IsSameAs(RuleSubject.Of(device)))
        {
            return left.Verdict;
        }

        return state.StoredVerdicts.TryGetValue(device.Plug, out var stored) && stored.Rules == state.Rules.Set.Fingerprint
            && stored.Place >= -1 && stored.Place < state.Rules.Set.Rules.Length
                ? VerdictAt(stored.Place) with { IsStateful = true }
                : null;
    }

    private void PutVerdict(UsbDevice device, Verdict verdict)
    {
        state = state with
        {
            Verdicts = state.Verdicts.SetItem(device.Syspath, verdict),
            DepartedVerdicts = state.DepartedVerdicts.Remove(device.PortKey),
        };
        if (verdict.Target == RuleTarget.Assign)
        {
            state = state with { AssignedTo = state.AssignedTo.Add(GuestOf(verdict), device.Syspath) };
        }

        if (verdict.SettlesAt is { } settled && settled > now)
        {
            LookAgain(settled, DeadlineKind.Device, device.Syspath);
        }

        if (verdict.IsStateful)
        {
            changes.Add(new StoreChange.RememberVerdict(new StoredVerdict(device.Plug, state.Rules.Set.Fingerprint, verdict.Place)));
        }

        JudgeByEarlierRules(device);
        assignDue.Add(device.Syspath);
    }

    private void Unjudge(UsbDevice device)
    {
        UnjudgeByEarlierRules(device);
        if (!state.Verdicts.TryGetValue(device.Syspath, out var verdict))
        {
            return;
        }

        state = state with
        {
            Verdicts = state.Verdicts.Remove(device.Syspath),
            AssignedTo = verdict.Target == RuleTarget.Assign ? state.AssignedTo.Remove(GuestOf(verdict), device.Syspath) : state.AssignedTo,
        };
        if (verdict.IsStateful)
        {
            changes.Add(new StoreChange.ForgetVerdict(device.Plug));
            var late = state.DepartedVerdicts.Where(d => now - d.Value.At >= state.Limits.Comeback).Select(d => d.Key).ToList();
            state = state with { DepartedVerdicts = state.DepartedVerdicts.RemoveRange(late).SetItem(device.PortKey, new DepartedVerdict(device, verdict, now)) };
        }
    }

    /// <summary>Rows of plugs that are over, or of other rules; those that hold on have been written anew.</summary>
    private void ForgetStoredVerdicts()
    {
        if (state.StoredVerdicts.IsEmpty)
        {
            return;
        }

        var held = state.Devices.Values.Where(d => state.VerdictOf(d).IsStateful).Select(d => d.Plug).ToHashSet();
        changes.AddRange(state.StoredVerdicts.Keys.Where(plug => !held.Contains(plug)).Select(plug => new StoreChange.ForgetVerdict(plug)));
        state = state with { StoredVerdicts = state.StoredVerdicts.Clear() };
    }

    /// <summary>The guest as the rule names it; a UUID in the form that libvirt gives.</summary>
    private static string GuestOf(Verdict verdict)
    {
        var named = verdict.Rule!.ToGuest[0].Pattern;
        return RuleGuests.UuidOf(named)?.ToString("D") ?? named;
    }
}
