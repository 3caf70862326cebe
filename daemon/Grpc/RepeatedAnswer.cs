using Google.Protobuf;
using Grpc.Core;

namespace UsbHostd.Daemon.Grpc;

/// <summary>The bytes of an answer that many callers get, the same object, until another one is given.</summary>
internal sealed class RepeatedAnswer<T>
    where T : class
{
    /// <summary>A longer answer is not kept, for who asks that often on such a host had better watch.</summary>
    private const int MostBytes = 1 << 20;

    private Known? last;

    /// <summary>Writes answers, and reads none.</summary>
    public Marshaller<T> Marshaller => new(
        (answer, context) => context.Complete(Bytes(answer)), _ => throw new NotSupportedException("a server reads no answers"));

    /// <summary>Safe for several threads. The answer must not change any more.</summary>
    public byte[] Bytes(T answer)
    {
        var known = Volatile.Read(ref last);
        if (known is not null && known.Answer.TryGetTarget(out var same) && ReferenceEquals(same, answer))
        {
            return known.Bytes;
        }

        var bytes = ((IMessage)answer).ToByteArray();
        Volatile.Write(ref last, bytes.Length <= MostBytes ? new Known(new WeakReference<T>(answer), bytes) : null);
        return bytes;
    }

    private sealed record Known(WeakReference<T> Answer, byte[] Bytes);
}
