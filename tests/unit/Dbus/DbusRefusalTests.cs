// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Dbus;

namespace UsbHostd.Tests.Dbus;

/// <summary>Calls that are wrong in themselves: none reaches the service.</summary>
[TestFixture]
internal sealed class DbusRefusalTests
{
    private const string Invalid = "org.usbhostd.UsbHost1.Error.InvalidArgument";

    private static readonly BusTarget Device = BusClient.Manager with { Path = ObjectPaths.OfDevice("d1"), Interface = DbusDoor.PropertiesInterface };

    private DbusFixture dbus = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => dbus = await DbusFixture.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await dbus.DisposeAsync();

    [TearDown]
    public void NothingWasAsked() => Assert.That(dbus.Service.Asked, Is.Empty);

    [Test]
    public async Task Option_ThatThereIsNot_IsRefusedWithThoseThereAre()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "ListClaims", "a{sv}", Options("IncludeEnded", "b", (ref w) => w.WriteBool(true)));

        Assert.That((refused.Name, refused.Message), Is.EqualTo((Invalid, "ListClaims: found option \"IncludeEnded\", expected IncludeReleased")));
    }

    [Test]
    public async Task Option_WhereThereIsNone_IsRefused()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "GetVersion", "a{sv}", Options("x", "s", (ref w) => w.Text("")));

        Assert.That((refused.Name, refused.Message), Is.EqualTo((Invalid, "GetVersion: found option \"x\", expected no options")));
    }

    [Test]
    public async Task Option_OfAnotherType_IsRefusedWithBoth()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "ListClaims", "a{sv}", Options("IncludeReleased", "u", (ref w) => w.WriteUInt32(1)));

        Assert.That((refused.Name, refused.Message), Is.EqualTo((Invalid, "ListClaims: found IncludeReleased of type 'u', expected type 'b'")));
    }

    [Test]
    public async Task Option_OfAWordThatThereIsNot_IsRefusedWithThoseThereAre()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "CreateClaim", "ssa{sv}", (ref to) =>
        {
            to.Text("d");
            to.Text("g");
            Options("Lifetime", "s", (ref w) => w.Text("AGES"))(ref to);
        });

        Assert.That((refused.Name, refused.Message), Is.EqualTo(
            (Invalid, "CreateClaim: found Lifetime \"AGES\", expected FOREVER, UNTIL_UNPLUG, UNTIL_GUEST_STOPS")));
    }

    [Test]
    public async Task Option_Twice_IsRefused()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "ListClaims", "a{sv}", (ref to) =>
        {
            var start = to.WriteDictionaryStart();
            to.Entry("IncludeReleased", "b", (ref w) => w.WriteBool(true));
            to.Entry("IncludeReleased", "b", (ref w) => w.WriteBool(false));
            to.WriteDictionaryEnd(start);
        });

        Assert.That((refused.Name, refused.Message), Is.EqualTo((Invalid, "ListClaims: found an option twice")));
    }

    [Test]
    public async Task Argument_TooLong_IsRefused()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "GetDevice", "sa{sv}", (ref to) =>
        {
            to.Text(new string('x', 100_000));
            to.NoEntries();
        });

        Assert.That((refused.Name, refused.Message), Is.EqualTo((Invalid, "GetDevice: found Device of 100000 characters, expected at most 4096")));
    }

    [Test]
    public async Task Arguments_OfOtherTypes_AreRefusedWithBoth()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "GetDevice", "u", (ref to) => to.WriteUInt32(7));

        Assert.That((refused.Name, refused.Message), Is.EqualTo((Invalid, "GetDevice: found arguments of type 'u', expected type 'sa{sv}'")));
    }

    [Test]
    public async Task Object_ThatNoneOfOursCanBe_IsUnknown()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager with { Path = "/org/usbhostd/UsbHost1/devices/d1/x" }, "GetVersion", "", (ref _) => { });

        Assert.That(refused.Name, Is.EqualTo("org.freedesktop.DBus.Error.UnknownObject"));
    }

    [Test]
    public async Task Method_ThatThereIsNot_IsUnknown()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "Explode", "", (ref _) => { });

        Assert.That(refused.Name, Is.EqualTo("org.freedesktop.DBus.Error.UnknownMethod"));
    }

    [Test]
    public async Task Set_OfAProperty_IsRefused()
    {
        var refused = await dbus.Client.RefusedAsync(Device, "Set", "ssv", (ref to) =>
        {
            to.Text(DbusDoor.DeviceInterface);
            to.Text("Label");
            to.WriteVariantString("x");
        });

        Assert.That(refused.Name, Is.EqualTo("org.freedesktop.DBus.Error.PropertyReadOnly"));
    }

    [Test]
    public async Task Get_OfAnInterfaceThatTheObjectHasNot_IsUnknown()
    {
        var refused = await dbus.Client.RefusedAsync(Device, "Get", "ss", (ref to) =>
        {
            to.Text(DbusDoor.ClaimInterface);
            to.Text("Id");
        });

        Assert.That(refused.Name, Is.EqualTo("org.freedesktop.DBus.Error.UnknownInterface"));
    }

    private static BodyWriter Options(string key, string signature, BodyWriter write) => (ref to) =>
    {
        var start = to.WriteDictionaryStart();
        to.Entry(key, signature, write);
        to.WriteDictionaryEnd(start);
    };
}
