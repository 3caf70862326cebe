using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Guests;
using UsbHostd.Policy.Reconcile;
using UsbHostd.Policy.Rules;
using V1 = UsbHostd.Api.V1;

namespace UsbHostd.Daemon.Service;

/// <summary>Rules and what they decide as the contract shows them.</summary>
internal static class WirePolicy
{
    public static V1.Policy Policy(HostState state)
    {
        var wire = new V1.Policy();
        wire.Files.AddRange(state.Rules.Files.Select(f => new V1.RuleFile { Path = f.Path, Rules = (uint)f.Rules }));
        wire.Warnings.AddRange(state.Rules.Warnings);
        var decides = state.Devices.Values.ToLookup(d => state.VerdictOf(d).Place, d => state.IdOf(d).ToString());
        for (var place = 0; place < state.Rules.Set.Rules.Length; place++)
        {
            var rule = Rule(state.Rules.Set.Rules[place]);
            rule.DeviceIds.AddRange(decides[place].Order(StringComparer.Ordinal));
            wire.Rules.Add(rule);
        }

        return wire;
    }

    public static V1.PolicyRule Rule(Rule rule) => new() { Text = RulePrinter.Print(rule), File = rule.Source.File ?? "", Line = (uint)rule.Source.Line };

    public static string Target(RuleTarget target) => target switch
    {
        RuleTarget.Allow => "allow",
        RuleTarget.Block => "block",
        RuleTarget.Reject => "reject",
        RuleTarget.Assign => "assign",
        RuleTarget.Ask => "ask",
        _ => throw new ArgumentOutOfRangeException(nameof(target), target, "a target without a word"),
    };

    /// <summary>What was decided for the device, and why; with a guest, whether that one may have it.</summary>
    public static V1.Explanation Explanation(HostState state, UsbDevice device, GuestId? guest, DateTimeOffset now)
    {
        var verdict = state.VerdictOf(device);
        var why = guest is { } into
            ? Permission.WhyNot(state, into, verdict.Rule?.Mode ?? UsbHostd.Policy.Claims.ClaimMode.Hostdev, device)
            : Permission.WhyNotAnybody(state, device);
        var name = StatusText.NameOf(state, device);
        var whom = guest is { } g ? $"guest {state.GuestName(g)}" : "guests";
        return new V1.Explanation
        {
            Target = Target(verdict.Target),
            Allowed = why is null && !device.IsHub,
            Message = device.IsHub
                ? $"{name} on {device.PortPath} is a hub, which no rule can give to a guest"
                : why is null ? $"policy allows {name} on {device.PortPath} for {whom}" : $"policy does not allow {name} on {device.PortPath} for {whom}: {why}",
            Hint = device.IsHub
                ? "claim the devices behind it instead"
                : why is null ? "" : "add a rule before the one that decides, check it with usbhostctl policy-check FILE, and load it: usbhostctl policy-reload",
            Rule = verdict.Rule is { } rule ? Rule(rule) : null,
        };
    }

    public static string Generated(HostState state, V1.GeneratePolicyRequest request) => throw new NotSupportedException(request.ToString() + state);
}
