// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Buffers.Binary;

namespace UsbHostd.Daemon.Grpc.Http2;

/// <summary>
/// What one client sends over HTTP/2 (RFC 9113), with every <c>:authority</c> that is no host replaced by one of the same length. Clients
/// on a unix socket put its path there, raw or percent-encoded, and Kestrel would reset each of their calls.
/// </summary>
/// <remarks>
/// Everything but header blocks passes as it comes. A block is kept until it is whole, and then passes without its padding, in as few
/// frames as it needs: never in more octets than it came in. What doesn't begin with HTTP/2's preface passes as it is.
/// </remarks>
/// <param name="tableCapacity">SETTINGS_HEADER_TABLE_SIZE as the server announces it; what the client announces is for the other direction.</param>
/// <param name="maxBlockBytes">Octets of a header block, as encoded.</param>
internal sealed class AuthorityFilter(int tableCapacity, int maxBlockBytes)
{
    private const int FrameHeaderBytes = 9;
    private const int PriorityBytes = 5;

    /// <summary>SETTINGS_MAX_FRAME_SIZE, which Kestrel leaves at its least.</summary>
    private const int MaxFrameBytes = 1 << 14;

    /// <summary>Frames of one block: without it, empty ones could go on forever.</summary>
    private const int MaxFrames = 32;

    private const byte Headers = 1;
    private const byte Continuation = 9;
    private const byte EndHeaders = 0x04;
    private const byte Padded = 0x08;
    private const byte Priority = 0x20;
    private const uint StreamMask = 0x7fffffff;

    private static readonly byte[] Preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8];

    private readonly HeaderBlockFilter headers = new(tableCapacity);
    private readonly byte[] frame = new byte[FrameHeaderBytes];
    private readonly byte[] priority = new byte[PriorityBytes];

    private bool isHttp2 = true;
    private int prefaceRead;
    private int frameRead;
    private int payloadLeft;

    // The block that is being collected: none while it has no frames.
    private byte[] block = [];
    private int blockLength;
    private int blockFrames;
    private int fragmentAt;
    private byte blockFlags;
    private uint blockStream;

    private bool IsInBlock => blockFrames > 0;

    /// <summary>Takes what came, cut anywhere, and writes what may pass so far.</summary>
    /// <exception cref="InvalidDataException">It can't be read; the connection is to be ended.</exception>
    public void Push(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        input = PassPreface(input, output);
        while (input.Length > 0)
        {
            if (!isHttp2)
            {
                output.Write(input);
                return;
            }

            input = frameRead < FrameHeaderBytes ? TakeFrameHeader(input, output) : TakePayload(input, output);
        }
    }

    private ReadOnlySpan<byte> PassPreface(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        var length = Math.Min(Preface.Length - prefaceRead, input.Length);
        if (length > 0 && isHttp2)
        {
            isHttp2 = input[..length].SequenceEqual(Preface.AsSpan(prefaceRead, length));
            if (isHttp2)
            {
                prefaceRead += length;
                output.Write(input[..length]);
                return input[length..];
            }
        }

        return input;
    }

    private ReadOnlySpan<byte> TakeFrameHeader(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        var length = Math.Min(FrameHeaderBytes - frameRead, input.Length);
        input[..length].CopyTo(frame.AsSpan(frameRead));
        frameRead += length;
        if (frameRead == FrameHeaderBytes)
        {
            payloadLeft = (frame[0] << 16) | (frame[1] << 8) | frame[2];
            if (frame[3] is Headers or Continuation || IsInBlock)
            {
                BeginFragment();
            }
            else
            {
                output.Write(frame);
            }

            EndFrameIfWhole(output);
        }

        return input[length..];
    }

    private ReadOnlySpan<byte> TakePayload(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        var length = Math.Min(payloadLeft, input.Length);
        if (IsInBlock)
        {
            input[..length].CopyTo(block.AsSpan(blockLength));
            blockLength += length;
        }
        else
        {
            output.Write(input[..length]);
        }

        payloadLeft -= length;
        EndFrameIfWhole(output);
        return input[length..];
    }

    private void BeginFragment()
    {
        var stream = BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(5)) & StreamMask;
        if (IsInBlock ? frame[3] != Continuation || stream != blockStream : frame[3] != Headers)
        {
            throw new InvalidDataException("a header block is not continued as it should be");
        }

        if (payloadLeft > MaxFrameBytes || blockLength + payloadLeft > maxBlockBytes || blockFrames == MaxFrames)
        {
            throw new InvalidDataException($"a header block is longer than {maxBlockBytes} octets or {MaxFrames} frames");
        }

        if (!IsInBlock)
        {
            (blockStream, blockFlags) = (stream, frame[4]);
        }

        blockFrames++;
        fragmentAt = blockLength;
        if (block.Length < blockLength + payloadLeft)
        {
            Array.Resize(ref block, Math.Max(blockLength + payloadLeft, Math.Min(2 * block.Length, maxBlockBytes)));
        }
    }

    private void EndFrameIfWhole(IBufferWriter<byte> output)
    {
        if (payloadLeft > 0)
        {
            return;
        }

        frameRead = 0;
        if (IsInBlock)
        {
            if (blockFrames == 1)
            {
                Unpad();
            }

            if ((frame[4] & EndHeaders) != 0)
            {
                Write(block.AsSpan(0, headers.Rewrite(block.AsSpan(0, blockLength))), output);
                (blockLength, blockFrames, block) = (0, 0, block.Length > 1024 ? [] : block);
            }
        }
    }

    /// <summary>Leaves of the first frame the fragment only.</summary>
    private void Unpad()
    {
        var payload = block.AsSpan(fragmentAt, blockLength - fragmentAt);
        var (isPadded, hasPriority) = ((blockFlags & Padded) != 0, (blockFlags & Priority) != 0);
        var from = (isPadded ? 1 : 0) + (hasPriority ? PriorityBytes : 0);
        var to = payload.Length - (isPadded && payload.Length > 0 ? payload[0] : 0);
        if (from > to)
        {
            throw new InvalidDataException("a frame of headers is shorter than its padding");
        }

        if (hasPriority)
        {
            payload[(from - PriorityBytes)..from].CopyTo(priority);
        }

        payload[from..to].CopyTo(payload);
        blockLength = fragmentAt + to - from;
    }

    private void Write(ReadOnlySpan<byte> rest, IBufferWriter<byte> output)
    {
        var before = (blockFlags & Priority) != 0 ? PriorityBytes : 0;
        var flags = (byte)(blockFlags & ~(Padded | EndHeaders));
        var type = Headers;
        do
        {
            var length = Math.Min(rest.Length, MaxFrameBytes - before);
            var target = output.GetSpan(FrameHeaderBytes + before);
            (target[0], target[1], target[2], target[3]) = ((byte)((before + length) >> 16), (byte)((before + length) >> 8), (byte)(before + length), type);
            target[4] = (byte)(flags | (length == rest.Length ? EndHeaders : 0));
            BinaryPrimitives.WriteUInt32BigEndian(target[5..], blockStream);
            priority.AsSpan(0, before).CopyTo(target[FrameHeaderBytes..]);
            output.Advance(FrameHeaderBytes + before);
            output.Write(rest[..length]);
            rest = rest[length..];
            (before, flags, type) = (0, 0, Continuation);
        }
        while (rest.Length > 0);
    }
}
