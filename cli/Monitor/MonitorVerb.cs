// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli.Monitor;

/// <summary>monitor: what is plugged in, claimed and attached, as it changes, on the whole terminal.</summary>
internal static class MonitorVerb
{
    public static Command Create(CommandLine line)
    {
        var command = line.Verb(
            new Command("monitor", "Show devices, claims and guests as they change, on the whole terminal"),
            (session, parsed, cancellationToken) => RunAsync(session, line.Address(parsed), cancellationToken));
        line.WithoutJson(command);
        return command;
    }

    private static async Task<ExitCode> RunAsync(Session session, string address, CancellationToken cancellationToken)
    {
        if (session.Terminal is not { Tty: { } tty } || session.Terminal.IsDumb)
        {
            ErrorReport.Write(
                session.Terminal, "monitor needs a terminal that can place the cursor",
                "see what there is: usbhostctl claim-list; or what changes: usbhostctl event --loop");
            return ExitCode.Usage;
        }

        // Who can't get in at all is told so as by any other verb.
        var version = await session.Client.GetVersionAsync(new GetVersionRequest(), cancellationToken);
        session.Flush();
        var model = new MonitorModel { Version = version.Daemon };
        var screen = new MonitorScreen(address, session.Terminal.IsColored);
        await new MonitorLoop(session.Client, tty, model, screen, TimeProvider.System).RunAsync(cancellationToken);
        return ExitCode.Ok;
    }
}
