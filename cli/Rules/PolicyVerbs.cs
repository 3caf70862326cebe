// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli.Rules;

/// <summary>policy-show, policy-explain, policy-reload, policy-generate: what the daemon's rules say.</summary>
internal static class PolicyVerbs
{
    public static Command Show(CommandLine line) => line.Verb(
        new Command("policy-show", "Show the rules in force, and for which devices each decides"), ShowAsync);

    public static Command Explain(CommandLine line)
    {
        var device = CommandLine.Device();
        var guest = new Argument<string?>("GUEST")
        {
            Description = "Whether this guest may have it; else whether some guest may",
            Arity = ArgumentArity.ZeroOrOne,
        };
        return line.Verb(
            new Command("policy-explain", "Show which rule decides for a device, and why no rule before it does") { device, guest },
            async (session, parsed, cancellationToken) =>
            {
                var explanation = await session.Client.ExplainPolicyAsync(
                    new ExplainPolicyRequest { Device = parsed.GetRequiredValue(device), Guest = parsed.GetValue(guest) ?? "" }, cancellationToken);
                Explain(session, explanation);
                return explanation.Allowed ? ExitCode.Ok : ExitCode.Denied;
            });
    }

    public static Command Reload(CommandLine line) => line.Verb(
        new Command("policy-reload", "Read the rule files anew (administrators)"), ReloadAsync);

    public static Command Generate(CommandLine line)
    {
        var withPorts = new Option<bool>("--with-ports", "-p") { Description = "via-port in every rule, not only for devices without a serial" };
        var noPorts = new Option<bool>("--no-ports-sn", "-P") { Description = "No via-port, also for devices without a serial" };
        var noHashes = new Option<bool>("--no-hashes", "-X") { Description = "No hash and no parent-hash" };
        var hashOnly = new Option<bool>("--hash-only", "-H") { Description = "Only hash and parent-hash" };
        var target = new Option<string?>("--target", "-t")
        {
            Description = "A last rule for everything else",
            HelpName = "allow|block|reject",
        }.OneOf("allow", "block", "reject");
        var command = new Command("policy-generate", "Write rules that allow what is plugged in now, as usbguard generate-policy does")
        {
            withPorts, noPorts, noHashes, hashOnly, target,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(withPorts) && result.GetValue(noPorts))
            {
                result.AddError("--with-ports and --no-ports-sn exclude each other");
            }
            else if (result.GetValue(noHashes) && result.GetValue(hashOnly))
            {
                result.AddError("--no-hashes and --hash-only exclude each other");
            }
        });
        return line.Verb(command, (session, parsed, cancellationToken) => GenerateAsync(
            session,
            new GeneratePolicyRequest
            {
                Ports = parsed.GetValue(withPorts) ? GeneratePolicyRequest.Types.Ports.AllPorts
                    : parsed.GetValue(noPorts) ? GeneratePolicyRequest.Types.Ports.NoPorts : GeneratePolicyRequest.Types.Ports.Unspecified,
                Hashes = parsed.GetValue(noHashes) ? GeneratePolicyRequest.Types.Hashes.NoHashes
                    : parsed.GetValue(hashOnly) ? GeneratePolicyRequest.Types.Hashes.OnlyHashes : GeneratePolicyRequest.Types.Hashes.Unspecified,
                CatchAll = parsed.GetValue(target) ?? "",
            },
            cancellationToken));
    }

    private static async Task<ExitCode> ShowAsync(Session session, ParseResult parsed, CancellationToken cancellationToken)
    {
        var policy = await session.Client.GetPolicyAsync(new GetPolicyRequest(), cancellationToken);
        if (session.IsJson)
        {
            session.Json(policy);
            return ExitCode.Ok;
        }

        Warn(session, policy.Warnings);
        if (policy.Rules.Count == 0)
        {
            session.Line("There is no rule: no guest may have any device");
            return ExitCode.Ok;
        }

        var devices = await session.Client.ListDevicesAsync(new ListDevicesRequest(), cancellationToken);
        var names = devices.Devices.ToLookup(device => device.Id, device => $"{device.Port} {Words.UsbId(device)} {Words.Name(device)}", StringComparer.Ordinal);
        foreach (var rule in policy.Rules)
        {
            session.Line(Place(rule) + ": " + TerminalText.EscapeRule(rule.Text));
            foreach (var id in rule.DeviceIds)
            {
                session.Line("    " + TerminalText.Escape($"{id} {names[id].FirstOrDefault("")}".TrimEnd()));
            }
        }

        return ExitCode.Ok;
    }

    private static void Explain(Session session, Explanation explanation)
    {
        if (session.IsJson)
        {
            session.Json(explanation);
            return;
        }

        session.Line($"{TerminalText.Escape(explanation.Target)}: {TerminalText.Escape(explanation.Message)}");
        session.Line(explanation.Rule is { } decides
            ? $"{Place(decides)}: {TerminalText.EscapeRule(decides.Text)}"
            : "No rule matches, and what no rule allows is blocked");
        if (explanation.Hint.Length > 0)
        {
            session.Line("hint: " + TerminalText.Escape(explanation.Hint));
        }

        if (!explanation.DecidesSameNow)
        {
            session.Line("Another rule would decide now: conditions are looked at when a device is plugged in and at a reload, and held");
        }

        ShowBefore(session, explanation);
    }

    private static void ShowBefore(Session session, Explanation explanation)
    {
        if (explanation.Before.Count > 0)
        {
            session.Line();
            var table = new Table(["Rule before it", "Attribute", "Wanted", "Found"], 2, 3, 0);
            foreach (var miss in explanation.Before)
            {
                table.AddEscaped(
                    miss.Rule is { } rule ? Place(rule) : Words.None,
                    TerminalText.Escape(miss.Attribute),
                    TerminalText.EscapeRule(miss.Wanted),
                    TerminalText.EscapeRule(miss.Found));
            }

            session.Table(table);
        }

        if (explanation.LeftOut > 0)
        {
            session.Line($"{Words.Number(explanation.LeftOut)} more rules before it do not match either");
        }
    }

    private static async Task<ExitCode> ReloadAsync(Session session, ParseResult parsed, CancellationToken cancellationToken)
    {
        var answer = await session.Client.ReloadPolicyAsync(new ReloadPolicyRequest(), cancellationToken);
        if (session.IsJson)
        {
            session.Json(answer);
            return ExitCode.Ok;
        }

        Warn(session, answer.Warnings);
        session.Line($"Rules in force: {Words.Number(answer.Rules)}. Files read: {Words.Number(answer.Files)}.");
        foreach (var claim in answer.Lost)
        {
            session.Line(TerminalText.Escape($"Claim {claim.Id} of {Words.Named(claim)} lost its right: the device leaves guest {Words.Name(claim.Guest)}"));
        }

        return ExitCode.Ok;
    }

    private static async Task<ExitCode> GenerateAsync(Session session, GeneratePolicyRequest request, CancellationToken cancellationToken)
    {
        var answer = await session.Client.GeneratePolicyAsync(request, cancellationToken);
        if (session.IsJson)
        {
            session.Json(answer);
            return ExitCode.Ok;
        }

        foreach (var rule in answer.Rules.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            session.Line(TerminalText.EscapeRule(rule));
        }

        return ExitCode.Ok;
    }

    private static void Warn(Session session, IEnumerable<string> warnings)
    {
        foreach (var warning in warnings)
        {
            session.Progress("warning: " + TerminalText.Escape(warning));
        }
    }

    private static string Place(PolicyRule rule) => TerminalText.Escape(rule.File) + ":" + Words.Number(rule.Line);
}
