using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace UsbHostd.Cli;

/// <summary>The usual help, but with the verbs by groups, and below it what the exit codes mean.</summary>
internal sealed class HelpWithExitCodes(HelpAction help, ImmutableArray<VerbGroup> groups) : SynchronousCommandLineAction
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

    public override int Invoke(ParseResult parseResult)
    {
        var output = parseResult.InvocationConfiguration.Output;
        if (parseResult.CommandResult.Command is RootCommand root)
        {
            WriteVerbs(output, root);
        }
        else
        {
            help.Invoke(parseResult);
        }

        output.WriteLine(Epilogue);
        return 0;
    }

    private void WriteVerbs(TextWriter output, RootCommand root)
    {
        output.WriteLine($"{root.Description}\n\nUsage:\n  usbhostctl [OPTION...] VERB [ARGUMENT...]\n  usbhostctl VERB --help\n");
        List<(string Name, string Text)> options = [.. root.Options.Select(option => (NameOf(option), option.Description ?? ""))];
        var width = groups.SelectMany(group => group.Verbs).Select(verb => verb.Name).Concat(options.Select(o => o.Name)).Max(name => name.Length);
        Write("Options", options);
        foreach (var (name, verbs) in groups)
        {
            Write(name, verbs.Select(verb => (verb.Name, verb.Description ?? "")));
        }

        void Write(string heading, IEnumerable<(string Name, string Text)> entries)
        {
            output.WriteLine(heading + ":");
            foreach (var (name, text) in entries)
            {
                output.WriteLine($"  {name.PadRight(width)}  {text}");
            }

            output.WriteLine();
        }
    }

    private static string NameOf(Option option) =>
        string.Join(", ", option.Aliases.Append(option.Name).Where(name => name[0] == '-').OrderBy(name => name.Length))
        + (option.HelpName is { } value ? " " + value : "");
}
