// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Evaluation;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Core.Reducers;

/// <summary>Rules that are in force and not recorded: until they are, they give nothing that the ones before did not.</summary>
public sealed partial class Fold
{
    /// <summary>The rules in force are recorded: what they give is given now.</summary>
    private void EndEarlierRules()
    {
        if (state.Earlier is null)
        {
            return;
        }

        state = state with { Earlier = null };
        foreach (var (syspath, device) in state.Devices)
        {
            touchedDevices.Add(syspath);
            assignDue.Add(syspath);
            TouchClaimsOf(null, device);
        }

        LookAtUnmetWishes();
    }

    private void JudgeByEarlierRules(UsbDevice device)
    {
        if (state.UnderEarlierRules() is not { } before || before.Verdicts.ContainsKey(device.Syspath))
        {
            return;
        }

        var context = new FoldRuleContext(before, device, now);
        var place = before.Rules.Set.Decide(RuleSubject.Of(device), context);
        if (place >= 0)
        {
            context.Applied(place);
        }

        var verdict = new Verdict(place, place < 0 ? null : before.Rules.Set.Rules[place], now);
        state = state with { Earlier = state.Earlier! with { Verdicts = before.Verdicts.SetItem(device.Syspath, verdict), History = context.History } };
    }

    private void UnjudgeByEarlierRules(UsbDevice device)
    {
        if (state.Earlier is { } earlier)
        {
            state = state with { Earlier = earlier with { Verdicts = earlier.Verdicts.Remove(device.Syspath) } };
        }
    }

    /// <summary>The guest that the rules give the device to by themselves; null where they don't.</summary>
    private GuestId? AssignedGuest(UsbDevice device, Verdict verdict)
    {
        if (verdict.Target != RuleTarget.Assign || device.IsHub)
        {
            return null;
        }

        var guest = NamedGuest(GuestOf(verdict));
        return state.Earlier is not { } earlier
            || (earlier.Verdicts.GetValueOrDefault(device.Syspath) is { Target: RuleTarget.Assign } before && NamedGuest(GuestOf(before)) == guest)
                ? guest
                : null;
    }
}
