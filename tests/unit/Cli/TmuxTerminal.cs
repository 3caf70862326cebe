// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using NUnit.Framework;

namespace UsbHostd.Tests.Cli;

/// <summary>
/// A real terminal with usbhostctl in it: tmux, in its control mode, which says when something was written. Behind usbhostctl it
/// shows its exit code and whether the terminal is as it was.
/// </summary>
internal sealed class TmuxTerminal : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("usbhostd-tmux-");
    private readonly Channel<bool> written = Channel.CreateUnbounded<bool>();
    private readonly Queue<TaskCompletionSource<string>> asked = [];
    private readonly TaskCompletionSource attached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Process tmux;
    private readonly Task reading;

    private TmuxTerminal(string arguments, IReadOnlyDictionary<string, string> environment)
    {
        var script = Path.Combine(folder.FullName, "run.sh");
        File.WriteAllText(script, $"""
            sh -c 'echo $$ >{PidFile}; exec {Programs.Client} {arguments}'
            echo "left with $?, $(stty -a | grep -oE -- '-?(icanon|echo|opost)\b' | tr '\n' ' ')"
            exec cat

            """);
        var start = new ProcessStartInfo("tmux", ["-S", Path.Combine(folder.FullName, "s"), "-f", "/dev/null", "-u", "-C", "new-session", "-x", "100", "-y", "24", "sh", script])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        start.Environment.Remove("TMUX");
        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment[Programs.Runtime.Name] = Programs.Runtime.Value;
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        tmux = Process.Start(start)!;
        reading = ReadAsync();
    }

    private string PidFile => Path.Combine(folder.FullName, "pid");

    public static async Task<TmuxTerminal> StartAsync(string arguments, params (string Name, string Value)[] environment)
    {
        var terminal = new TmuxTerminal(arguments, environment.ToDictionary(e => e.Name, e => e.Value, StringComparer.Ordinal));

        // A command before that has no client to be about.
        await terminal.attached.Task.WaitAsync(Patience);
        await terminal.ResizeAsync(100, 24);
        return terminal;
    }

    public Task ResizeAsync(int columns, int rows) => AskAsync(string.Create(CultureInfo.InvariantCulture, $"refresh-client -C {columns}x{rows}"));

    public Task TypeAsync(string text) => AskAsync($"send-keys -l \"{text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"");

    /// <param name="keys">As tmux names them: Enter, Tab, Up, C-c.</param>
    public Task PressAsync(params string[] keys) => AskAsync("send-keys " + string.Join(' ', keys));

    public async Task EnterAsync(string line)
    {
        await TypeAsync(line);
        await PressAsync("Enter");
    }

    /// <summary>The screen once it is as wanted.</summary>
    public async Task<string> UntilAsync(Func<string, bool> isThere)
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (true)
        {
            var screen = await ScreenAsync();
            if (isThere(screen))
            {
                return screen;
            }

            try
            {
                await written.Reader.ReadAsync(deadline.Token);
                while (written.Reader.TryRead(out _))
                {
                }
            }
            catch (OperationCanceledException)
            {
                Assert.Fail("the terminal shows:\n" + screen);
            }
        }
    }

    public Task<string> UntilAsync(string text) => UntilAsync(screen => screen.Contains(text, StringComparison.Ordinal));

    /// <summary>The lines of the screen, those below the last that has something on it left out.</summary>
    public async Task<string> ScreenAsync() => (await AskAsync("capture-pane -p")).TrimEnd('\n');

    /// <summary>What tmux knows of the terminal: <c>#{alternate_on}</c>, <c>#{cursor_flag}</c>.</summary>
    public Task<string> StateAsync(string format) => AskAsync($"display-message -p \"{format}\"");

    /// <param name="signal">As kill(1) names it: TERM.</param>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", ["-" + signal, (await File.ReadAllTextAsync(PidFile)).Trim()]);
        await kill.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await tmux.StandardInput.WriteLineAsync("kill-server");
        await tmux.StandardInput.FlushAsync();
        await reading.WaitAsync(Patience);
        await tmux.WaitForExitAsync();
        tmux.Dispose();
        folder.Delete(recursive: true);
    }

    private async Task<string> AskAsync(string command)
    {
        var answer = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (asked)
        {
            asked.Enqueue(answer);
        }

        await tmux.StandardInput.WriteLineAsync(command);
        await tmux.StandardInput.FlushAsync();
        return await answer.Task.WaitAsync(Patience);
    }

    // Blocks of %begin ... %end are answers; the last number of a block's head is 1 where it was asked for here (tmux(1), CONTROL MODE).
    private async Task ReadAsync()
    {
        List<string>? answer = null;
        while (await tmux.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("%begin ", StringComparison.Ordinal))
            {
                answer = [];
            }
            else if (line.StartsWith("%end ", StringComparison.Ordinal) || line.StartsWith("%error ", StringComparison.Ordinal))
            {
                Answer(line, string.Join('\n', answer ?? []));
                answer = null;
            }
            else if (answer is not null)
            {
                answer.Add(line);
            }
            else if (line.StartsWith("%session-changed ", StringComparison.Ordinal))
            {
                attached.TrySetResult();
            }
            else if (line.StartsWith("%output ", StringComparison.Ordinal))
            {
                written.Writer.TryWrite(true);
            }
        }
    }

    private void Answer(string head, string text)
    {
        if (!head.EndsWith(" 1", StringComparison.Ordinal))
        {
            return;
        }

        TaskCompletionSource<string>? answer;
        lock (asked)
        {
            // Nobody waits for what the end of the server says.
            if (!asked.TryDequeue(out answer))
            {
                return;
            }
        }

        if (head[1] == 'e' && head[2] == 'r')
        {
            answer.SetException(new InvalidOperationException("tmux: " + text));
        }
        else
        {
            answer.SetResult(text);
        }
    }
}
