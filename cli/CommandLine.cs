using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Help;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Cli.Rules;

namespace UsbHostd.Cli;

/// <summary>The command tree, and the way from a command line to an exit code.</summary>
internal sealed class CommandLine
{
    /// <summary>The address to use where --connect is not given.</summary>
    public const string ConnectVariable = "USBHOSTD_CONNECT";

    /// <summary>What a shell reports for a program that SIGINT ended.</summary>
    private const int Interrupted = 130;

    /// <summary>EPIPE, which .NET keeps in HResult: whoever read the output has had enough.</summary>
    private const int BrokenPipe = 32;

    private readonly CliTerminal terminal;

    private readonly Option<string?> connect = new("--connect")
    {
        Description = $"Address of the daemon, {UsbHostAddress.Default} unless {ConnectVariable} says otherwise",
        HelpName = "ADDRESS",
        Recursive = true,
    };

    private readonly Option<bool> json = new("--json")
    {
        Description = "Write JSON, one document a line, by the names of the API's contract",
        Recursive = true,
    };

    private readonly TlsFileOptions tls = new();

    public CommandLine(CliTerminal terminal)
    {
        this.terminal = terminal;
        Groups =
        [
            new("Devices", [DeviceVerbs.List(this), DeviceVerbs.Info(this), DeviceVerbs.Label(this), DeviceVerbs.TrustSerial(this), DeviceVerbs.Statistics(this)]),
            new("Claims",
            [
                AttachVerb.Create(this), ClaimVerbs.Detach(this), ClaimVerbs.List(this), ClaimVerbs.Info(this), ClaimVerbs.Release(this),
                ClaimVerbs.Retry(this),
            ]),
            new("Guests", [GuestVerbs.List(this), GuestVerbs.Info(this), GuestVerbs.Start(this)]),
            new("Policy", [PolicyVerbs.Show(this), PolicyVerbs.Explain(this), PolicyVerbs.Reload(this), PolicyVerbs.Generate(this)]),
            new("Policy, without a daemon",
            [
                PolicyCheckVerb.Create(this), PolicyTestVerb.Create(this), PolicyImportVerb.Create(this), PolicyExportVerb.Create(this),
            ]),
            new("Other", [EventVerb.Create(this), DaemonVerbs.Version(this), DaemonVerbs.Health(this), Completion.Create(this)]),
        ];
        Root = new RootCommand("Gives USB devices of this host to libvirt guests, and keeps them there") { connect, json };
        tls.AddTo(Root);
        foreach (var verb in Groups.SelectMany(group => group.Verbs))
        {
            Root.Add(verb);
            foreach (var argument in verb.Arguments)
            {
                Completion.Attach(argument, parsed => UsbHostClient.Connect(Address(parsed), tls.Credentials(parsed, terminal)));
            }
        }

        if (Root.Options.OfType<HelpOption>().FirstOrDefault() is { Action: HelpAction help } option)
        {
            help.MaxWidth = terminal.Width ?? int.MaxValue;
            option.Action = new HelpWithExitCodes(help, Groups);
        }
    }

    public RootCommand Root { get; }

    /// <summary>The verbs as help shows them.</summary>
    public ImmutableArray<VerbGroup> Groups { get; }

    /// <summary>A device on the command line; the daemon decides what it means.</summary>
    public static Argument<string> Device() => new("DEVICE")
    {
        Description = "id:…, port:1-4.2, serial:…, usb:0951:1666, or a value that can mean one device only",
    };

    public static Argument<string> Guest() => new("GUEST") { Description = "Name or UUID of a guest" };

    public static Argument<string> Claim() => new("CLAIM") { Description = "Id of a claim, as claim-list shows it" };

    public async Task<int> RunAsync(string[] args)
    {
        var parsed = Root.Parse(args);
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpWithExitCodes)
        {
            var verb = parsed.CommandResult.Command is RootCommand ? "" : " " + parsed.CommandResult.Command.Name;
            ErrorReport.Write(terminal, parsed.Errors[0].Message, $"usbhostctl{verb} --help");
            return (int)ExitCode.Usage;
        }

        try
        {
            var exit = await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = terminal.Out,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
            });
            await terminal.Out.FlushAsync();
            return exit;
        }
        catch (IOException failure)
        {
            // The connection's own failures are told by then: this is the output.
            if (failure.HResult != BrokenPipe)
            {
                ErrorReport.Write(terminal, "can't write the output: " + failure.Message, "");
            }

            return (int)ExitCode.Other;
        }
    }

    /// <summary>Makes the body the command's action: with a client, and with failures told and turned into exit codes.</summary>
    public Command Verb(Command command, Func<Session, ParseResult, CancellationToken, Task<ExitCode>> body)
    {
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var isJson = parsed.GetValue(json);
            try
            {
                using var client = UsbHostClient.Connect(Address(parsed), tls.Credentials(parsed, terminal));
                return (int)await body(new Session(client, terminal, isJson), parsed, cancellationToken);
            }
            catch (UsbHostException failure)
            {
                ErrorReport.Write(terminal, isJson, failure);
                return (int)(failure.Code == ErrorCode.Unspecified && failure.Detail.Claim is { } claim
                    ? ErrorCodes.OfReason(claim.Reason)
                    : ErrorCodes.Of(failure.Code).Exit);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return Interrupted;
            }
        });
        return command;
    }

    /// <summary>Makes the body the command's action: one that needs no daemon, and loads nothing of what asks one.</summary>
    public Command OfflineVerb(Command command, Func<CliTerminal, ParseResult, ExitCode> body)
    {
        WithoutJson(command);
        command.SetAction(parsed => (int)body(terminal, parsed));
        return command;
    }

    /// <summary>Refuses --json: what the command writes is no message of the contract.</summary>
    public void WithoutJson(Command command) => command.Validators.Add(result =>
    {
        if (result.GetValue(json))
        {
            result.AddError($"{command.Name} writes no JSON");
        }
    });

    private string Address(ParseResult parsed) =>
        parsed.GetValue(connect)
        ?? (terminal.Environment(ConnectVariable) is { Length: > 0 } variable ? variable : UsbHostAddress.Default);
}

/// <param name="Name">A heading.</param>
internal sealed record VerbGroup(string Name, ImmutableArray<Command> Verbs);
