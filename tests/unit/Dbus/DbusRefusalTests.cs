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
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "ListClaims", Options("IncludeEnded", "b", w => w.Bool(true)));

        Assert.That((refused.Name, refused.Message), Is.EqualTo((Invalid, "ListClaims: found option \"IncludeEnded\", expected IncludeReleased")));
    }

    [Test]
    public async Task Option_WhereThereIsNone_IsRefused()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "GetVersion", Options("x", "s", w => w.String("")));

        Assert.That((refused.Name, refused.Message), Is.EqualTo((Invalid, "GetVersion: found option \"x\", expected no options")));
    }

    [Test]
    public async Task Option_OfAnotherType_IsRefusedWithBoth()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "ListClaims", Options("IncludeReleased", "u", w => w.UInt32(1)));

        Assert.That((refused.Name, refused.Message), Is.EqualTo((Invalid, "ListClaims: found IncludeReleased of type 'u', expected type 'b'")));
    }

    [Test]
    public async Task Option_OfAWordThatThereIsNot_IsRefusedWithThoseThereAre()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "CreateClaim", to =>
        {
            to.String("d");
            to.String("g");
            Options("Lifetime", "s", w => w.String("AGES"))(to);
        });

        Assert.That((refused.Name, refused.Message), Is.EqualTo(
            (Invalid, "CreateClaim: found Lifetime \"AGES\", expected FOREVER, UNTIL_UNPLUG, UNTIL_GUEST_STOPS")));
    }

    [Test]
    public async Task Option_Twice_IsRefused()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "ListClaims", to => to.Container('a', "{sv}", each =>
        {
            each.Entry("IncludeReleased", "b", w => w.Bool(true));
            each.Entry("IncludeReleased", "b", w => w.Bool(false));
        }));

        Assert.That((refused.Name, refused.Message), Is.EqualTo((Invalid, "ListClaims: found an option twice")));
    }

    [Test]
    public async Task Argument_TooLong_IsRefused()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "GetDevice", to =>
        {
            to.String(new string('x', 100_000));
            to.Container('a', "{sv}", _ => { });
        });

        Assert.That((refused.Name, refused.Message), Is.EqualTo((Invalid, "GetDevice: found Device of 100000 characters, expected at most 4096")));
    }

    [Test]
    public async Task Arguments_OfOtherTypes_AreRefusedWithBoth()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "GetDevice", to => to.UInt32(7));

        Assert.That((refused.Name, refused.Message), Is.EqualTo((Invalid, "GetDevice: found arguments of type 'u', expected type 'sa{sv}'")));
    }

    [Test]
    public async Task Object_ThatNoneOfOursCanBe_IsUnknown()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager with { Path = "/org/usbhostd/UsbHost1/devices/d1/x" }, "GetVersion", _ => { });

        Assert.That(refused.Name, Is.EqualTo("org.freedesktop.DBus.Error.UnknownObject"));
    }

    [Test]
    public async Task Method_ThatThereIsNot_IsUnknown()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "Explode", _ => { });

        Assert.That(refused.Name, Is.EqualTo("org.freedesktop.DBus.Error.UnknownMethod"));
    }

    [Test]
    public async Task Set_OfAProperty_IsRefused()
    {
        var refused = await dbus.Client.RefusedAsync(Device, "Set", to =>
        {
            to.String(DbusDoor.DeviceInterface);
            to.String("Label");
            to.Container('v', "s", w => w.String("x"));
        });

        Assert.That(refused.Name, Is.EqualTo("org.freedesktop.DBus.Error.PropertyReadOnly"));
    }

    [Test]
    public async Task Get_OfAnInterfaceThatTheObjectHasNot_IsUnknown()
    {
        var refused = await dbus.Client.RefusedAsync(Device, "Get", to =>
        {
            to.String(DbusDoor.ClaimInterface);
            to.String("Id");
        });

        Assert.That(refused.Name, Is.EqualTo("org.freedesktop.DBus.Error.UnknownInterface"));
    }

    private static Action<MessageWriter> Options(string key, string signature, Action<MessageWriter> write) =>
        to => to.Container('a', "{sv}", each => each.Entry(key, signature, write));
}
