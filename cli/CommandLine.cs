// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Help;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Cli.Interactive;
using UsbHostd.Cli.Monitor;
using UsbHostd.Cli.Rules;

namespace UsbHostd.Cli;

/// <summary>The command tree, and the way from a command line to an exit code.</summary>
internal sealed class CommandLine
{
    /// <summary>The address to use where --connect is not given.</summary>
    public const string ConnectVariable = "USBHOSTD_CONNECT";

    /// <summary>What a shell reports for a program that SIGINT ended.</summary>
    public const int Interrupted = 130;

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

    private readonly Option<string?> color = new Option<string?>("--color")
    {
        Description = "Whether to show colours; auto, the default, is on a terminal only",
        HelpName = "auto|always|never",
        Recursive = true,
    }.OneOf("auto", "always", "never");

    private readonly TlsFileOptions tls = new();
    private readonly ShellState? shell;
    private readonly Connection connection;
    private bool isShellWanted;

    /// <param name="shell">Of the shell in which this is one line; null for the command line of a process.</param>
    public CommandLine(CliTerminal terminal, ShellState? shell = null)
    {
        this.terminal = terminal;
        this.shell = shell;
        connection = shell?.Connection ?? new Connection();
        Groups = GroupsOf();
        Root = new RootCommand("Gives USB devices of this host to libvirt guests, and keeps them there") { connect, json, color };
        tls.AddTo(Root);
        Root.SetAction(_ => { isShellWanted = shell is null; });
        foreach (var verb in Groups.SelectMany(group => group.Verbs))
        {
            Root.Add(verb);
            foreach (var argument in verb.Arguments)
            {
                Completion.Attach(argument, Client);
            }
        }

        if (Root.Options.OfType<HelpOption>().FirstOrDefault() is { Action: HelpAction help } option)
        {
            help.MaxWidth = terminal.Width ?? int.MaxValue;
            option.Action = new HelpWithExitCodes(help, this);
        }
    }

    public RootCommand Root { get; }

    /// <summary>The verbs as help shows them.</summary>
    public ImmutableArray<VerbGroup> Groups { get; }

    public bool IsShell => shell is not null;

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
            var verb = parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name;
            ErrorReport.Write(terminal, parsed.Errors[0].Message, HelpOn(verb));
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
            // Not from within the invocation, which has its own way with signals.
            exit = isShellWanted ? await RunShellAsync(parsed) : exit;
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
        finally
        {
            if (shell is null)
            {
                connection.Dispose();
            }
        }
    }

    /// <summary>What to type for help on a verb; on all of them where none is named.</summary>
    public string HelpOn(string verb) => IsShell ? $"help {verb}".TrimEnd() : verb.Length > 0 ? $"usbhostctl {verb} --help" : "usbhostctl --help";

    /// <summary>Makes the body the command's action: with a client, and with failures told and turned into exit codes.</summary>
    public Command Verb(Command command, Func<Session, ParseResult, CancellationToken, Task<ExitCode>> body)
    {
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed, isJson => body(new Session(Client(parsed), terminal.Colored(parsed.GetValue(color)), isJson), parsed, cancellationToken), cancellationToken));
        return command;
    }

    /// <summary>As <see cref="Verb"/>, but for a body that makes its own client.</summary>
    public Command DaemonlessVerb(Command command, Func<CliTerminal, ParseResult, CancellationToken, Task<ExitCode>> body)
    {
        WithoutJson(command);
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, _ => body(terminal, parsed, cancellationToken), cancellationToken));
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

    /// <summary>What the options, or the variables, give for a daemon on TCP; else what the shell was started with.</summary>
    public TlsCredentials? Credentials(ParseResult parsed) => tls.Credentials(parsed, terminal) ?? shell?.Tls;

    /// <summary>Where the daemon is: by the option, else the shell, else the variable.</summary>
    public string Address(ParseResult parsed) =>
        parsed.GetValue(connect)
        ?? shell?.Address
        ?? (terminal.Environment(ConnectVariable) is { Length: > 0 } variable ? variable : UsbHostAddress.Default);

    private UsbHostClient Client(ParseResult parsed) => connection.To(Address(parsed), Credentials(parsed));

    private async Task<int> RunAsync(ParseResult parsed, Func<bool, Task<ExitCode>> body, CancellationToken cancellationToken)
    {
        var isJson = parsed.GetValue(json) || shell is { IsJson: true };
        try
        {
            return (int)await body(isJson);
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
    }

    private async Task<int> RunShellAsync(ParseResult parsed)
    {
        using var state = new ShellState { Address = Address(parsed), Tls = Credentials(parsed), IsJson = parsed.GetValue(json) };
        return await new InteractiveShell(terminal.Colored(parsed.GetValue(color)), state).RunAsync();
    }

    private ImmutableArray<VerbGroup> GroupsOf() =>
    [
        new("Devices", "devices", [DeviceVerbs.List(this), DeviceVerbs.Info(this), DeviceVerbs.Label(this), DeviceVerbs.TrustSerial(this), DeviceVerbs.Statistics(this)]),
        new("Claims", "claims",
        [
            AttachVerb.Create(this), ClaimVerbs.Detach(this), ClaimVerbs.List(this), ClaimVerbs.Info(this), ClaimVerbs.Release(this),
            ClaimVerbs.Retry(this),
        ]),
        new("Guests", "guests", [GuestVerbs.List(this), GuestVerbs.Info(this), GuestVerbs.Start(this)]),
        new("Policy", "policy",
        [
            PolicyVerbs.Show(this), PolicyVerbs.Explain(this), PolicyVerbs.Reload(this), PolicyVerbs.Generate(this), AnswerVerbs.List(this),
            AnswerVerbs.Forget(this),
        ]),
        new("Rule files, without a daemon", "rules",
        [
            PolicyCheckVerb.Create(this), PolicyTestVerb.Create(this), PolicyImportVerb.Create(this), PolicyExportVerb.Create(this),
        ]),
        new("Daemon", "daemon", [EventVerb.Create(this), MonitorVerb.Create(this), DaemonVerbs.Version(this), DaemonVerbs.Health(this), DaemonVerbs.Uri(this), AuditVerb.List(this), BackupVerb.Create(this)]),
        new("Shell", "shell",
        [
            HelpVerb.Create(this), Completion.Create(this),
            .. shell is null ? [] : new[] { ShellVerbs.Connect(this, shell), ShellVerbs.Leave(this, shell, "quit"), ShellVerbs.Leave(this, shell, "exit") },
        ]),
    ];
}

/// <param name="Name">A heading.</param>
/// <param name="Keyword">What help is asked for by.</param>
internal sealed record VerbGroup(string Name, string Keyword, ImmutableArray<Command> Verbs);
