// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace UsbHostd.Cli;

/// <summary>What help shows: the verbs by groups, and what the exit codes mean.</summary>
internal static class HelpText
{
    private const string Epilogue = """
        Exit codes:
           0  done
           1  an error that has no number of its own
           2  the command line, or a value in it, is wrong
           3  no such device, guest or claim
           4  more than one device matches
           5  not permitted, or not allowed by the policy
           6  another guest, or somebody else's attachment, has the device
           7  the host uses the device, or it is a hub
           8  the guest can't take it: controller, port, speed, mode or state
           9  usbhostd or libvirt can't be reached
          10  the time allowed is over
          11  the daemon's database can't take more
          12  the claim stands, but is held or failed, or has ended
        """;

    public static void WriteExitCodes(TextWriter output) => output.WriteLine(Epilogue);

    public static void WriteVerbs(TextWriter output, RootCommand root, ImmutableArray<VerbGroup> groups, bool isShell)
    {
        output.WriteLine(isShell
            ? "  VERB [ARGUMENT...] [OPTION...]\n  help VERB\n  help GROUP\n"
            : $"{root.Description}\n\nUsage:\n  usbhostctl [OPTION...] VERB [ARGUMENT...]\n  usbhostctl VERB --help\n  usbhostctl [OPTION...]     a shell\n");
        List<(string Name, string Text)> options = [.. root.Options.Select(option => (NameOf(option), option.Description ?? ""))];
        var width = groups.SelectMany(group => group.Verbs).Select(verb => verb.Name).Concat(options.Select(o => o.Name)).Max(name => name.Length);
        Write(output, "Options", options, width);
        foreach (var group in groups)
        {
            WriteGroup(output, group, width);
        }
    }

    public static void WriteGroup(TextWriter output, VerbGroup group, int width = 0) => Write(
        output, $"{group.Name} (help {group.Keyword})", [.. group.Verbs.Select(verb => (verb.Name, verb.Description ?? ""))],
        Math.Max(width, group.Verbs.Max(verb => verb.Name.Length)));

    private static void Write(TextWriter output, string heading, List<(string Name, string Text)> entries, int width)
    {
        output.WriteLine(heading + ":");
        foreach (var (name, text) in entries)
        {
            output.WriteLine($"  {name.PadRight(width)}  {text}");
        }

        output.WriteLine();
    }

    private static string NameOf(Option option) =>
        string.Join(", ", option.Aliases.Append(option.Name).Where(name => name[0] == '-').OrderBy(name => name.Length))
        + (option.HelpName is { } value ? " " + value : "");
}

/// <summary>The usual help of a command, with ours for the whole program, and below it what the exit codes mean.</summary>
internal sealed class HelpWithExitCodes(HelpAction help, CommandLine line) : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        var output = parseResult.InvocationConfiguration.Output;
        if (parseResult.CommandResult.Command is RootCommand root)
        {
            HelpText.WriteVerbs(output, root, line.Groups, line.IsShell);
        }
        else
        {
            help.Invoke(parseResult);
        }

        HelpText.WriteExitCodes(output);
        return 0;
    }
}
