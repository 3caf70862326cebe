// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli.Interactive;

/// <summary>connect, quit and exit, which only a shell has.</summary>
internal static class ShellVerbs
{
    public static Command Connect(CommandLine line, ShellState shell)
    {
        var address = new Argument<string?>("ADDRESS")
        {
            Description = $"As for --connect; {UsbHostAddress.Default} where none is said",
            Arity = ArgumentArity.ZeroOrOne,
        };
        return line.DaemonlessVerb(
            new Command("connect", "Ask another daemon from now on") { address },
            async (terminal, parsed, cancellationToken) =>
            {
                var (other, tls) = (parsed.GetValue(address) ?? UsbHostAddress.Default, line.Credentials(parsed));
                // Nobody wants to go on at an address where nobody answers: then all stays as it was.
                using var client = UsbHostClient.Connect(other, tls);
                var version = await client.GetVersionAsync(new GetVersionRequest(), cancellationToken);
                (shell.Address, shell.Tls) = (other, tls);
                await terminal.Out.WriteLineAsync($"connected to usbhostd {TerminalText.Escape(version.Daemon)} at {TerminalText.Escape(other)}");
                return ExitCode.Ok;
            });
    }

    public static Command Leave(CommandLine line, ShellState shell, string name)
    {
        var command = new Command(name, "Leave the shell");
        return line.OfflineVerb(command, (_, _) =>
        {
            shell.IsLeaving = true;
            return ExitCode.Ok;
        });
    }
}
