// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using NUnit.Framework;
using Tmds.DBus.Protocol;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Dbus;
using UsbHostd.Daemon.Errors;
using static UsbHostd.Api.V1.WatchEvent.Types;

namespace UsbHostd.Tests.Dbus;

/// <summary>Objects, their properties and their changes.</summary>
[TestFixture]
internal sealed class DbusObjectTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly BusTarget Objects = BusClient.Manager with { Interface = DbusDoor.ObjectManagerInterface };

    private DbusFixture dbus = null!;
    private Channel<WatchEvent> changes = null!;
    private TaskCompletionSource ended = new();

    [SetUp]
    public async Task StartAsync()
    {
        dbus = await DbusFixture.StartAsync();
        changes = Channel.CreateUnbounded<WatchEvent>();
        dbus.Service.OnWatch = (_, _, token) => Events(token);
    }

    [TearDown]
    public async Task StopAsync() => await dbus.DisposeAsync();

    [Test]
    public async Task Get_OfAProperty_ReadsThatObject()
    {
        dbus.Service.On<GetDeviceRequest>(request => new Device { Id = request.Device[3..], SpeedMbps = 480 });

        var (exit, output, error) = await dbus.BusctlAsync(
            "get-property", DbusOptions.BusName, ObjectPaths.OfDevice("d77"), DbusDoor.DeviceInterface, "Id", "SpeedMbps");

        Assert.That((exit, output, error), Is.EqualTo((0, "s \"d77\"\nd 480\n", "")));
    }

    [Test]
    public async Task Get_OfAnObjectThatIsGone_IsRefusedByName()
    {
        dbus.Service.On<GetDeviceRequest>(_ => throw new HostException(ErrorCode.ErrorDeviceNotFound, "no device d77 is plugged in"));

        var refused = await dbus.Client.RefusedAsync(
            new BusTarget(DbusOptions.BusName, ObjectPaths.OfDevice("d77"), DbusDoor.PropertiesInterface), "GetAll", "s", (ref to) => to.Text(DbusDoor.DeviceInterface));

        Assert.That(refused.Name, Is.EqualTo("org.usbhostd.UsbHost1.Error.DeviceNotFound"));
    }

    [Test]
    public async Task GetManagedObjects_Snapshot_IsAnsweredWhole()
    {
        var paths = await ManagedAsync(new Device { Id = "d1" }, new Claim { Id = "c1" }, new Guest { Uuid = "a-b" });

        Assert.That(paths, Is.EquivalentTo([ObjectPaths.OfDevice("d1"), ObjectPaths.OfClaim("c1"), "/org/usbhostd/UsbHost1/guests/a_b"]));
    }

    [Test]
    public async Task GetManagedObjects_Refused_IsAnErrorByName()
    {
        dbus.Service.OnWatch = (_, _, _) => throw new HostException(ErrorCode.ErrorPermissionDenied, "uid 1000 may not");

        var refused = await dbus.Client.RefusedAsync(Objects, "GetManagedObjects", "", TestBody.NoBody);

        Assert.That(refused.Name, Is.EqualTo("org.usbhostd.UsbHost1.Error.PermissionDenied"));
    }

    [Test]
    public async Task Change_OfAnObject_IsToldToWhoAsked()
    {
        await ManagedAsync(new Claim { Id = "c1", Phase = Phase.Attaching });

        Happens(WatchEvent.Types.Type.Changed, new Claim { Id = "c1", Phase = Phase.Attached });

        Assert.That(await dbus.Client.SignalAsync("PropertiesChanged"), Is.EqualTo((ObjectPaths.OfClaim("c1"), DbusDoor.ClaimInterface)));
    }

    [Test]
    public async Task Change_OfAnObjectThatIsNew_AddsIt()
    {
        await ManagedAsync();

        Happens(WatchEvent.Types.Type.Changed, new Device { Id = "d2" });

        Assert.That(await dbus.Client.SignalAsync("InterfacesAdded"), Is.EqualTo((ObjectPaths.Root, ObjectPaths.OfDevice("d2"))));
    }

    [Test]
    public async Task Removal_OfAnObject_RemovesIt()
    {
        await ManagedAsync(new Device { Id = "d1" });

        Happens(WatchEvent.Types.Type.Removed, new Device { Id = "d1" });

        Assert.That(await dbus.Client.SignalAsync("InterfacesRemoved"), Is.EqualTo((ObjectPaths.Root, ObjectPaths.OfDevice("d1"))));
    }

    [Test]
    public async Task Claim_Released_IsRemoved()
    {
        await ManagedAsync(new Claim { Id = "c1", Phase = Phase.Attached });

        Happens(WatchEvent.Types.Type.Changed, new Claim { Id = "c1", Phase = Phase.Released });

        Assert.That(await dbus.Client.SignalAsync("InterfacesRemoved"), Is.EqualTo((ObjectPaths.Root, ObjectPaths.OfClaim("c1"))));
    }

    [Test]
    public async Task Resync_WithoutAnObjectThatWasThere_RemovesIt()
    {
        await ManagedAsync(new Device { Id = "d1" }, new Device { Id = "d2" });

        changes.Writer.TryWrite(new WatchEvent { Type = WatchEvent.Types.Type.Resync });
        Happens(WatchEvent.Types.Type.Snapshot, new Device { Id = "d2" });
        changes.Writer.TryWrite(new WatchEvent { Type = WatchEvent.Types.Type.SnapshotEnd });

        Assert.That(await dbus.Client.SignalAsync("InterfacesRemoved"), Is.EqualTo((ObjectPaths.Root, ObjectPaths.OfDevice("d1"))));
    }

    [Test]
    public async Task Watch_OfSomeKinds_AsksTheServiceForThese()
    {
        Snapshot();

        await dbus.Client.CallAsync(BusClient.Manager, "Watch", "a{sv}", (ref to) =>
        {
            var start = to.WriteDictionaryStart();
            to.Entry("Kinds", "as", (ref w) => w.WriteArray((string[])["CLAIMS"]));
            to.WriteDictionaryEnd(start);
        });

        Assert.That(((WatchRequest)dbus.Service.Asked.Single().Request).Kinds, Is.EqualTo([Kind.Claims]));
    }

    [Test]
    public async Task Watch_Again_TakesThePlaceOfTheFirst()
    {
        await ManagedAsync(new Device { Id = "d1" });
        var first = ended;
        changes = Channel.CreateUnbounded<WatchEvent>();
        Snapshot();

        await dbus.Client.CallAsync(BusClient.Manager, "Watch", "a{sv}", (ref to) => to.NoEntries());

        await first.Task.WaitAsync(Patience);
        Happens(WatchEvent.Types.Type.Changed, new Device { Id = "d2" });
        Assert.That(await dbus.Client.SignalAsync("InterfacesAdded"), Is.EqualTo((ObjectPaths.Root, ObjectPaths.OfDevice("d2"))));
    }

    [Test]
    public async Task Watch_PeerLeaves_EndsIt()
    {
        Snapshot();
        using (var other = await BusClient.ConnectAsync(dbus.Bus.Address))
        {
            await other.CallAsync(Objects, "GetManagedObjects", "", TestBody.NoBody);
        }

        await ended.Task.WaitAsync(Patience);
        await dbus.Door.IdleAsync().WaitAsync(Patience);
        Assert.That(dbus.Door.Peers, Is.Zero);
    }

    [Test]
    public async Task Monitors_OfOthers_SeeTheChange()
    {
        using var busctl = Tool.Start("busctl", "--address=" + dbus.Bus.Address, "monitor");
        using var monitor = Tool.Start("dbus-monitor", "--address", dbus.Bus.Address);
        await monitor.ReadUntilAsync("NameAcquired");
        await busctl.StandardError.ReadLineAsync().WaitAsync(Patience);
        await ManagedAsync(new Device { Id = "d1", Label = "before" });

        Happens(WatchEvent.Types.Type.Changed, new Device { Id = "d1", Label = "after" });

        var seen = await busctl.ReadUntilAsync("Member=PropertiesChanged", "\"after\"");
        var also = await monitor.ReadUntilAsync("member=PropertiesChanged", "\"after\"");
        busctl.Kill();
        monitor.Kill();
        Assert.That(new[] { seen, also }, Has.All.Contains(ObjectPaths.OfDevice("d1")));
    }

    private async IAsyncEnumerable<WatchEvent> Events([EnumeratorCancellation] CancellationToken token)
    {
        var (mine, reader) = (ended, changes.Reader);
        try
        {
            await foreach (var e in reader.ReadAllAsync(token))
            {
                yield return e;
            }
        }
        finally
        {
            mine.TrySetResult();
        }
    }

    private void Happens(WatchEvent.Types.Type type, object thing) => changes.Writer.TryWrite(thing switch
    {
        Device device => new WatchEvent { Type = type, Device = device },
        Claim claim => new WatchEvent { Type = type, Claim = claim },
        _ => new WatchEvent { Type = type, Guest = (Guest)thing },
    });

    private void Snapshot(params object[] things)
    {
        ended = new TaskCompletionSource();
        foreach (var thing in things)
        {
            Happens(WatchEvent.Types.Type.Snapshot, thing);
        }

        changes.Writer.TryWrite(new WatchEvent { Type = WatchEvent.Types.Type.SnapshotEnd });
    }

    private async Task<List<string>> ManagedAsync(params object[] things)
    {
        Snapshot(things);
        return await dbus.Client.CallAsync(Objects, "GetManagedObjects", "", TestBody.NoBody, answer =>
        {
            var paths = new List<string>();
            var from = answer.Expect("a{oa{sa{sv}}}");
            var end = from.ReadDictionaryStart();
            while (from.HasNext(end))
            {
                paths.Add(from.ReadObjectPathAsString());
                from.SkipTo(from.ReadDictionaryStart());
            }

            return paths;
        });
    }
}
