// SPDX-License-Identifier: Apache-2.0
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Grpc.Connections;
using UsbHostd.Daemon.Logging;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc.Tls;

/// <summary>The gRPC door on TCP: TLS 1.2 or later, and only for clients with a certificate of our authorities.</summary>
internal sealed partial class TlsListener : IDisposable
{
    // Of linux/in.h.
    private const int IpProtocol = 0;
    private const int IpFreeBind = 15;

    private readonly TlsOptions options;
    private readonly TlsFiles files;
    private readonly HandshakeLimit handshakes;
    private readonly TimeProvider time;
    private readonly LimitedLogger logger;
    private ListenOptions? bound;

    private TlsListener(TlsOptions options, TlsFiles files, TimeProvider time, ILogger logger)
    {
        this.options = options;
        this.files = files;
        this.time = time;
        handshakes = new HandshakeLimit(options.MaxHandshakes);

        // Whoever reaches the port may be refused as often as he likes.
        this.logger = new LimitedLogger(logger, time);
    }

    /// <summary>Null where it is off.</summary>
    /// <param name="isPrivileged">Whether this process runs as root, which must not listen on TCP.</param>
    /// <exception cref="ConfigurationException">It is on in a process of root's.</exception>
    /// <exception cref="IOException">The certificates can't be used.</exception>
    public static TlsListener? Open(TlsOptions options, bool isPrivileged, TimeProvider time, ILoggerFactory loggers)
    {
        if (options.Listen is null)
        {
            return null;
        }

        if (isPrivileged)
        {
            throw new ConfigurationException(
                $"[tls] listen: found {options.Listen} in a process that runs as root, which never listens on TCP: "
                + "start usbhostd as its own user, as usbhostd.service does, or leave listen empty");
        }

        var log = loggers.CreateLogger<TlsListener>();
        return new TlsListener(options, new TlsFiles(options, time, log), time, log);
    }

    /// <summary>Where it listens; a port of 0 has become a real one once the server has started.</summary>
    public IPEndPoint EndPoint => bound?.IPEndPoint ?? options.Listen!;

    public void Dispose() => files.Dispose();

    /// <summary>Adds the address to what the server listens on.</summary>
    public void AddTo(KestrelServerOptions server, ConnectionShare share) => server.Listen(options.Listen!, listen =>
    {
        bound = listen;
        listen.Protocols = HttpProtocols.Http2;
        listen.Use(next => connection => ServeAsync(connection, next));
        listen.Use(next => connection => share.ServeAsync(connection, next));
    });

    /// <summary>Binds, also to an address that the network brings up only after us.</summary>
    /// <exception cref="IOException">It can't be listened on; the message says what to do.</exception>
    public static Socket Bind(IPEndPoint address)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);

            // ip(7); the kernel takes it for IPv6 as well.
            socket.SetRawSocketOption(IpProtocol, IpFreeBind, BitConverter.GetBytes(1));
            if (address.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            socket.Bind(address);
            return socket;
        }
        catch (SocketException refused)
        {
            socket?.Dispose();
            throw new IOException($"[tls] listen: {address} can't be listened on: {refused.Message}; {Advice(refused.SocketErrorCode)}", refused);
        }
    }

    private static string Advice(SocketError error) => error switch
    {
        SocketError.AddressAlreadyInUse => "another process does so (ss -ltnp names it): end that one, or choose another port",
        SocketError.AccessDenied => "ports below 1024 are not for the daemon's user: choose a higher one",
        SocketError.AddressFamilyNotSupported =>
            "allow AF_INET and AF_INET6 under RestrictAddressFamilies of usbhostd.service, and see whether the host has that protocol",
        _ => "choose another address, or leave listen empty",
    };

    // Not Kestrel's own TLS, which is to be had with a whole web host only, and does not say why it refused whom.
    private async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var transport = connection.Transport;
        await using var stream = new SslStream(new TransportStream(transport));
        if (!await HandshakeAsync(stream, connection))
        {
            return;
        }

        var features = new Verified((X509Certificate2)stream.RemoteCertificate!);
        connection.Features.Set<ITlsConnectionFeature>(features);
        connection.Features.Set<ITlsApplicationProtocolFeature>(features);
        connection.Features.Set(new Caller(Caller.NoUid, [], "tls", 0) { Certificate = ClientCertificate.Identity(features.Own) });
        var (input, output) = (PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true)), PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true)));
        connection.Transport = new Decrypted(input, output);
        try
        {
            await next(connection);
        }
        finally
        {
            await input.CompleteAsync();
            await output.CompleteAsync();
            connection.Transport = transport;
        }
    }

    /// <summary>False where one side refuses the other, which is logged once.</summary>
    private async ValueTask<bool> HandshakeAsync(SslStream stream, ConnectionContext connection)
    {
        string? refusal = null;
        using var patience = new CancellationTokenSource(options.HandshakePatience, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed, patience.Token);
        var handshake = handshakes.Begin(connection);
        var stayed = false;
        try
        {
            var how = files.Current.Options((_, certificate, chain, errors) => (refusal = ClientCertificate.Refusal(certificate, chain, errors)) is null);
            await stream.AuthenticateAsServerAsync(how, end.Token);
        }
        catch (OperationCanceledException)
        {
            refusal = "it did not end its handshake";
        }
        catch (Exception failure) when (failure is AuthenticationException or IOException or CryptographicException)
        {
            refusal ??= $"no handshake: {failure.InnerException?.Message ?? failure.Message}";
        }
        finally
        {
            stayed = handshake.End();
        }

        if (!stayed)
        {
            refusal = "it made way for another one, as too many handshakes were under way";
        }

        if (refusal is null)
        {
            return true;
        }

        Refused(logger, connection.RemoteEndPoint, refusal);
        return false;
    }

    [LoggerMessage(1313, LogLevel.Warning, "A TLS client at {Remote} is refused: {Why}")]
    private static partial void Refused(ILogger logger, EndPoint? remote, string why);

    private sealed record Decrypted(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    /// <summary>What tells Kestrel that this is https, over which only HTTP/2 is spoken.</summary>
    private sealed class Verified(X509Certificate2 own) : ITlsConnectionFeature, ITlsApplicationProtocolFeature
    {
        public X509Certificate2 Own => own;

        public X509Certificate2? ClientCertificate
        {
            get => own;
            set => throw new NotSupportedException("the handshake has verified another");
        }

        public ReadOnlyMemory<byte> ApplicationProtocol => SslApplicationProtocol.Http2.Protocol;

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult<X509Certificate2?>(own);
    }
}
