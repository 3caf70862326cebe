// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf;
using NUnit.Framework;
using Tmds.DBus.Protocol;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Dbus;
using UsbHostd.Daemon.Errors;
using UsbHostd.Tests.Grpc;

namespace UsbHostd.Tests.Dbus;

/// <summary>Calls of the manager over a real bus.</summary>
[TestFixture]
internal sealed class DbusCallTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private DbusFixture dbus = null!;

    [SetUp]
    public async Task StartAsync() => dbus = await DbusFixture.StartAsync();

    [TearDown]
    public async Task StopAsync() => await dbus.DisposeAsync();

    [Test]
    public async Task Call_ArgumentsAndOptions_BecomeTheRequest()
    {
        dbus.Service.On<CreateClaimRequest>(_ => new Claim { Id = "c1" });

        await dbus.Client.CallAsync(BusClient.Manager, "CreateClaim", "ssa{sv}", (ref to) =>
        {
            to.Text("usb:0951:1666");
            to.Text("erp");
            var start = to.WriteDictionaryStart();
            to.TextEntry("Follow", "PORT");
            to.TextEntry("Lifetime", "UNTIL_UNPLUG");
            to.Entry("FollowIds", "as", (ref w) => w.WriteArray((string[])["0951:1667"]));
            to.Entry("DryRun", "b", (ref w) => w.WriteBool(true));
            to.TextEntry("RequestId", "");
            to.WriteDictionaryEnd(start);
        });

        var expected = new CreateClaimRequest { Device = "usb:0951:1666", Guest = "erp", Follow = Follow.Port, Lifetime = Lifetime.UntilUnplug, DryRun = true };
        expected.FollowIds.Add("0951:1667");
        Assert.That(dbus.Service.Asked.Single().Request, Is.EqualTo(expected));
    }

    [Test]
    public async Task Call_Answer_IsThePathAndTheProperties()
    {
        dbus.Service.On<GetGuestRequest>(_ => new Guest { Uuid = "b0e46d04-54ef-4cbb-b0f6-6d5e1a3e4a4f", Name = "erp" });

        var (path, name) = await dbus.Client.CallAsync(BusClient.Manager, "GetGuest", "sa{sv}", Text("erp"), answer =>
        {
            var from = answer.Expect("oa{sv}");
            return (from.ReadObjectPathAsString(), from.Options()["Name"].Value);
        });

        Assert.That((path, name), Is.EqualTo(("/org/usbhostd/UsbHost1/guests/b0e46d04_54ef_4cbb_b0f6_6d5e1a3e4a4f", "erp")));
    }

    [Test]
    public async Task ListAudit_Times_BecomeTheRequest()
    {
        dbus.Service.On<ListAuditRequest>(_ => new ListAuditResponse());

        await dbus.Client.CallAsync(BusClient.Manager, "ListAudit", "a{sv}", (ref to) =>
        {
            var start = to.WriteDictionaryStart();
            to.Entry("Since", "t", (ref w) => w.WriteUInt64(1_500_000));
            to.Entry("Limit", "u", (ref w) => w.WriteUInt32(3));
            to.WriteDictionaryEnd(start);
        });

        Assert.That(dbus.Service.Asked.Single().Request, Is.EqualTo(
            new ListAuditRequest { Since = new Google.Protobuf.WellKnownTypes.Timestamp { Seconds = 1, Nanos = 500_000_000 }, Limit = 3 }));
    }

    [Test]
    public async Task Backup_Answer_IsAFileDescriptor()
    {
        var (exit, output, error) = await dbus.BusctlAsync(
            "call", DbusOptions.BusName, "/org/usbhostd/UsbHost1", "org.usbhostd.UsbHost1.Manager", "Backup", "a{sv}", "0");

        Assert.That((exit, output[..2]), Is.EqualTo((0, "h ")), error);
    }

    [Test]
    public async Task Call_Refusal_HasTheErrorsNameAndWhatToDo()
    {
        dbus.Service.On<GetClaimRequest>(_ => throw new HostException(ErrorCode.ErrorClaimNotFound, "there is no claim cx", "claim-list --all"));

        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "GetClaim", "sa{sv}", Text("cx"));

        Assert.That((refused.Name, refused.Message), Is.EqualTo(("org.usbhostd.UsbHost1.Error.ClaimNotFound", "there is no claim cx; claim-list --all")));
    }

    [Test]
    public async Task Call_FaultOfTheDaemon_IsLoggedAndNotShown()
    {
        dbus.Service.On<GetVersionRequest>(_ => throw new InvalidOperationException("secret"));

        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "GetVersion", "a{sv}", NoOptions);

        Assert.Multiple(() =>
        {
            Assert.That(refused.Name, Is.EqualTo("org.usbhostd.UsbHost1.Error.Internal"));
            Assert.That(refused.Message, Does.Not.Contain("secret"));
            Assert.That(dbus.Log.Entries.Select(e => e.Id), Has.Member(1401));
        });
    }

    [Test]
    public async Task Call_Caller_IsWhoConnected()
    {
        dbus.Service.On<GetVersionRequest>(_ => new Api.V1.Version());

        await dbus.Client.CallAsync(BusClient.Manager, "GetVersion", "a{sv}", NoOptions);

        var caller = dbus.Service.Asked.Single().Caller;
        var self = File.ReadAllLines("/proc/self/status");
        Assert.Multiple(() =>
        {
            Assert.That((caller.Pid, caller.Door), Is.EqualTo((Environment.ProcessId, "dbus")));
            Assert.That(caller.Uid, Is.EqualTo(ProcessStatus.Ids(self, "Uid:")[1]));
            Assert.That(caller.Gids, Is.SupersetOf(ProcessStatus.Ids(self, "Groups:").Append(ProcessStatus.Ids(self, "Gid:")[1])));
        });
    }

    [Test]
    public async Task Call_StringsThatTheBusRefuses_ArriveReplaced()
    {
        dbus.Service.On<GetDeviceRequest>(_ => new Device { Id = "d1", ProductName = "a\0b\ufffec\ufdd0d\U0001fffeé🔑" });

        var name = await dbus.Client.CallAsync(BusClient.Manager, "GetDevice", "sa{sv}", Text("x"), answer =>
        {
            var from = answer.Expect("oa{sv}");
            from.ReadObjectPathAsString();
            return from.Options()["ProductName"].Value;
        });

        Assert.That(name, Is.EqualTo("a\ufffdb\ufffdc\ufffdd\ufffdé🔑"));
    }

    [Test]
    public async Task Call_OfManyDevices_ArrivesWhole()
    {
        var devices = Enumerable.Range(0, 5000).Select(i => new Device { Id = $"d{i}" }).ToList();
        dbus.Service.On<ListDevicesRequest>(_ => new ListDevicesResponse { Devices = { devices } });

        var count = await dbus.Client.CallAsync(BusClient.Manager, "ListDevices", "a{sv}", NoOptions, answer => answer.Expect("ao").ReadArrayOfObjectPath().Length);

        Assert.That(count, Is.EqualTo(5000));
    }

    [Test]
    public async Task Call_CallerVanishes_CancelsTheHandlerAndLeavesNothing()
    {
        var (asked, cancelled) = (new TaskCompletionSource(), new TaskCompletionSource());
        dbus.Service.On<GetVersionRequest>(async (_, _, token) =>
        {
            asked.SetResult();
            return await NoAnswer.UntilCancelledAsync(cancelled, token);
        });
        var other = await BusClient.ConnectAsync(dbus.Bus.Address);
        var call = other.CallAsync(BusClient.Manager, "GetVersion", "a{sv}", NoOptions);
        await asked.Task.WaitAsync(Patience);

        other.Dispose();

        await cancelled.Task.WaitAsync(Patience);
        Assert.That(async () => await call, Throws.TypeOf<BusException>());
        await dbus.Door.IdleAsync().WaitAsync(Patience);
        Assert.That((dbus.Door.Peers, dbus.Log.Entries.Count(e => e.Id == 1401)), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Call_DaemonStops_EndsWithUnavailable()
    {
        var asked = new TaskCompletionSource();
        dbus.Service.On<GetVersionRequest>(async (_, _, token) =>
        {
            asked.SetResult();
            return await NoAnswer.UntilCancelledAsync(new TaskCompletionSource(), token);
        });
        var call = dbus.Client.RefusedAsync(BusClient.Manager, "GetVersion", "a{sv}", NoOptions);
        await asked.Task.WaitAsync(Patience);

        await dbus.StopServerAsync();

        Assert.That((await call).Name, Is.EqualTo("org.usbhostd.UsbHost1.Error.Unavailable"));
    }

    [Test]
    public async Task Call_MoreThanOneCallerMayHave_IsRefused()
    {
        var release = new TaskCompletionSource();
        dbus.Service.On<GetVersionRequest>(async (_, _, token) =>
        {
            await release.Task.WaitAsync(token);
            return new Api.V1.Version();
        });
        var most = new DbusOptions().MaxCallsPerPeer;
        var calls = Enumerable.Range(0, most).Select(_ => dbus.Client.CallAsync(BusClient.Manager, "GetVersion", "a{sv}", NoOptions)).ToList();

        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "GetVersion", "a{sv}", NoOptions);

        release.SetResult();
        await Task.WhenAll(calls);
        Assert.That(refused.Name, Is.EqualTo("org.freedesktop.DBus.Error.LimitsExceeded"));
    }

    [Test]
    public async Task Bus_GoesAndComesBack_IsServedAgain()
    {
        dbus.Service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = "0.1.0" });
        await dbus.Bus.DownAsync();
        await dbus.Bus.UpAsync();
        using var client = await BusClient.ConnectAsync(dbus.Bus.Address);

        await client.AwaitNameAsync(DbusOptions.BusName);

        var version = await client.CallAsync(BusClient.Manager, "GetVersion", "a{sv}", NoOptions, answer =>
        {
            var from = answer.Expect("a{sv}");
            return from.Options()["Daemon"].Value;
        });
        Assert.That(version, Is.EqualTo("0.1.0"));
    }

    private static void NoOptions(ref MessageWriter to) => to.NoEntries();

    private static BodyWriter Text(string text) => (ref to) =>
    {
        to.Text(text);
        to.NoEntries();
    };
}
