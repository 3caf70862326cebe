// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace UsbHostd.Libvirt;

/// <summary>
/// The one thread that runs libvirt's default event implementation: events, keepalive and the notice of a lost connection come from it.
/// It sleeps in poll until there is something to do. Source: virEventRunDefaultImpl.
/// </summary>
/// <remarks>
/// Dispose connections before the loop: libvirt gives back the socket of a closed connection in a later turn of the loop.
/// </remarks>
public sealed unsafe class LibvirtEventLoop : IDisposable
{
    private static int s_running;

    private readonly Thread _thread;
    private readonly int _wakeTimer;
    private readonly Func<int> _turn;
    private readonly Action<LibvirtException>? _failed;
    private int _stop;

    private LibvirtEventLoop(int wakeTimer, Func<int> turn, Action<LibvirtException>? failed)
    {
        _wakeTimer = wakeTimer;
        _turn = turn;
        _failed = failed;
        _thread = new Thread(Run) { IsBackground = true, Name = "libvirt-events" };
    }

    /// <summary>Starts the loop of this process.</summary>
    /// <param name="failed">
    /// Called once, on the loop's thread, where it ends by a failure of libvirt: no event and no notice of a lost connection comes any
    /// more, whatever the connections still answer.
    /// </param>
    /// <returns>The running loop, to be disposed by the caller, which stops it.</returns>
    /// <exception cref="InvalidOperationException">A loop is already running; libvirt allows one.</exception>
    /// <exception cref="DllNotFoundException">The library isn't installed.</exception>
    /// <exception cref="LibvirtException">libvirt could not be initialised.</exception>
    public static LibvirtEventLoop Start(Action<LibvirtException>? failed = null) => Start(NativeLibvirt.virEventRunDefaultImpl, failed);

    /// <summary>As <see cref="Start(Action{LibvirtException})"/>, with another turn of the loop.</summary>
    internal static LibvirtEventLoop Start(Func<int> turn, Action<LibvirtException>? failed)
    {
        LibvirtLibrary.Initialize();
        if (Interlocked.Exchange(ref s_running, 1) != 0)
        {
            throw new InvalidOperationException("libvirt's event loop is already running in this process.");
        }

        // A timer that never fires by itself: setting it to 0 ms is what wakes the loop for its end.
        var timer = NativeLibvirt.virEventAddTimeout(-1, &IgnoreTimeout, 0, 0);
        if (timer < 0)
        {
            var failure = LibvirtException.FromLastError("virEventAddTimeout");
            Volatile.Write(ref s_running, 0);
            throw failure;
        }

        var loop = new LibvirtEventLoop(timer, turn, failed);
        loop._thread.Start();
        return loop;
    }

    /// <summary>True until the loop has ended, by <see cref="Dispose"/> or by a failure of libvirt.</summary>
    public bool IsRunning => _thread.IsAlive;

    /// <summary>Stops the loop and waits until its thread has ended; called on that thread itself, it doesn't wait.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _stop, 1) == 0)
        {
            NativeLibvirt.virEventUpdateTimeout(_wakeTimer, 0);
        }

        if (Thread.CurrentThread != _thread)
        {
            _thread.Join();
        }
    }

    private void Run()
    {
        LibvirtException? failure = null;
        while (Volatile.Read(ref _stop) == 0 && failure is null)
        {
            // A failing turn would fail again at once: ending beats spinning.
            failure = _turn() < 0 ? LibvirtException.FromLastError("virEventRunDefaultImpl") : null;
        }

        _ = NativeLibvirt.virEventRemoveTimeout(_wakeTimer);
        Volatile.Write(ref s_running, 0);
        if (failure is not null && Volatile.Read(ref _stop) == 0)
        {
            _failed?.Invoke(failure);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void IgnoreTimeout(int timer, nint opaque)
    {
    }
}
