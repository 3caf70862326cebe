using System.Buffers.Binary;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc;

/// <summary>Lets no caller have more than its share of the connections, so that none keeps the others out.</summary>
/// <param name="most">Connections of one caller.</param>
internal sealed class ConnectionShare(CallerLimits limits, int most, ILogger logger)
{
    private const byte SettingsFrame = 4;
    private const byte GoAwayFrame = 7;
    private const uint EnhanceYourCalm = 0xb;

    /// <summary>Serves the connection, or tells its peer why not. It is known who that is.</summary>
    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var caller = connection.Features.Get<Caller>() ?? throw new InvalidOperationException("nobody has said whose connection it is");
        IDisposable? counted;
        try
        {
            counted = limits.Connection(caller, most);
        }
        catch (HostException refused)
        {
            GrpcLog.Unreadable(logger, caller, refused.Message);
            await connection.Transport.Output.WriteAsync(Farewell(refused.Message));
            return;
        }

        using (counted)
        {
            await next(connection);
        }
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
}
