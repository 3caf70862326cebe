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
    private int _stop;

    private LibvirtEventLoop(int wakeTimer)
    {
        _wakeTimer = wakeTimer;
        _thread = new Thread(Run) { IsBackground = true, Name = "libvirt-events" };
    }

    /// <summary>Starts the loop of this process.</summary>
    /// <returns>The running loop, to be disposed by the caller, which stops it.</returns>
    /// <exception cref="InvalidOperationException">A loop is already running; libvirt allows one.</exception>
    /// <exception cref="DllNotFoundException">The library isn't installed.</exception>
    /// <exception cref="LibvirtException">libvirt could not be initialised.</exception>
    public static LibvirtEventLoop Start()
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

        var loop = new LibvirtEventLoop(timer);
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
        // A failing turn would fail again at once: ending beats spinning, and IsRunning tells.
        while (Volatile.Read(ref _stop) == 0 && NativeLibvirt.virEventRunDefaultImpl() >= 0)
        {
        }

        _ = NativeLibvirt.virEventRemoveTimeout(_wakeTimer);
        Volatile.Write(ref s_running, 0);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void IgnoreTimeout(int timer, nint opaque)
    {
    }
}
