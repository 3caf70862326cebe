// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using UsbHostd.Api;

namespace UsbHostd.Cli;

/// <summary>help: all verbs by groups, those of one group, or one verb.</summary>
internal static class HelpVerb
{
    public static Command Create(CommandLine line)
    {
        var topic = new Argument<string?>("TOPIC") { Description = "A verb, or a group of verbs", Arity = ArgumentArity.ZeroOrOne };
        topic.CompletionSources.Add(_ => line.Groups.Select(group => group.Keyword).Concat(line.Root.Subcommands.Select(verb => verb.Name))
            .Select(word => new System.CommandLine.Completions.CompletionItem(word)));
        return line.OfflineVerb(new Command("help", "Show the verbs, those of a group, or what one of them takes") { topic }, (terminal, parsed) =>
            Show(line, terminal, parsed.GetValue(topic)));
    }

    private static ExitCode Show(CommandLine line, CliTerminal terminal, string? topic)
    {
        if (topic is null)
        {
            HelpText.WriteVerbs(terminal.Out, line.Root, line.Groups, line.IsShell);
            HelpText.WriteExitCodes(terminal.Out);
            return ExitCode.Ok;
        }

        if (line.Groups.FirstOrDefault(group => group.Keyword == topic) is { } group)
        {
            HelpText.WriteGroup(terminal.Out, group);
            return ExitCode.Ok;
        }

        if (line.Root.Subcommands.FirstOrDefault(verb => verb.Name == topic) is { } verb)
        {
            line.Root.Parse([verb.Name, "--help"]).Invoke(new InvocationConfiguration { Output = terminal.Out, Error = terminal.Error });
            return ExitCode.Ok;
        }

        ErrorReport.Write(
            terminal, $"'{topic}' is neither a verb nor a group of verbs", $"groups are {string.Join(", ", line.Groups.Select(g => g.Keyword))}; see the verbs: {line.HelpOn("")}");
        return ExitCode.Usage;
    }
}
