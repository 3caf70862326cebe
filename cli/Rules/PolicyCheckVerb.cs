// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using UsbHostd.Api;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Cli.Rules;

/// <summary>policy-check: whether rule files are in order.</summary>
internal static class PolicyCheckVerb
{
    public static Command Create(CommandLine line)
    {
        var files = new Argument<string[]>("FILE") { Description = "Rule files; - is the standard input", Arity = ArgumentArity.OneOrMore };
        return line.OfflineVerb(
            new Command("policy-check", "Check rule files: each is taken whole, or refused with line and column") { files },
            (terminal, parsed) => Run(terminal, parsed.GetRequiredValue(files)));
    }

    private static ExitCode Run(CliTerminal terminal, string[] paths)
    {
        var exit = ExitCode.Ok;
        foreach (var path in paths)
        {
            if (RuleInput.Read(terminal, path) is { } file)
            {
                var count = file.Rules.Length;
                terminal.Out.WriteLine($"{TextEscape.Escape(path)}: {count.ToString(CultureInfo.InvariantCulture)} {(count == 1 ? "rule" : "rules")}");
            }
            else
            {
                exit = ExitCode.Usage;
            }
        }

        return exit;
    }
}
