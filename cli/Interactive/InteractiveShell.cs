// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using System.Text;
using UsbHostd.Api;

namespace UsbHostd.Cli.Interactive;

/// <summary>
/// One command after the other over one connection. At a terminal, after the manner of virsh, until quit, Ctrl-D or a signal; else each line
/// of the standard input until one fails, as "sh -e" does.
/// </summary>
internal sealed class InteractiveShell(CliTerminal terminal, ShellState state)
{
    private const string Program = "usbhostctl";
    private const int EndedBySignal = 128;
    private const int SigTerm = 15;

    private bool isAtPrompt;
    private bool isTerminated;

    public async Task<int> RunAsync()
    {
        if (terminal.Tty is not { } tty)
        {
            return await RunScriptAsync();
        }

        // A command's own way with Ctrl-C is all there shall be of it; at the prompt it is but a key.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        await terminal.Out.WriteLineAsync("'help' lists the verbs, 'quit' leaves.\n");
        var read = Prompt(tty);
        while (!state.IsLeaving && read() is { } line)
        {
            if (await RunLineAsync(line) == CommandLine.Interrupted)
            {
                await terminal.Out.WriteLineAsync();
            }

            await terminal.Out.FlushAsync();
        }

        return isTerminated ? EndedBySignal + SigTerm : (int)ExitCode.Ok;
    }

    /// <summary>The words that the last one of a line may become.</summary>
    internal Completions Complete(string before)
    {
        var line = ShellLine.Parse(before);
        return new Completions(
            line.BegunAt, line.Begun[^1],
            line.IsComment ? [] : [.. Completion.Of(new CommandLine(terminal, state).Root, line.Begun)]);
    }

    private void End(PosixSignalContext signal)
    {
        (isTerminated, state.IsLeaving) = (true, true);
        // A command has been told, and is to end in order; at the prompt nothing is there to be ended.
        signal.Cancel = !isAtPrompt;
    }

    /// <summary>A line at a time; null at the end.</summary>
    private Func<string?> Prompt(Tty tty)
    {
        var prompt = Environment.IsPrivilegedProcess ? "usbhostd # " : "usbhostd > ";
        if (terminal.IsDumb)
        {
            var input = terminal.OpenInput();
            return () =>
            {
                terminal.Out.Write(prompt);
                terminal.Out.Flush();
                return ReadLine(input);
            };
        }

        var history = History.Load(History.PathOf(terminal.Environment));
        var typed = new byte[1];
        RawMode? raw = null;
        var editor = new LineEditor(
            new KeyReader(() => tty.Read(typed) == 1 ? typed[0] : -1), terminal.Out, () => tty.Size.Columns, history, Complete, () => raw?.Suspend());
        return () =>
        {
            using (raw = tty.Raw())
            {
                isAtPrompt = true;
                var line = editor.Read(prompt);
                isAtPrompt = false;
                history.Add(line ?? "");
                return line;
            }
        };
    }

    private async Task<int> RunScriptAsync()
    {
        await using var input = terminal.OpenInput();
        var number = 0;
        while (!state.IsLeaving && ReadLine(input) is { } line)
        {
            number++;
            var exit = await RunLineAsync(line);
            await terminal.Out.FlushAsync();
            if (exit != (int)ExitCode.Ok)
            {
                if (!state.IsJson)
                {
                    await terminal.Error.WriteLineAsync($"stopped at line {number}: {TerminalText.Escape(line)}");
                }

                return exit;
            }
        }

        return (int)ExitCode.Ok;
    }

    /// <returns>The exit code of the first command that fails, behind which no other is run.</returns>
    private async Task<int> RunLineAsync(string text)
    {
        var line = ShellLine.Parse(text);
        if (line.IsOpen)
        {
            ErrorReport.Write(terminal, "a quote has no end", "close it, or write a backslash before it");
            return (int)ExitCode.Usage;
        }

        foreach (var command in line.Commands)
        {
            // Hints name the program, and people copy them.
            var words = command[0] == Program ? command[1..] : command;
            var current = terminal.Width is null ? terminal : terminal with { Width = CliTerminal.WidthNow() };
            var exit = await new CommandLine(current, state).RunAsync(words);
            if (exit != (int)ExitCode.Ok || state.IsLeaving)
            {
                return exit;
            }
        }

        return (int)ExitCode.Ok;
    }

    /// <summary>Reads no byte more than the line: what follows may be a command's own input.</summary>
    private static string? ReadLine(Stream input)
    {
        var bytes = new List<byte>();
        for (var c = input.ReadByte(); c != '\n'; c = input.ReadByte())
        {
            if (c < 0)
            {
                return bytes.Count > 0 ? Encoding.UTF8.GetString([.. bytes]) : null;
            }

            bytes.Add((byte)c);
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }
}
