// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc.Connections;

/// <summary>
/// Bounds the connections of one listener, once it is known whose each is. A caller has a quarter of them, and the last quarter is for
/// administrators: whoever is to end a flood gets in. Root is not counted.
/// </summary>
/// <param name="most">Connections at once.</param>
internal sealed class ConnectionShare(CallerLimits limits, int most, Func<Caller, bool> isAdministrator, ILogger logger)
{
    private const byte SettingsFrame = 4;
    private const byte GoAwayFrame = 7;
    private const uint EnhanceYourCalm = 0xb;

    private readonly int mostOfOne = Math.Max(1, most / 4);
    private readonly int mostOfOthers = most - (most / 4);
    private int open;

    /// <summary>Serves the connection, or tells its peer why not. It is known who that is.</summary>
    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var caller = connection.Features.Get<Caller>() ?? throw new InvalidOperationException("nobody has said whose connection it is");
        Admitted? counted;
        try
        {
            counted = Admit(caller);
        }
        catch (HostException refused)
        {
            ConnectionLog.Unreadable(logger, caller, refused.Message);
            await connection.Transport.Output.WriteAsync(Farewell(refused.Message));
            return;
        }

        using (counted)
        {
            await next(connection);
        }
    }

    /// <summary>One more connection, until disposed; null for root.</summary>
    /// <exception cref="HostException">There are too many.</exception>
    private Admitted? Admit(Caller caller)
    {
        if (limits.Connection(caller, mostOfOne) is not { } own)
        {
            return null;
        }

        if (Interlocked.Increment(ref open) <= (isAdministrator(caller) ? most : mostOfOthers))
        {
            return new Admitted(this, own);
        }

        Interlocked.Decrement(ref open);
        own.Dispose();
        throw new HostException(
            ErrorCode.ErrorTooMany, "usbhostd has too many connections for one more that is not an administrator's", "end some; max-connections is the limit");
    }

    /// <summary>The frames that say so in HTTP/2 (RFC 9113, sections 6.5 and 6.8): empty settings, and GOAWAY with the reason as its text.</summary>
    private static byte[] Farewell(string reason)
    {
        var text = Encoding.UTF8.GetBytes(reason);
        var frames = new byte[9 + 9 + 8 + text.Length];
        frames[3] = SettingsFrame;
        var goAway = frames.AsSpan(9);
        BinaryPrimitives.WriteInt32BigEndian(goAway, (8 + text.Length) << 8);
        goAway[3] = GoAwayFrame;
        BinaryPrimitives.WriteUInt32BigEndian(goAway[13..], EnhanceYourCalm);
        text.CopyTo(goAway[17..]);
        return frames;
    }

    private sealed class Admitted(ConnectionShare share, IDisposable own) : IDisposable
    {
        public void Dispose()
        {
            Interlocked.Decrement(ref share.open);
            own.Dispose();
        }
    }
}
