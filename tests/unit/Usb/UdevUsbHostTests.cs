// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Linux;
using UsbHostd.Daemon.Usb;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Tests.Usb;

[TestFixture]
internal sealed class UdevUsbHostTests : UsbHostFixture
{
    [Test]
    public void Start_DevicesThere_EnumeratesThemAll()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Assert.That(Start().Devices.Select(d => d.Syspath), Is.EquivalentTo(new[] { Usb2Hub, Usb3Hub, stick }));
    }

    [Test]
    public void Add_WritesDeviceAsTheReaderGivesIt()
    {
        Start();
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Signals.Raise(Event("add", stick));
        Assert.That(NextPresent().Serial, Is.EqualTo("A1"));
    }

    [Test]
    public void Remove_NeedsTheSyspathOnly()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Start();
        Sysfs.Remove(stick);
        Signals.Raise(Event("remove", stick));
        Assert.That(Next(), Is.EqualTo(new HostEvent.DeviceGone(stick)));
    }

    [TestCase("bind")]
    [TestCase("unbind")]
    [TestCase("add")]
    [TestCase("change")]
    public void InterfaceEvent_ReadsTheParentAgain(string action)
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Start();
        Sysfs.SetDriver($"{stick}/1-4:1.0", "usbfs");
        Signals.Raise(Event(action, $"{stick}/1-4:1.0"));
        Assert.That(NextPresent().Interfaces.Single().Driver, Is.EqualTo("usbfs"));
    }

    [Test]
    public void ManyEventsOfOneDevice_ReadItOnce()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        var other = Sysfs.AddDevice(Usb2Hub, 5, FakeUsbDevice.Stick("B2"));
        Start();
        Signals.Raise(Event("add", stick), Event("add", $"{stick}/1-4:1.0"), Event("bind", $"{stick}/1-4:1.0"), Event("bind", other));
        Assert.That((NextPresent().Serial, NextPresent().Serial), Is.EqualTo(("A1", "B2")));
    }

    [Test]
    public void OneEvent_ReadsOneDevice()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Sysfs.AddDevice(Usb2Hub, 5, FakeUsbDevice.Stick("B2"));
        Start();
        var read = new List<string>();
        Files.Reading = path => read.Add(path);
        Signals.Raise(Event("change", stick));
        NextPresent();
        Assert.That(read.Where(path => path.Contains("/1-5/", StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public void BufferOverflow_ReadsEverythingAfresh()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Start();
        Sysfs.Remove(stick);
        var other = Sysfs.AddDevice(Usb2Hub, 5, FakeUsbDevice.Stick("B2"));
        Signals.Fail(LibC.Enobufs);
        Assert.That(
            ((HostEvent.DevicesEnumerated)Next()).Devices.Select(d => d.Syspath), Is.EquivalentTo(new[] { Usb2Hub, Usb3Hub, other }));
    }

    [TestCase(LibC.Eintr)]
    [TestCase(22)]
    public void ReceiveFailsOtherwise_GoesOnWithTheNext(int errno)
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Start();
        Signals.Fail(errno);
        Signals.Raise(Event("change", stick));
        Assert.That(NextPresent().Syspath, Is.EqualTo(stick));
    }

    [Test]
    public void ReplugInOneBatch_SaysGoneAndThenPresent()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Start();
        Sysfs.Remove(stick);
        Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("B2"));
        Signals.Raise(Event("remove", stick), Event("add", stick));
        Assert.That((Next(), NextPresent().Serial), Is.EqualTo((new HostEvent.DeviceGone(stick), "B2")));
    }

    [Test]
    public void RemoveOlderThanWhatIsThere_DoesNotTakeItAway()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Start();
        Signals.Raise(Event("remove", stick));
        Assert.That(NextPresent().Serial, Is.EqualTo("A1"));
    }

    [Test]
    public void InterfaceOfAVanishedDevice_SaysThatItIsGone()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        var other = Sysfs.AddDevice(Usb2Hub, 5, FakeUsbDevice.Stick("B2"));
        Start();
        Sysfs.Remove(stick);
        Signals.Raise(Event("remove", $"{stick}/1-4:1.0"), Event("change", other));
        Assert.That((Next(), NextPresent().Serial), Is.EqualTo((new HostEvent.DeviceGone(stick), "B2")));
    }

    [Test]
    public void AttributeHiddenForAWhile_KeepsIdentityWithinOnePlug()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Start();
        Files.Fail("serial", int.MaxValue, LibC.Eio);
        Files.Fail("descriptors", int.MaxValue, LibC.Enodev);
        Signals.Raise(Event("change", stick));
        var device = NextPresent();
        Assert.That(
            (device.SerialKey?.Text, device.Descriptors.Length, device.DescriptorFault),
            Is.EqualTo(("serial 0951:1666 A1", 1, (string?)null)));
    }

    [Test]
    public void AttributeHiddenForAWhile_KeepsWhatRulesAskForWithinOnePlug()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Sysfs.Write($"{stick}/port/connect_type", "hotplug\n");
        var before = Start().Devices.Single(d => d.Syspath == stick);
        Assume.That((before.Hash, before.ParentHash, before.ConnectType), Is.Not.EqualTo(((string?)null, (string?)null, (string?)null)));
        Files.Fail("descriptors", int.MaxValue, LibC.Enodev);
        Files.Fail("connect_type", int.MaxValue, LibC.Eio);
        Signals.Raise(Event("change", stick));
        var device = NextPresent();
        Assert.That(
            (device.Hash, device.ParentHash, device.ConnectType, string.Join(' ', device.InterfaceTypes)),
            Is.EqualTo((before.Hash, before.ParentHash, before.ConnectType, string.Join(' ', before.InterfaceTypes))));
    }

    [Test]
    public void SerialHiddenForAWhile_KeepsTheHashThatItIsPartOf()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        var before = Start().Devices.Single(d => d.Syspath == stick);
        Files.Fail("serial", int.MaxValue, LibC.Eio);
        Signals.Raise(Event("change", stick));
        Assert.That(NextPresent().Hash, Is.EqualTo(before.Hash));
    }

    [Test]
    public void DescriptorsHiddenAtFirstSight_DeviceIsTakenWhenTheyCanBeRead()
    {
        var other = Sysfs.AddDevice(Usb2Hub, 5, FakeUsbDevice.Stick("B2"));
        Start();
        Files.Fail("descriptors", int.MaxValue, LibC.Eintr);
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Signals.Raise(Event("add", stick), Event("change", other));
        Assert.That(NextPresent().Serial, Is.EqualTo("B2"), "the one that was read before goes on");
        Files.Fail("descriptors", 0, 0);
        Signals.Raise(Event("bind", $"{stick}/1-4:1.0"));
        var device = NextPresent();
        Assert.That((device.Serial, device.Hash), Is.EqualTo(("A1", Read(stick).Hash)));
    }

    [Test]
    public void DescriptorsHiddenAfterAReplug_TheOldDeviceIsGone()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Start();
        Sysfs.Remove(stick);
        Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Files.Fail("descriptors", int.MaxValue, LibC.Eintr);
        Signals.Raise(Event("add", stick));
        Assert.That(Next(), Is.EqualTo(new HostEvent.DeviceGone(stick)));
    }

    [Test]
    public void IdentityHiddenForAWhile_DoesNotTakeTheDeviceAway()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Start();
        Files.Fail("idVendor", int.MaxValue, LibC.Eio);
        Signals.Raise(Event("change", stick));
        Assert.That(NextPresent().Serial, Is.EqualTo("A1"));
    }

    [Test]
    public void Mounted_WritesOnlyTheDeviceWhoseUsesChanged()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        var other = Sysfs.AddDevice(Usb2Hub, 5, FakeUsbDevice.Stick("B2"));
        Sysfs.AddBlock($"{stick}/1-4:1.0", "sdb", "8:16");
        Sysfs.AddBlock($"{other}/1-5:1.0", "sdc", "8:32");
        Start();
        Sysfs.WriteProc("1/mountinfo", "36 25 8:32 / /srv rw - ext4 /dev/sdc rw\n");
        Signals.Raise(UsbSignal.Mounts);
        var device = NextPresent();
        Assert.That(
            (device.Serial, device.Uses.Single()), Is.EqualTo(("B2", new HostUse(HostUseKind.Mount, "/dev/sdc on /srv"))));
    }

    [TestCase(true, ExpectedResult = 0)]
    [TestCase(false, ExpectedResult = 1)]
    public int Start_MountsOfTheFirstProcessHidden_SaysSoOnce(bool readable)
    {
        if (!readable)
        {
            File.Delete(Sysfs.Options.HostMounts);
            Sysfs.WriteProc("self/mountinfo", "");
        }

        Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Start();
        Signals.Raise(UsbSignal.Mounts);
        return Log.Ids.Count(id => id == 1113);
    }

    [Test]
    public void SwappedOn_IsSeen()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Sysfs.AddBlock($"{stick}/1-4:1.0", "sdb", "8:16");
        Start();
        Sysfs.WriteProc("swaps", "Filename Type Size Used Priority\n/dev/sdb partition 100 0 -2\n");
        Signals.Raise(UsbSignal.Swaps);
        Assert.That(NextPresent().Uses.Single().Kind, Is.EqualTo(HostUseKind.Swap));
    }

    [Test]
    public void DefaultRouteSet_IsSeen()
    {
        var adapter = Sysfs.AddDevice(Usb2Hub, 4, new FakeUsbDevice());
        Sysfs.AddNetwork($"{adapter}/1-4:1.0", "eth1");
        Start();
        Sysfs.WriteProc("net/route", HostUsesTests.RouteV4("eth1", "0003"));
        Signals.Raise(UsbSignal.Routes);
        Assert.That(NextPresent().Uses.Select(u => u.Kind), Is.EqualTo(new[] { HostUseKind.Network, HostUseKind.DefaultRoute }));
    }

    [Test]
    public void OtherKeyboardUnplugged_MakesThisOneTheLast()
    {
        var first = AddKeyboard(4, "input4");
        var second = AddKeyboard(5, "input5");
        Start();
        Sysfs.Remove(first);
        File.Delete(Sysfs.Sys("/class/input/input4"));
        Signals.Raise(Event("remove", first));
        Next();
        var device = NextPresent();
        Assert.That(
            (device.Syspath, device.Uses[^1]), Is.EqualTo((second, new HostUse(HostUseKind.LastKeyboard, "input5"))));
    }

    [Test]
    public void MonitorFails_EndsTheEventsWithItsError()
    {
        Start();
        Signals.Break(new IOException("poll"));
        Assert.That(End, Throws.TypeOf<IOException>());
    }

    [Test]
    public void Dispose_EndsTheThread()
    {
        Start();
        Host.Dispose();
        Assert.That(() => Signals.Raise(UsbSignal.Mounts), Throws.TypeOf<ObjectDisposedException>());
    }

    private string AddKeyboard(int port, string input)
    {
        var keyboard = Sysfs.AddDevice(Usb2Hub, port, FakeUsbDevice.Keyboard());
        Sysfs.AddInput($"{keyboard}/1-{port}:1.0/0003:046D:C31C.0001", input, isKeyboard: true);
        return keyboard;
    }
}
