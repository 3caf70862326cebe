// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Dbus;
using UsbHostd.Tests.Grpc;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Dbus;

/// <summary>A host whose bus comes late, or never.</summary>
[TestFixture]
internal sealed class DbusServerTests
{
    private const int Away = 1403;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Test]
    public async Task Bus_WhoseSocketComesLater_IsServedThenAndNotLookedForMeanwhile()
    {
        await using var bus = await PrivateBus.StartAsync();
        using var client = await BusClient.ConnectAsync(bus.Address);
        var folder = Directory.CreateTempSubdirectory("usbhostd-bus-");
        var path = Path.Combine(folder.FullName, "run", "dbus", "bus");
        var (time, log) = (new ManualTime(), new RecordedLog());
        using var loggers = LoggerFactory.Create(logging => logging.AddProvider(log));
        using var server = new DbusServer(new FakeHostService(), new DbusOptions { Address = "unix:path=" + path }, time, loggers);
        var away = log.NextAsync(Away);
        server.Start();
        await away.WaitAsync(Patience);

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Move(bus.Address["unix:path=".Length..], path);

        await client.AwaitNameAsync(DbusOptions.BusName);
        Assert.That(time.Armed, Is.Zero);
        await server.StopAsync();
        folder.Delete(recursive: true);
    }

    [Test]
    public async Task Stop_WhileTheBusIsWaitedFor_EndsAtOnce()
    {
        var log = new RecordedLog();
        using var loggers = LoggerFactory.Create(logging => logging.AddProvider(log));
        using var server = new DbusServer(new FakeHostService(), new DbusOptions { Address = "unix:path=/nowhere/bus" }, new ManualTime(), loggers);
        var away = log.NextAsync(Away);
        server.Start();
        await away.WaitAsync(Patience);

        Assert.That(async () => await server.StopAsync().WaitAsync(Patience), Throws.Nothing);
    }

    [Test]
    public async Task Stop_BusStandsStillWithACallUnderWay_EndsAllTheSame()
    {
        await using var dbus = await DbusFixture.StartAsync(options => options with { Farewell = TimeSpan.FromMilliseconds(100) });
        var asked = new TaskCompletionSource();
        dbus.Service.On<GetVersionRequest>(async (_, _, token) =>
        {
            asked.SetResult();
            return await NoAnswer.UntilCancelledAsync(new TaskCompletionSource(), token);
        });
        _ = dbus.Client.CallAsync(BusClient.Manager, "GetVersion", "a{sv}", (ref to) => to.NoEntries());
        await asked.Task.WaitAsync(Patience);
        await dbus.Bus.FreezeAsync();

        Assert.That(async () => await dbus.StopServerAsync().WaitAsync(Patience), Throws.Nothing);
        await dbus.Bus.ThawAsync();
    }

    [TestCase("unix:path=/run/dbus/system_bus_socket", "/run/dbus/system_bus_socket")]
    [TestCase("unix:path=/run/a,guid=12", null)]
    [TestCase("unix:path=/run/a;unix:path=/run/b", null)]
    [TestCase("unix:path=/run/a%20b", null)]
    [TestCase("unix:abstract=x", null)]
    public void SocketPath_OfAnAddress_IsThatOfOneSocketAlone(string address, string? path) =>
        Assert.That(new DbusOptions { Address = address }.SocketPath, Is.EqualTo(path));
}
