// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Usb;

namespace UsbHostd.Tests.Usb;

[TestFixture]
internal sealed class SysfsUsbWriterJailTests : UsbHostFixture
{
    private const string Default = "interface_authorized_default";
    private const string Bind = "/bus/usb/drivers/hub/bind";

    private FakeHubPorts ports = null!;

    private SysfsUsbWriter Writer => new(Sysfs.Options, ports, NullLogger<SysfsUsbWriter>.Instance);

    private string Remembered => $"{Sysfs.Options.Run}/usbhostd/jail";

    [SetUp]
    public void SetUp()
    {
        ports = new FakeHubPorts();
        Sysfs.Write($"{Usb2Hub}/{Default}", "1\n");
        Sysfs.Write(Bind, "");
    }

    [TearDown]
    public void TearDown() => ports.Dispose();

    [Test]
    public void RootHub_IsClosedAndItsSettingRemembered()
    {
        Writer.ApplyJail(Read(Usb2Hub), JailRole.RootHub);

        Assert.That((Sysfs.Read(Usb2Hub, Default), File.ReadAllText(Remembered)), Is.EqualTo(("0", $"1 {Usb2Hub}\n")));
    }

    [Test]
    public void RootHub_ClosedByADaemonThatCrashed_KeepsWhatThatOneRemembered()
    {
        Writer.ApplyJail(Read(Usb2Hub), JailRole.RootHub);

        Writer.ApplyJail(Read(Usb2Hub), JailRole.RootHub);

        Assert.That(File.ReadAllText(Remembered), Is.EqualTo($"1 {Usb2Hub}\n"));
    }

    [Test]
    public void RootHub_OfAKernelWithoutTheAttribute_IsAnError()
    {
        File.Delete(Sysfs.Sys($"{Usb2Hub}/{Default}"));

        Assert.That(() => Writer.ApplyJail(Read(Usb2Hub), JailRole.RootHub), Throws.InstanceOf<IOException>().With.Message.Contains("Linux 4.4"));
    }

    [Test]
    public void OpenJail_GivesTheSettingBackAndForgetsIt()
    {
        Writer.ApplyJail(Read(Usb2Hub), JailRole.RootHub);

        Writer.OpenJail(ImmutableHashSet<string>.Empty);

        Assert.That((Sysfs.Read(Usb2Hub, Default), File.Exists(Remembered)), Is.EqualTo(("1", false)));
    }

    [Test]
    public void OpenJail_ControllerThatIsStillJailed_StaysClosed()
    {
        Writer.ApplyJail(Read(Usb2Hub), JailRole.RootHub);

        Writer.OpenJail(ImmutableHashSet.Create(StringComparer.Ordinal, "0000:00:14.0"));

        Assert.That((Sysfs.Read(Usb2Hub, Default), File.Exists(Remembered)), Is.EqualTo(("0", true)));
    }

