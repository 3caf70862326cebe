// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli;

/// <summary>Tells why a command failed: a message, a hint, and what there is to choose from.</summary>
internal static class ErrorReport
{
    public static void Write(CliTerminal terminal, bool json, UsbHostException failure)
    {
        if (json)
        {
            terminal.Error.WriteLine(JsonText.Of(failure.Detail));
            return;
        }

        Write(terminal, failure.Message, failure.Hint);
        if (failure.Detail.Candidates.Count > 0)
        {
            var table = new Table(["Id", "Port", "USB id", "Name", "Serial"], 3, 4);
            foreach (var device in failure.Detail.Candidates)
            {
                table.Add("id:" + device.Id, "port:" + device.Port, Words.UsbId(device), Words.Name(device), Words.Serial(device));
            }

            terminal.Error.WriteLine();
            table.Write(terminal.Error, terminal.Width);
        }

        if (failure.Detail.Claim is { } claim)
        {
            terminal.Error.WriteLine(
                $"claim {TerminalText.Escape(claim.Id)} of {TerminalText.Escape(Words.Named(claim))}: guest {Words.Shown(claim.Guest)}, {Words.Phase(claim)}");
        }
    }

    public static void Write(CliTerminal terminal, string message, string hint)
    {
        terminal.Error.WriteLine("error: " + TerminalText.Escape(message));
        if (hint.Length > 0)
        {
            terminal.Error.WriteLine("hint: " + TerminalText.Escape(hint));
        }
    }

    /// <summary>A claim that will not attach by itself, as an error.</summary>
    public static UsbHostException Of(Claim claim) => new(
        new ErrorDetail
        {
            Message = claim.Message.Length > 0 ? claim.Message : $"claim {claim.Id} is {Words.Phase(claim)}",
            Hint = claim.Hint,
            Claim = claim,
            Guest = claim.Guest,
        },
        Grpc.Core.StatusCode.FailedPrecondition);
}
