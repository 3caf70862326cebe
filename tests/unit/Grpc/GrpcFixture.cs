using Microsoft.Extensions.Logging;
using UsbHostd.Api;
using UsbHostd.Daemon.Grpc;

namespace UsbHostd.Tests.Grpc;

/// <summary>The door on a real socket of its own, with a fake service behind it and a real client before it.</summary>
internal sealed class GrpcFixture : IAsyncDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("usbhostd-grpc-");
    private readonly GrpcServer server;
    private readonly ILoggerFactory loggers;

    private GrpcFixture(Func<GrpcOptions, GrpcOptions>? configure)
    {
        Options = new GrpcOptions { SocketPath = Path.Combine(directory.FullName, "api.sock") };
        Options = configure?.Invoke(Options) ?? Options;
        loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(Log));
        server = new GrpcServer(Service, Options, loggers);
        Client = UsbHostClient.Connect(Address);
    }

    public FakeHostService Service { get; } = new();

    public RecordedLog Log { get; } = new();

    public GrpcOptions Options { get; }

    public string Address => "unix:" + Options.SocketPath;

    public UsbHostClient Client { get; }

    public static async Task<GrpcFixture> StartAsync(Func<GrpcOptions, GrpcOptions>? configure = null)
    {
        var fixture = new GrpcFixture(configure);
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
