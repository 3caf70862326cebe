// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.Logging;
using UsbHostd.Api;
using UsbHostd.Daemon.Grpc;
using UsbHostd.Daemon.Grpc.Tls;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Tests.Grpc;

/// <summary>The door on a real socket of its own, with a fake service behind it and a real client before it.</summary>
internal sealed class GrpcFixture : IAsyncDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("usbhostd-grpc-");
    private readonly GrpcServer server;
    private readonly ILoggerFactory loggers;
    private readonly TlsListener? listener;

    private GrpcFixture(Func<GrpcOptions, GrpcOptions>? configure, TlsOptions? tls, IHostService? service, CallerLimitOptions? callers)
    {
        Options = new GrpcOptions { SocketPath = Path.Combine(directory.FullName, "api.sock") };
        Options = configure?.Invoke(Options) ?? Options;
        loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(Log));
        listener = TlsListener.Open(tls ?? new TlsOptions(), isPrivileged: false, TimeProvider.System, loggers);
        server = new GrpcServer(service ?? Service, Options, new CallerLimits(callers ?? new CallerLimitOptions(), TimeProvider.System), loggers, listener);
        Client = UsbHostClient.Connect(Address);
    }

    public FakeHostService Service { get; } = new();

    public RecordedLog Log { get; } = new();

    public GrpcOptions Options { get; }

    public string Address => "unix:" + Options.SocketPath;

    public UsbHostClient Client { get; }

    /// <summary>Where it listens on TCP, once started.</summary>
    public int TlsPort => listener!.EndPoint.Port;

    /// <param name="service">Behind the door in place of <see cref="Service"/>.</param>
    public static async Task<GrpcFixture> StartAsync(
        Func<GrpcOptions, GrpcOptions>? configure = null, TlsOptions? tls = null, IHostService? service = null, CallerLimitOptions? callers = null)
    {
        var fixture = new GrpcFixture(configure, tls, service, callers);
        await fixture.server.StartAsync(CancellationToken.None);
        return fixture;
    }

    public Task StopServerAsync() => server.StopAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await server.StopAsync(CancellationToken.None);
        server.Dispose();
        loggers.Dispose();
        directory.Delete(recursive: true);
    }
}
