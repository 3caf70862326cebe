using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using static UsbHostd.Daemon.Dbus.NativeSdBus;

namespace UsbHostd.Daemon.Dbus;

/// <summary>What others ask of the connection.</summary>
internal sealed unsafe partial class BusConnection
{
    private static readonly TimeSpan UsualTimeout = TimeSpan.FromSeconds(25);

    /// <summary>Calls a method of somebody else's.</summary>
    /// <param name="write">Writes the arguments; run on the connection's thread.</param>
    /// <param name="read">Reads the answer there.</param>
    /// <param name="patience">How long to wait, 25 s where null; <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.</param>
    /// <exception cref="BusException">It answered with an error, or not at all.</exception>
    public Task<T> CallAsync<T>(
        BusTarget target, string member, Action<MessageWriter> write, Func<MessageReader, T> read, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        var call = new PendingCall<T>(this, read);
        Post(new Work(() => Send(call, target, member, write, patience ?? UsualTimeout), call.Fail));
        return call.Answer.WaitAsync(cancellationToken);
    }

    /// <summary>Sends a signal; done when it is on its way.</summary>
    /// <param name="destination">A unique name; empty for everybody who listens.</param>
    /// <exception cref="BusException">The connection is over.</exception>
    public Task SignalAsync(string destination, string path, string @interface, string member, Action<MessageWriter> write) => PostAsync(() =>
    {
        Check(NewSignal(bus, out var message, path, @interface, member), "making a signal");
        using (message)
        {
            if (destination.Length > 0)
            {
                Check(SetDestination(message, destination), "addressing a signal");
            }

            write(new MessageWriter(message));
            Check(NativeSdBus.Send(bus, message, 0), "sending a signal");
        }
    });

    /// <summary>Answers a call that was kept, and lets go of it.</summary>
    /// <exception cref="BusException">The connection is over, or the answer can't be written.</exception>
    internal Task ReplyAsync(nint call, Action<MessageWriter> write) => PostAsync(() => Reply(call, write));

    internal Task ReplyErrorAsync(nint call, string name, string text) => PostAsync(() => ReplyError(call, name, text));

    /// <summary>Lets go of a call without an answer: whoever asked is gone.</summary>
    internal Task DropAsync(nint call) => PostAsync(() => Release(call));

    /// <summary>On the connection's thread only.</summary>
    internal void ReplyError(nint call, string name, string text)
    {
        if (GetExpectReply(call) > 0)
        {
            fixed (byte* code = Encoding.UTF8.GetBytes(name + '\0'), message = Encoding.UTF8.GetBytes(DbusText.Valid(text) + '\0'))
            {
                Check(NewMethodError(call, out var reply, new BusError { Name = code, Message = message }), "making an error");
                using (reply)
                {
                    Check(NativeSdBus.Send(bus, reply, 0), "sending an error");
                }
            }
        }

        Release(call);
    }

    /// <summary>On the connection's thread only. Keeps the call where it throws: an error can still be its answer.</summary>
    private void Reply(nint call, Action<MessageWriter> write)
    {
        if (GetExpectReply(call) > 0)
        {
            Check(NewMethodReturn(call, out var reply), "making an answer");
            using (reply)
            {
                write(new MessageWriter(reply));
                Check(NativeSdBus.Send(bus, reply, 0), "sending an answer");
            }
        }

        Release(call);
    }

    private void Release(nint call)
    {
        if (kept.Remove(call))
        {
            _ = Unref(call);
        }
    }

    private void Send(PendingCall call, BusTarget target, string member, Action<MessageWriter> write, TimeSpan patience)
    {
        Check(NewMethodCall(bus, out var message, target.Name, target.Path, target.Interface, member), $"making a call of {member}");
        using (message)
        {
            write(new MessageWriter(message));
            var handle = call.Pin();
            var microseconds = patience == Timeout.InfiniteTimeSpan ? Forever : (ulong)patience.TotalMicroseconds;
            if (NativeSdBus.CallAsync(bus, 0, message, &OnAnswer, handle, microseconds) is < 0 and var errno)
            {
                call.Unpin();
                throw BusException.OfErrno(-errno, $"calling {member}");
            }

            pending.Add(call);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnAnswer(nint message, nint user, nint error)
    {
        ((PendingCall)GCHandle.FromIntPtr(user).Target!).Take(message);
        return 1;
    }

    /// <summary>A call of ours that is under way.</summary>
    private abstract class PendingCall(BusConnection connection)
    {
        private GCHandle handle;

        public nint Pin()
        {
            handle = GCHandle.Alloc(this);
            return GCHandle.ToIntPtr(handle);
        }

        public void Unpin()
        {
            if (handle.IsAllocated)
            {
                handle.Free();
            }
        }

        public void Take(nint message)
        {
            connection.pending.Remove(this);
            var error = GetError(message);
            if (error is null || error->Name is null)
            {
                TakeAnswer(new MessageReader(message));
                Unpin();
            }
            else
            {
                Fail(new BusException(Text((nint)error->Name), Text((nint)error->Message)));
            }
        }

        public void Fail(Exception why)
        {
            Unpin();
            TakeFailure(why);
        }

        protected abstract void TakeAnswer(MessageReader body);

        protected abstract void TakeFailure(Exception why);
    }

    private sealed class PendingCall<T>(BusConnection connection, Func<MessageReader, T> read) : PendingCall(connection)
    {
        private readonly TaskCompletionSource<T> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Answer => answer.Task;

        protected override void TakeAnswer(MessageReader body)
        {
            try
            {
                answer.TrySetResult(read(body));
            }
            catch (Exception e) when (e is BusException or FormatException)
            {
                answer.TrySetException(e);
            }
        }

        protected override void TakeFailure(Exception why) => answer.TrySetException(why);
    }
}

/// <summary>An interface of an object of somebody on the bus.</summary>
internal sealed record BusTarget(string Name, string Path, string Interface)
{
    /// <summary>The bus itself.</summary>
    public static BusTarget Bus { get; } = new("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus");
}
