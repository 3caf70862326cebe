// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.Logging;
using UsbHostd.Daemon.Dbus;
using UsbHostd.Tests.Grpc;

namespace UsbHostd.Tests.Dbus;

/// <summary>The door on a bus of its own, with a fake service behind it.</summary>
internal sealed class DbusFixture : IAsyncDisposable
{
    private readonly ILoggerFactory loggers;
    private readonly DbusServer server;

    private DbusFixture(PrivateBus bus, BusClient client, Func<DbusOptions, DbusOptions>? configure)
    {
        Bus = bus;
        loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(Log));
        var options = new DbusOptions { Address = bus.Address, FirstRetry = TimeSpan.FromMilliseconds(20), LongestRetry = TimeSpan.FromMilliseconds(200) };
        server = new DbusServer(Service, configure?.Invoke(options) ?? options, TimeProvider.System, loggers);
        Client = client;
    }

    public PrivateBus Bus { get; }

    public FakeHostService Service { get; } = new();

    public RecordedLog Log { get; } = new();

    public BusClient Client { get; }

    public DbusDoor Door => server.Door!;

    public static async Task<DbusFixture> StartAsync(Func<DbusOptions, DbusOptions>? configure = null)
    {
        var bus = await PrivateBus.StartAsync();
        var fixture = new DbusFixture(bus, await BusClient.ConnectAsync(bus.Address), configure);
        fixture.server.Start();
        await fixture.Client.AwaitNameAsync(DbusOptions.BusName);
        return fixture;
    }

    public Task StopServerAsync() => server.StopAsync();

    public Task<(int Exit, string Output, string Error)> BusctlAsync(params string[] arguments) =>
        Tool.RunAsync("busctl", ["--address=" + Bus.Address, .. arguments]);

    public Task<(int Exit, string Output, string Error)> GdbusAsync(string verb, params string[] arguments) =>
        Tool.RunAsync("gdbus", [verb, "--address", Bus.Address, "--dest", DbusOptions.BusName, .. arguments]);

    public async ValueTask DisposeAsync()
    {
        await server.StopAsync();
        server.Dispose();
        Client.Dispose();
        await Bus.DisposeAsync();
        loggers.Dispose();
    }
}