    [TestCase("1 /etc/../devices/x")]
    [TestCase("7 /devices/pci0000:00/0000:00:14.0/usb1")]
    [TestCase("1")]
    public void OpenJail_SomethingElseInTheFile_WritesNothing(string line)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Remembered)!);
        File.WriteAllText(Remembered, line);
        Sysfs.Write($"{Usb2Hub}/{Default}", "0\n");

        Writer.OpenJail(ImmutableHashSet<string>.Empty);

        Assert.That(Sysfs.Read(Usb2Hub, Default), Is.EqualTo("0"));
    }

    [Test]
    public void Lent_HoldsThePortAndAuthorises()
    {
        var stick = AddStick(isAuthorized: false);

        Writer.ApplyJail(Read(stick), JailRole.Lent);

        Assert.That(ports.Held, Is.EqualTo([($"{Sysfs.Options.Dev}/bus/usb/001/001", 4)]));
        Assert.That(Sysfs.Read($"{stick}/1-4:1.0", "authorized"), Is.EqualTo("1"));
    }

    [Test]
    public void Lent_BehindAHub_HoldsThatHubsPort()
    {
        var hub = Sysfs.AddDevice(Usb2Hub, 3, FakeUsbDevice.Hub());
        var stick = Sysfs.AddDevice(hub, 2, FakeUsbDevice.Stick("A1"));

        Writer.ApplyJail(Read(stick), JailRole.Lent);

        Assert.That(ports.Held, Is.EqualTo([($"{Sysfs.Options.Dev}/bus/usb/001/002", 2)]));
    }

    [Test]
    public void Lent_PortThatCannotBeHeld_AuthorisesNothing()
    {
        var stick = AddStick(isAuthorized: false);
        ports.Refuses = true;

        Assert.That(() => Writer.ApplyJail(Read(stick), JailRole.Lent), Throws.InstanceOf<IOException>());
        Assert.That(Sysfs.Read($"{stick}/1-4:1.0", "authorized"), Is.EqualTo("0"));
    }

    [Test]
    public void Confined_TakesTheAuthorisationAwayAndLetsThePortGo()
    {
        var stick = AddStick(isAuthorized: false);
        Writer.ApplyJail(Read(stick), JailRole.Lent);

        Writer.ApplyJail(Read(stick), JailRole.Confined);

        Assert.That((Sysfs.Read($"{stick}/1-4:1.0", "authorized"), ports.Held.Count), Is.EqualTo(("0", 0)));
    }

    [Test]
    public void Confined_WithoutConfiguration_IsDeauthorisedAndAuthorisedForOne()
    {
        var stick = AddStick(isAuthorized: false);
        Sysfs.Write($"{stick}/bConfigurationValue", "\n");
        File.SetLastWriteTimeUtc(Sysfs.Sys($"{stick}/authorized"), DateTime.UnixEpoch);

        Writer.ApplyJail(Read(stick), JailRole.Confined);

        var written = File.GetLastWriteTimeUtc(Sysfs.Sys($"{stick}/authorized")) > DateTime.UnixEpoch;
        Assert.That((written, Sysfs.Read(stick, "authorized")), Is.EqualTo((true, "1")));
    }

    [Test]
    public void Hub_IsAuthorisedAndBoundToTheHubDriverAlone()
    {
        var hub = AddHub(new FakeInterface { Class = "09", IsAuthorized = false });

        Writer.ApplyJail(Read(hub), JailRole.Hub);

        Assert.That((Sysfs.Read($"{hub}/1-3:1.0", "authorized"), Sysfs.Read("/bus/usb/drivers/hub", "bind")), Is.EqualTo(("1", "1-3:1.0")));
        Assert.That(Sysfs.Read("/bus/usb", "drivers_probe"), Is.Empty);
    }

    [Test]
    public void Hub_ThatIsAKeyboardToo_HasNoKeyboard()
    {
        var hub = AddHub(new FakeInterface { Class = "09", IsAuthorized = false }, new FakeInterface { Class = "03" }, new FakeInterface { Class = "09" });

        Writer.ApplyJail(Read(hub), JailRole.Hub);

        Assert.That(
            string.Join(' ', Enumerable.Range(0, 3).Select(i => Sysfs.Read($"{hub}/1-3:1.{i}", "authorized"))), Is.EqualTo("1 0 0"));
    }

    [Test]
    public void Hub_ThatTheDriverRefuses_IsUnauthorisedAgain()
    {
        var hub = AddHub(new FakeInterface { Class = "09", IsAuthorized = false });
        File.Delete(Sysfs.Sys(Bind));

        Writer.ApplyJail(Read(hub), JailRole.Hub);

        Assert.That(Sysfs.Read($"{hub}/1-3:1.0", "authorized"), Is.EqualTo("0"));
    }

    [Test]
    public void Hub_ThatWorks_IsLeftAlone()
    {
        var hub = AddHub(new FakeInterface { Class = "09", Driver = "hub" });

        Writer.ApplyJail(Read(hub), JailRole.Hub);

        Assert.That(Sysfs.Read("/bus/usb/drivers/hub", "bind"), Is.Empty);
    }

    private string AddStick(bool isAuthorized) =>
        Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1") with { Interfaces = [new FakeInterface { Class = "08", IsAuthorized = isAuthorized }] });

    private string AddHub(params FakeInterface[] interfaces) => Sysfs.AddDevice(Usb2Hub, 3, FakeUsbDevice.Hub() with { Interfaces = interfaces });
}
