// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf;

namespace UsbHostd.Daemon.Grpc;

/// <summary>The bytes of an answer that many callers get, the same object, until another one is given.</summary>
internal sealed class RepeatedAnswer
{
    /// <summary>A longer answer is not kept, for who asks that often on such a host had better watch.</summary>
    private const int MostBytes = 1 << 20;

    private Known? last;

    /// <summary>Safe for several threads. The answer must not change any more.</summary>
    public byte[] Bytes(IMessage answer)
    {
        var known = Volatile.Read(ref last);
        if (known is not null && known.Answer.TryGetTarget(out var same) && ReferenceEquals(same, answer))
        {
            return known.Bytes;
        }

        var bytes = answer.ToByteArray();
        Volatile.Write(ref last, bytes.Length <= MostBytes ? new Known(new WeakReference<IMessage>(answer), bytes) : null);
        return bytes;
    }

    private sealed record Known(WeakReference<IMessage> Answer, byte[] Bytes);
}
