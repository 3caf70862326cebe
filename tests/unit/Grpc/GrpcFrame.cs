// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Buffers.Binary;
using Google.Protobuf;
using Grpc.Core;

namespace UsbHostd.Tests.Grpc;

/// <summary>One message on the wire: a byte that says whether it is compressed, its length as 32 bits big-endian, and its bytes.</summary>
internal static class GrpcFrame
{
    /// <summary>Bytes before the message.</summary>
    internal const int PrefixLength = 5;

    private const int FirstBuffer = 4096;

    /// <summary>One frame in an array of its own.</summary>
    public static byte[] ToArray(IMessage message)
    {
        var length = message.CalculateSize();
        var frame = new byte[PrefixLength + length];
        WritePrefix(frame, length);
        message.WriteTo(frame.AsSpan(PrefixLength));
        return frame;
    }

    /// <summary>
    /// Reads one message; null where the stream ends before a frame begins. Memory grows with what has arrived, not with the length
    /// that the frame announces.
    /// </summary>
    /// <param name="limit">Bytes; a longer message is refused before it is read.</param>
    /// <exception cref="GrpcException">
    /// The frame is compressed (Unimplemented), too long (ResourceExhausted), cut short (Internal) or no such message (InvalidArgument).
    /// </exception>
    public static async ValueTask<T?> ReadAsync<T>(
        Stream stream, MessageParser<T> parser, int limit, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        var buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
        try
        {
            var got = await stream.ReadAtLeastAsync(
                buffer.AsMemory(0, PrefixLength), PrefixLength, throwOnEndOfStream: false, cancellationToken);
            if (got == 0)
            {
                return null;
            }

            var length = LengthOf(buffer.AsSpan(0, got), limit);
            var filled = 0;
            while (filled < length)
            {
                if (filled == buffer.Length)
                {
                    Grow(ref buffer);
                }

                var wanted = Math.Min(length, buffer.Length) - filled;
                var read = await stream.ReadAtLeastAsync(
                    buffer.AsMemory(filled, wanted), wanted, throwOnEndOfStream: false, cancellationToken);
                if (read < wanted)
                {
                    throw new GrpcException(StatusCode.Internal, $"a message of {length} bytes ended after {filled + read}");
                }

                filled += read;
            }

            return Parse(parser, buffer.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void WritePrefix(Span<byte> prefix, int length)
    {
        prefix[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(prefix[1..], length);
    }

    private static int LengthOf(ReadOnlySpan<byte> prefix, int limit)
    {
        if (prefix.Length < PrefixLength)
        {
            throw new GrpcException(StatusCode.Internal, $"a frame ended within its {PrefixLength}-byte prefix");
        }

        if (prefix[0] != 0)
        {
            throw new GrpcException(StatusCode.Unimplemented, "compressed messages are not supported");
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        return length <= (uint)limit
            ? (int)length
            : throw new GrpcException(StatusCode.ResourceExhausted, $"a message of {length} bytes is longer than {limit}");
    }

    private static void Grow(ref byte[] buffer)
    {
        var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }

    private static T Parse<T>(MessageParser<T> parser, ReadOnlySpan<byte> bytes)
        where T : class, IMessage<T>
    {
        try
        {
            return parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException broken)
        {
            throw new GrpcException(StatusCode.InvalidArgument, "the message can't be read: " + broken.Message, broken);
        }
    }
}
