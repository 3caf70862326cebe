// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using System.Threading.Channels;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Cli.Interactive;

namespace UsbHostd.Cli.Monitor;

/// <summary>
/// Waits for keys, for what the daemon tells and for the terminal's size, and draws. One loop changes the model and draws; everything
/// else only writes to its inbox.
/// </summary>
internal sealed class MonitorLoop(UsbHostClient client, Tty tty, MonitorModel model, MonitorScreen screen, TimeProvider time)
{
    private const int PageRows = 10;

    // xterm's private modes (DECSET): 1049 the alternate screen, 25 the cursor, 7 wrapping at the right edge.
    private const string EnterScreen = "\u001b[?1049h\u001b[?25l\u001b[?7l";
    private const string LeaveScreen = "\u001b[?7h\u001b[?25h\u001b[?1049l";

    /// <summary>No more than twenty frames a second, whatever the daemon tells.</summary>
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    // A daemon that tells more than is drawn waits; what it can't keep then ends in a resync.
    private readonly Channel<Action> inbox = Channel.CreateBounded<Action>(1024);

    private bool isLeaving;

    /// <summary>Until somebody quits, or it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var raw = tty.Raw(EnterScreen, LeaveScreen);
        // Ends before the terminal is given back: the next key is for somebody else.
        using var keys = new TtyKeys(tty, key => Post(() => Take(key)));
        using var resized = PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Post(() => { }));
        keys.Start();
        var watching = WatchAsync(ending.Token);
        try
        {
            Draw(raw);
            while (!isLeaving && await inbox.Reader.WaitToReadAsync(ending.Token))
            {
                await Task.Delay(Frame, time, ending.Token);
                while (inbox.Reader.TryRead(out var happened))
                {
                    happened();
                }

                Draw(raw);
            }
        }
        finally
        {
            await ending.CancelAsync();
            await watching;
        }
    }

    // A full inbox means that there is a frame to come anyway; a key that is lost in it can be pressed again.
    private void Post(Action happened) => inbox.Writer.TryWrite(happened);

    private void Draw(RawMode raw)
    {
        var (columns, rows) = tty.Size;
        var frame = screen.Frame(model, columns, rows);
        raw.WhileEntered(() => tty.Write(frame));
    }

    private void Take(Key key)
    {
        switch (key.Kind)
        {
            case KeyKind.Up: screen.Move(-1); break;
            case KeyKind.Down: screen.Move(1); break;
            case KeyKind.PageUp: screen.Move(-PageRows); break;
            case KeyKind.PageDown: screen.Move(PageRows); break;
            case KeyKind.Home: screen.Move(-int.MaxValue / 2); break;
            case KeyKind.End: screen.Move(int.MaxValue / 2); break;
            case KeyKind.Text when key.Rune.Value == 'k': screen.Move(-1); break;
            case KeyKind.Text when key.Rune.Value == 'j': screen.Move(1); break;
            case KeyKind.Text when key.Rune.Value == 's': screen.SortDifferently(); break;
            case KeyKind.Text when key.Rune.Value == 'q': isLeaving = true; break;
            case KeyKind.Cancel or KeyKind.EndOfInput: isLeaving = true; break;
        }
    }

    /// <summary>Watches, and again when the daemon went away; ends when cancelled.</summary>
    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        var pause = ShortestPause;
        try
        {
            while (true)
            {
                var failure = "usbhostd ended the watch";
                try
                {
                    var version = await client.GetVersionAsync(new GetVersionRequest(), cancellationToken);
                    await inbox.Writer.WriteAsync(() => (model.Version, model.Failure) = (version.Daemon, ""), cancellationToken);
                    await inbox.Writer.WriteAsync(model.Begin, cancellationToken);
                    await foreach (var change in client.WatchAsync(new WatchRequest(), cancellationToken))
                    {
                        pause = ShortestPause;
                        await inbox.Writer.WriteAsync(() => model.Take(change), cancellationToken);
                    }
                }
                catch (UsbHostException lost)
                {
                    failure = lost.Message;
                }

                await inbox.Writer.WriteAsync(() => model.Failure = failure, cancellationToken);
                await Task.Delay(pause, time, cancellationToken);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // That is how it ends.
        }
    }
}
