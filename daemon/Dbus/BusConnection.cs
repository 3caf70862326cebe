using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UsbHostd.Daemon.Usb;
using static UsbHostd.Daemon.Dbus.NativeSdBus;

namespace UsbHostd.Daemon.Dbus;

/// <summary>
/// One connection to a bus, from its start to its end; it never comes back. A thread of its own blocks in poll(2) and is the only one that
/// uses sd-bus; others leave it work, and may do so at any time. Whatever was asked of it ends: with an answer, or with its end.
/// </summary>
internal sealed unsafe partial class BusConnection : IDisposable
{
    /// <summary>Messages that wait for the socket; while there are more, nothing new is written.</summary>
    private const ulong MostQueued = 256;

    private readonly SdBusHandle bus;
    private readonly IBusHandler handler;
    private readonly SafeFileHandle wake = LibC.EventFd(0, LibC.CloseOnExec | LibC.NonBlocking);
    private readonly ConcurrentQueue<Work> queue = new();
    private readonly Lock gate = new();
    private readonly TaskCompletionSource<Exception?> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<PendingCall> pending = [];
    private readonly HashSet<nint> kept = [];
    private readonly Thread thread;
    private GCHandle self;
    private volatile bool stopping;
    private bool over;

    private BusConnection(SdBusHandle bus, IBusHandler handler)
    {
        this.bus = bus;
        this.handler = handler;
        thread = new Thread(Run) { IsBackground = true, Name = "dbus" };
    }

    private sealed record Work(Action Run, Action<Exception> Fail);

    /// <summary>Done when it is over; with what ended it, or null where it was disposed of.</summary>
    public Task<Exception?> Ended => ended.Task;

    /// <param name="address"><c>unix:path=/run/dbus/system_bus_socket</c>.</param>
    /// <param name="prefix">Calls to this object and those below it go to the handler; null for a client without objects.</param>
    /// <exception cref="BusException">There is no bus.</exception>
    public static BusConnection Open(string address, string? prefix, IBusHandler handler)
    {
        Check(New(out var bus), "making a bus");
        var connection = new BusConnection(bus, handler);
        try
        {
            Check(SetAddress(bus, address), $"the address {address}");
            Check(SetBusClient(bus, 1), "becoming a client of the bus");
            Check(NegotiateFds(bus, 1), "asking for file descriptors");
            connection.self = GCHandle.Alloc(connection);
            var user = GCHandle.ToIntPtr(connection.self);
            Check(AddFilter(bus, 0, &OnFilter, user), "listening to signals");
            if (prefix is not null)
            {
                Check(AddFallback(bus, 0, prefix, &OnFallback, user), $"offering {prefix}");
            }

            Check(NativeSdBus.Start(bus), $"connecting to {address}");
            connection.thread.Start();
            return connection;
        }
        catch
        {
            connection.Free();
            throw;
        }
    }

    /// <summary>Ends it, after what it was left to do; its thread is gone when this returns.</summary>
    public void Dispose()
    {
        stopping = true;
        Wake();
        if (thread.ThreadState.HasFlag(System.Threading.ThreadState.Unstarted) || Thread.CurrentThread == thread)
        {
            return;
        }

        thread.Join();
    }

    /// <summary>Leaves the thread something to do.</summary>
    /// <exception cref="BusException">The connection is over.</exception>
    private Task PostAsync(Action work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(new Work(
            () =>
            {
                work();
                done.TrySetResult();
            },
            e => done.TrySetException(e)));
        return done.Task;
    }

    private void Post(Work work)
    {
        lock (gate)
        {
            if (!over)
            {
                queue.Enqueue(work);
                WakeNow();
                return;
            }
        }

        work.Fail(BusException.Gone());
    }

    private void Wake()
    {
        lock (gate)
        {
            if (!over)
            {
                WakeNow();
            }
        }
    }

    private void WakeNow()
    {
        ulong one = 1;
        _ = LibC.Write(wake, (byte*)&one, sizeof(ulong));
    }

    private void Run()
    {
        Exception? why = null;
        try
        {
            while (true)
            {
                DoWork();
                if (stopping && queue.IsEmpty)
                {
                    break;
                }

                if (Check(Process(bus, 0), "the bus") == 0)
                {
                    Wait();
                }
            }
        }
        catch (BusException e)
        {
            why = e;
        }

        Finish(why);
    }

    private void DoWork()
    {
        while (Check(GetQueuedWrite(bus, out var queued), "the bus") >= 0 && queued < MostQueued && queue.TryDequeue(out var work))
        {
            try
            {
                work.Run();
            }
            catch (Exception e)
            {
                // Its owner is told, and decides what that means.
                work.Fail(e);
            }
        }
    }

    private void Wait()
    {
        var descriptors = stackalloc LibC.PollFd[2];
        descriptors[0] = new LibC.PollFd { Fd = Check(GetFd(bus), "the bus"), Events = (short)Check(GetEvents(bus), "the bus") };
        descriptors[1] = new LibC.PollFd { Fd = (int)wake.DangerousGetHandle(), Events = LibC.PollIn };
        Check(GetTimeout(bus, out var until), "the bus");
        if (LibC.Poll(descriptors, 2, Milliseconds(until)) < 0 && Marshal.GetLastPInvokeError() is var errno and not LibC.Eintr)
        {
            throw BusException.OfErrno(errno, "waiting for the bus");
        }

        ulong count;
        _ = LibC.Read(wake, (byte*)&count, sizeof(ulong));
    }

    /// <summary>Rounded up, so that it is not asked again before the time has come.</summary>
    private static int Milliseconds(ulong until)
    {
        if (until == Forever)
        {
            return -1;
        }

        var now = (ulong)Stopwatch.GetElapsedTime(0).TotalMicroseconds;
        return until <= now ? 0 : (int)Math.Min((until - now + 999) / 1000, int.MaxValue);
    }

    /// <summary>Nothing is left waiting for a connection that is no more.</summary>
    private void Finish(Exception? why)
    {
        lock (gate)
        {
            over = true;
        }

        var gone = why ?? BusException.Gone();
        while (queue.TryDequeue(out var work))
        {
            work.Fail(gone);
        }

        foreach (var call in pending)
        {
            call.Fail(gone);
        }

        foreach (var message in kept)
        {
            _ = Unref(message);
        }

        pending.Clear();
        kept.Clear();
        Free();
        ended.TrySetResult(stopping ? null : gone);
    }

    private void Free()
    {
        if (!bus.IsClosed)
        {
            Close(bus);
            bus.Dispose();
        }

        wake.Dispose();
        if (self.IsAllocated)
        {
            self.Free();
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnFilter(nint message, nint user, nint error)
    {
        var connection = (BusConnection)GCHandle.FromIntPtr(user).Target!;
        _ = NativeSdBus.GetType(message, out var type);
        if (type == 4)
        {
            try
            {
                connection.handler.OnSignal(
                    new SignalHeader(Text(GetSender(message)), Text(GetPath(message)), Text(GetInterface(message)), Text(GetMember(message))), new MessageReader(message));
            }
            catch (BusException)
            {
                // One that is not of its documented form: no business of ours.
            }
        }

        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnFallback(nint message, nint user, nint error)
    {
        var connection = (BusConnection)GCHandle.FromIntPtr(user).Target!;
        _ = Ref(message);
        connection.kept.Add(message);
        connection.handler.OnCall(new IncomingCall(connection, message));
        return 1;
    }
}
