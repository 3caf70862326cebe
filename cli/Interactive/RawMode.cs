// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace UsbHostd.Cli.Interactive;

/// <summary>
/// The time in which a terminal is not as other programs want it. It ends when disposed, and also with the process, whether a signal
/// ends that (SIGTERM, SIGHUP, SIGINT, SIGQUIT) or an exception that nobody catches.
/// </summary>
internal sealed partial class RawMode : IDisposable
{
    // asm-generic/signal.h.
    private const int SigTstp = 20;

    private readonly Action restore;
    private readonly Action enter;
    private readonly PosixSignalRegistration[] signals;
    private readonly Lock gate = new();
    private bool isEntered;

    /// <param name="restore">Puts the terminal back; called once for each time it was entered, from any thread.</param>
    /// <param name="enter">Takes it; called at once.</param>
    public RawMode(Action restore, Action enter)
    {
        this.restore = restore;
        this.enter = enter;
        signals =
        [
            .. new[] { PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGINT, PosixSignal.SIGQUIT }
                .Select(signal => PosixSignalRegistration.Create(signal, _ => Restore())),
        ];
        AppDomain.CurrentDomain.UnhandledException += Unhandled;
        Enter();
    }

    /// <summary>Does what is only right as long as the terminal is taken: what a signal has put back stays so.</summary>
    public void WhileEntered(Action work)
    {
        lock (gate)
        {
            if (isEntered)
            {
                work();
            }
        }
    }

    /// <summary>Stops the process as Ctrl-Z does, with the terminal as it was; returns when it goes on.</summary>
    public void Suspend()
    {
        Restore();
        _ = Kill(0, SigTstp);
        Enter();
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.UnhandledException -= Unhandled;
        foreach (var signal in signals)
        {
            signal.Dispose();
        }

        Restore();
    }

    private void Enter()
    {
        lock (gate)
        {
            isEntered = true;
            enter();
        }
    }

    private void Restore() => WhileEntered(() =>
    {
        isEntered = false;
        restore();
    });

    private void Unhandled(object sender, UnhandledExceptionEventArgs failure) => Restore();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
