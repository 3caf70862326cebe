// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using UsbHostd.Api;
using UsbHostd.Policy.Rules.Import;

namespace UsbHostd.Cli.Rules;

/// <summary>policy-export: rules as a usbredir filter, where it can say the same.</summary>
internal static class PolicyExportVerb
{
    public static Command Create(CommandLine line)
    {
        var form = new Option<string>("--as") { Description = "A usbredir filter, or libvirt's element for it", HelpName = "usbredir|redirfilter", Required = true };
        form.OneOf("usbredir", "redirfilter");
        var rules = Rules();
        return line.OfflineVerb(
            new Command("policy-export", "Write rules as a usbredir filter or a <redirfilter>, where they can be said so") { form, rules },
            (terminal, parsed) => Run(terminal, parsed.GetRequiredValue(form), parsed.GetValue(rules) ?? []));
    }

    /// <summary>The rule files to take.</summary>
    public static Option<string[]> Rules() => new("--rules")
    {
        Description = "Rule files, in this order, in place of /etc/usbhostd/rules.conf and rules.d",
        HelpName = "FILE...",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    private static ExitCode Run(CliTerminal terminal, string form, string[] paths)
    {
        if (RuleInput.ReadAll(terminal, paths) is not { } set)
        {
            return ExitCode.Usage;
        }

        if (!RedirExport.TryExport(set.Rules, out var exported, out var error))
        {
            ErrorReport.Write(terminal, error, "");
            return ExitCode.Usage;
        }

        foreach (var note in exported.Notes)
        {
            terminal.Error.WriteLine("note: " + TerminalText.Escape(note));
        }

        terminal.Out.WriteLine(form == "usbredir" ? exported.Filter.ToText(',') : RedirFilterXml.Write(exported.Filter));
        return ExitCode.Ok;
    }
}
