using Google.Protobuf;
using UsbHostd.Api.Grpc;

namespace UsbHostd.Daemon.Grpc;

/// <summary>The frame of an answer that many callers get, the same object, until another one is given.</summary>
internal sealed class RepeatedAnswer<T>
    where T : class, IMessage<T>
{
    /// <summary>Bytes; a longer frame is not kept, for who asks that often on such a host had better watch.</summary>
    private const int MostBytes = 1 << 20;

    private Known? last;

    /// <summary>Safe for several threads. The answer must not change any more.</summary>
    public byte[] Frame(T answer)
    {
        var known = Volatile.Read(ref last);
        if (known is not null && known.Answer.TryGetTarget(out var same) && ReferenceEquals(same, answer))
        {
            return known.Frame;
        }

        var frame = GrpcFrame.ToArray(answer);
        Volatile.Write(ref last, frame.Length <= MostBytes ? new Known(new WeakReference<T>(answer), frame) : null);
        return frame;
    }

    private sealed record Known(WeakReference<T> Answer, byte[] Frame);
}
