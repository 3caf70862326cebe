// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using NUnit.Framework;
using Tmds.DBus.Protocol;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Dbus;

namespace UsbHostd.Tests.Dbus;

/// <summary>Whoever is told of changes and does not read, and whoever reads many.</summary>
[TestFixture]
internal sealed class DeafPeerTests
{
    private const int CutOff = 1410;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly BusTarget Objects = BusClient.Manager with { Interface = DbusDoor.ObjectManagerInterface };

    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DbusFixture dbus = null!;
    private int told;

    [TearDown]
    public async Task StopAsync() => await dbus.DisposeAsync();

    [Test]
    public async Task Watch_PeerThatStopsReading_IsCutOffBeforeTheBusLosesAnything()
    {
        dbus = await DbusFixture.StartAsync(options => options with { WatchPatience = TimeSpan.FromMilliseconds(200) });
        dbus.Service.OnWatch = (_, _, token) => Labels(int.MaxValue, token);
        var cut = dbus.Log.NextAsync(CutOff);
        using var deaf = new DeafPeer();
        using var connection = await BusConnection.OpenAsync(dbus.Bus.Address, null, deaf, CancellationToken.None);

        await connection.CallAsync(Objects, "GetManagedObjects", "", (ref _) => { }, _ => 0, CancellationToken.None).WaitAsync(Patience);

        Assert.That(await cut.WaitAsync(Patience), Does.EndWith("has not read for 0.2 s what it was told of changes; it is told nothing more until it asks again"));
        await ended.Task.WaitAsync(Patience);
        Assert.That(told, Is.LessThanOrEqualTo(PeerWatch.MostUnread + 1));
        deaf.Hear();
    }

    [Test]
    public async Task Watch_PeerThatReads_IsToldEverything()
    {
        dbus = await DbusFixture.StartAsync();
        dbus.Service.OnWatch = (_, _, token) => Labels(1000, token);

        await dbus.Client.CallAsync(Objects, "GetManagedObjects", "", (ref _) => { });

        for (var i = 1; i <= 1000; i++)
        {
            await dbus.Client.SignalAsync("PropertiesChanged");
        }
    }

    /// <summary>One device, and then another label of it again and again.</summary>
    private async IAsyncEnumerable<WatchEvent> Labels(int count, [EnumeratorCancellation] CancellationToken token)
    {
        try
        {
            yield return new WatchEvent { Type = WatchEvent.Types.Type.Snapshot, Device = new Device { Id = "d1" } };
            yield return new WatchEvent { Type = WatchEvent.Types.Type.SnapshotEnd };
            for (told = 1; told <= count; told++)
            {
                yield return new WatchEvent { Type = WatchEvent.Types.Type.Changed, Device = new Device { Id = "d1", Label = $"label {told}" } };
            }

            await new TaskCompletionSource().Task.WaitAsync(token);
        }
        finally
        {
            ended.TrySetResult();
        }
    }

    /// <summary>Reads nothing more from its first signal on; its connection reads on when it returns.</summary>
    private sealed class DeafPeer : IBusHandler, IDisposable
    {
        private readonly ManualResetEventSlim hearing = new();

        public void Hear() => hearing.Set();

        public void Dispose() => hearing.Dispose();

        public void OnCall(IncomingCall call) => call.Refuse("org.freedesktop.DBus.Error.UnknownMethod", "a client only");

        public void OnSignal(Message signal)
        {
            if (signal.MemberAsString == "PropertiesChanged")
            {
                hearing.Wait();
            }
        }
    }
}
