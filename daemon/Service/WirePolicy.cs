// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using V1 = UsbHostd.Api.V1;

namespace UsbHostd.Daemon.Service;

/// <summary>Rules and what they decide as the contract shows them.</summary>
internal static class WirePolicy
{
    private const int MostMismatches = 100;

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

    /// <summary>The rule's place only: its text may name devices, guests and people that a caller who may not read the rules does not see.</summary>
    private static V1.PolicyRule Place(Rule rule) => new() { File = rule.Source.File ?? "", Line = (uint)rule.Source.Line };

    /// <summary>What was decided for the device, and why; with a guest, whether that one may have it. Who asks may still not be the one who may claim it.</summary>
    public static V1.Explanation Explanation(HostState state, UsbDevice device, GuestId? guest, Grant grant, DateTimeOffset at)
    {
        var caller = grant.Caller;
        var verdict = state.VerdictOf(device);
        var why = guest is { } into
            ? Permission.WhyNot(state, into, verdict.Rule?.Mode ?? UsbHostd.Policy.Rules.ClaimMode.Hostdev, device)
            : Permission.WhyNotAnybody(state, device);
        var notCaller = device.IsHub || why is not null ? null : Permission.WhyNotCaller(state, device, caller.Uid, caller.Gids);
        var now = Permission.Explain(state, device, at, MostMismatches);
        var wire = new V1.Explanation
        {
            Target = Target(verdict.Target),
            Allowed = why is null && !device.IsHub,
            Message = Message(state, device, guest, why, notCaller) + (now.Decided == verdict.Place ? "" : OtherwiseNow(state, now.Decided)),
            Hint = device.IsHub
                ? "see the devices behind it: usbhostctl device-list; claim one of them instead"
                : why is null && notCaller is null ? "" : $"an administrator may add a rule{(verdict.Rule is null ? "" : " before the one that decides")}, then check it: usbhostctl policy-check {File(verdict.Rule)}, then load it: usbhostctl policy-reload",
            Rule = verdict.Rule is { } rule ? grant.SeesAll ? Rule(rule) : Place(rule) : null,
            DecidesSameNow = now.Decided == verdict.Place,
            LeftOut = (uint)(grant.SeesAll ? now.LeftOut : now.LeftOut + now.Misses.Length),
        };
        if (!grant.SeesAll)
        {
            return wire;
        }

        wire.Before.AddRange(now.Misses.Select(m => new V1.Mismatch
        {
            Rule = Rule(state.Rules.Set.Rules[m.Place]),
            Attribute = m.Attribute,
            Wanted = m.Wanted,
            Found = m.Found,
        }));
        return wire;
    }

    /// <summary>The file that such a rule belongs in; a placeholder where no rule decides.</summary>
    private static string File(Rule? decides) => decides?.Source.File is { } file ? CommandText.Typed(file, "FILE") : "FILE";

    private static string Message(HostState state, UsbDevice device, GuestId? guest, string? why, string? notCaller)
    {
        var what = $"{StatusText.NameOf(state, device)} on {device.PortPath}";
        var whom = guest is { } into ? $"guest {state.GuestName(into)}" : "guests";
        return device.IsHub ? $"{what} is a hub, which no rule can give to a guest"
            : why is not null ? $"policy does not allow {what} for {whom}: {why}"
            : notCaller is null ? $"policy allows {what} for {whom}"
            : $"policy allows {what} for {whom}, and you may not claim it: {notCaller}";
    }

    private static string OtherwiseNow(HostState state, int place) =>
        "; this was decided at its plug-in or at the last reload, and is held: now "
        + (place < 0 ? "no rule would match, which blocks" : $"the rule at {state.Rules.Set.Rules[place].Source} would decide, with {Target(state.Rules.Set.Rules[place].Target)}");

    /// <summary>A rule a line, as <c>usbguard generate-policy</c> prints them; before them a comment for each device that is left out.</summary>
    public static string Generated(HostState state, V1.GeneratePolicyRequest request)
    {
        var options = new RuleGeneratorOptions(
            request.Ports switch
            {
                V1.GeneratePolicyRequest.Types.Ports.Unspecified => GeneratedPorts.WithoutSerial,
                V1.GeneratePolicyRequest.Types.Ports.AllPorts => GeneratedPorts.All,
                V1.GeneratePolicyRequest.Types.Ports.NoPorts => GeneratedPorts.None,
                _ => throw Refusals.Invalid($"ports {(int)request.Ports} is unknown", "use ALL_PORTS or NO_PORTS, or leave it out"),
            },
            request.Hashes switch
            {
                V1.GeneratePolicyRequest.Types.Hashes.Unspecified => GeneratedHashes.Too,
                V1.GeneratePolicyRequest.Types.Hashes.NoHashes => GeneratedHashes.None,
                V1.GeneratePolicyRequest.Types.Hashes.OnlyHashes => GeneratedHashes.Only,
                _ => throw Refusals.Invalid($"hashes {(int)request.Hashes} is unknown", "use NO_HASHES or ONLY_HASHES, or leave it out"),
            },
            request.CatchAll switch
            {
                "" => null,
                "allow" => RuleTarget.Allow,
                "block" => RuleTarget.Block,
                "reject" => RuleTarget.Reject,
                _ => throw Refusals.Invalid("the target of the last rule is unknown", "use allow, block or reject"),
            });
        var devices = state.Devices.Values.Select(RuleSubject.Of).ToList();
        return string.Concat(RuleGenerator.Comments(devices, options).Concat(RuleGenerator.Generate(devices, options).Select(RulePrinter.Print)).Select(line => line + "\n"));
    }
}
