// SPDX-License-Identifier: Apache-2.0
using System.Xml.Linq;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Dbus;
using UsbHostd.Daemon.Errors;

namespace UsbHostd.Tests.Dbus;

/// <summary>busctl and gdbus, as installed.</summary>
[TestFixture]
internal sealed class DbusClientTests
{
    private DbusFixture dbus = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        dbus = await DbusFixture.StartAsync();
        dbus.Service.On<ListDevicesRequest>(_ => new ListDevicesResponse { Devices = { new Device { Id = "d1" } } });
        dbus.Service.On<ListClaimsRequest>(_ => throw new HostException(ErrorCode.ErrorPermissionDenied, "no"));
        dbus.Service.On<ListGuestsRequest>(_ => new ListGuestsResponse { Guests = { new Guest { Uuid = "a-b" } } });
        dbus.Service.On<GetDeviceRequest>(_ => new Device { Id = "d1", ProductName = "Ключ 🔑", Uses = { new HostUse { Kind = HostUse.Types.Kind.Mount, Detail = "/srv" } } });
        dbus.Service.On<CreateClaimRequest>(r => throw new HostException(ErrorCode.ErrorHeldByGuest, $"guest {r.Guest} can't have it", "--move"));
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await dbus.DisposeAsync();

    [Test]
    public async Task Busctl_Tree_ShowsWhatTheCallerMaySee()
    {
        var (_, output, _) = await dbus.BusctlAsync("tree", "--list", DbusOptions.BusName);

        Assert.That(output.Split('\n', StringSplitOptions.RemoveEmptyEntries), Is.SupersetOf(
            ["/org/usbhostd/UsbHost1", "/org/usbhostd/UsbHost1/claims", "/org/usbhostd/UsbHost1/devices/d1", "/org/usbhostd/UsbHost1/guests/a_b"]));
    }

    [Test]
    public async Task Busctl_Introspect_ShowsMethodsAndProperties()
    {
        var manager = await dbus.BusctlAsync("introspect", DbusOptions.BusName, ObjectPaths.Root);
        var device = await dbus.BusctlAsync("introspect", DbusOptions.BusName, ObjectPaths.OfDevice("d1"));

        Assert.That(manager.Output, Does.Match(@"\.CreateClaim +method +ssa\{sv\} +oa\{sv\}"));
        Assert.That(device.Output, Does.Match(@"\.Id +property +s +""d1"""));
    }

    [Test]
    public async Task Busctl_Call_ShowsTheErrorByItsText()
    {
        var (exit, _, error) = await dbus.BusctlAsync(
            "call", DbusOptions.BusName, ObjectPaths.Root, DbusDoor.ManagerInterface, "CreateClaim", "ssa{sv}", "d1", "erp", "1", "Move", "b", "false");

        Assert.That((exit, error), Is.EqualTo((1, "Call failed: guest erp can't have it; --move\n")));
    }

    [Test]
    public async Task Gdbus_Introspect_ReadsTheDocument()
    {
        var (exit, output, error) = await dbus.GdbusAsync("introspect", "--object-path", ObjectPaths.Root, "--xml");

        Assert.That((exit, error), Is.EqualTo((0, "")));
        Assert.That(XDocument.Parse(output).Root!.Elements("node").Select(n => (string?)n.Attribute("name")), Is.EqualTo(["devices", "claims", "guests"]));
    }

    [Test]
    public async Task Gdbus_Call_ShowsTheAnswer()
    {
        var (exit, output, _) = await dbus.GdbusAsync("call", "--object-path", ObjectPaths.OfDevice("d1"), "--method", "org.freedesktop.DBus.Properties.Get", DbusDoor.DeviceInterface, "Uses");

        Assert.That((exit, output), Is.EqualTo((0, "(<[{'Kind': <'MOUNT'>, 'Detail': <'/srv'>, 'Guarded': <false>}]>,)\n")));
    }

    [Test]
    public async Task Gdbus_Call_ShowsTheErrorByItsName()
    {
        var (exit, _, error) = await dbus.GdbusAsync(
            "call", "--object-path", ObjectPaths.Root, "--method", DbusDoor.ManagerInterface + ".CreateClaim", "d1", "erp", "@a{sv} {}");

        Assert.That(exit, Is.EqualTo(1));
        Assert.That(error, Does.Contain("org.usbhostd.UsbHost1.Error.HeldByGuest: guest erp can't have it; --move"));
    }
}
