// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;
using UsbHostd.Daemon.Grpc.Connections;
using UsbHostd.Daemon.Grpc.Http2;
using UsbHostd.Daemon.Grpc.Tls;
using UsbHostd.Daemon.Linux;
using UsbHostd.Daemon.Logging;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc;

/// <summary>
/// Kestrel on the daemon's unix socket, and on TCP where that is configured, HTTP/2 only. Without the web host around it: one request
/// delegate needs no routing, no middleware and no diagnostics, and the daemon starts the sooner.
/// </summary>
internal sealed class GrpcServer : IHostedService, IDisposable
{
    /// <summary>Of HPACK: HTTP/2's default, which holds for what a client sends before it has seen any setting.</summary>
    private const int HeaderTableBytes = 4096;

    private readonly GrpcOptions options;
    private readonly TlsListener? tls;
    private readonly GrpcDoor door;
    private readonly ConnectionShare share;
    private readonly ConnectionShare tlsShare;
    private readonly LimitedLogger logger;
    private readonly KestrelServer kestrel;

    /// <param name="loggers">Kestrel's own logging goes there too.</param>
    /// <param name="tls">Where it listens besides its socket, from now on the server's to dispose; null for nowhere.</param>
    /// <param name="isAdministrator">For whom connections are kept; for root alone where null.</param>
    public GrpcServer(
        IHostService service, GrpcOptions options, CallerLimits limits, ILoggerFactory loggers, TlsListener? tls = null, Func<Caller, bool>? isAdministrator = null)
    {
        this.options = options;
        this.tls = tls;
        logger = new LimitedLogger(loggers.CreateLogger<GrpcServer>(), options.Time);
        share = new ConnectionShare(limits, options.MaxConnections, isAdministrator ?? (_ => false), logger);
        tlsShare = new ConnectionShare(limits, options.MaxConnections, isAdministrator ?? (_ => false), logger);
        door = new GrpcDoor(service, limits, options, new LimitedLogger(loggers.CreateLogger<GrpcDoor>(), options.Time));
        var transport = new SocketTransportOptions { CreateBoundListenSocket = Bind };
        kestrel = new KestrelServer(
            Options.Create(Limits(options)), new SocketTransportFactory(Options.Create(transport), loggers), loggers);
    }

    /// <exception cref="IOException">A socket can't be made, or another daemon answers there.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await kestrel.StartAsync(new Application(door), cancellationToken);
        GrpcLog.Listening(logger, options.SocketPath);
        if (tls is not null)
        {
            GrpcLog.Listening(logger, tls.EndPoint.ToString());
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        door.Stop();
        await kestrel.StopAsync(cancellationToken);
    }

    public void Dispose()
    {
        kestrel.Dispose();
        door.Dispose();
        tls?.Dispose();
    }

    private KestrelServerOptions Limits(GrpcOptions options)
    {
        var server = new KestrelServerOptions { AddServerHeader = false };

        // Kestrel's own limit would keep root out too; ours is held once it is known whose a connection is.
        server.Limits.MaxConcurrentConnections = null;
        server.Limits.KeepAliveTimeout = options.IdleTimeout;
        server.Limits.MaxRequestHeadersTotalSize = options.MaxHeaderBytes;
        server.Limits.Http2.KeepAlivePingDelay = options.PingDelay;
        server.Limits.Http2.HeaderTableSize = HeaderTableBytes;
        server.Limits.Http2.MaxStreamsPerConnection = options.MaxStreamsPerConnection;
        server.Limits.Http2.MaxRequestHeaderFieldSize = options.MaxHeaderBytes;

        // Frames are bounded where they are read, which can say so in gRPC's terms; a watch sends and receives nothing for hours.
        server.Limits.MaxRequestBodySize = null;
        server.Limits.MinRequestBodyDataRate = null;
        server.Limits.MinResponseDataRate = null;
        server.ListenUnixSocket(options.SocketPath, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.Use(next => connection => Identify(connection) ? next(connection) : Task.CompletedTask);
            listen.Use(next => connection => share.ServeAsync(connection, next));
            listen.Use(next => connection => AuthorityMiddleware.FilterAsync(
                connection, new AuthorityFilter(HeaderTableBytes, 2 * options.MaxHeaderBytes), next, logger));
        });
        tls?.AddTo(server, tlsShare);
        return server;
    }

    private Socket Bind(EndPoint endpoint) => endpoint is UnixDomainSocketEndPoint
        ? ListeningSocket.Bind(options.SocketPath, UnixGroup.Find(options.SocketGroup), logger)
        : TlsListener.Bind((IPEndPoint)endpoint);

    // Once a connection, not once a call: the kernel's answer does not change.
    private bool Identify(ConnectionContext connection)
    {
        try
        {
            connection.Features.Set(PeerCredentials.Read(connection.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket));
            return true;
        }
        catch (SocketException unknown)
        {
            ConnectionLog.NoCaller(logger, unknown);
            return false;
        }
    }

    private sealed class Application(GrpcDoor door) : IHttpApplication<HttpContext>
    {
        public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

        public Task ProcessRequestAsync(HttpContext context) => door.HandleAsync(context);

        public void DisposeContext(HttpContext context, Exception? exception)
        {
        }
    }
}
