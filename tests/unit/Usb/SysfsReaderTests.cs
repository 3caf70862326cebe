// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Daemon.Linux;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Tests.Usb;

[TestFixture]
internal sealed class SysfsReaderTests : UsbHostFixture
{
    [Test]
    public void Read_Stick_HasIdsStringsAndKeys()
    {
        var device = Read(Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("E0D55E") with { Number = 7 }));
        Assert.That(
            (device.UsbId.ToString(), device.Address.ToString(), device.PortPath.ToString(), device.Manufacturer, device.Product,
                device.Serial, device.PortKey.Text, device.SerialKey?.Text, device.BcdDevice, device.BcdUsb, device.Speed),
            Is.EqualTo(("0951:1666", "001:007", "1-4", "Kingston", "DataTraveler 3.0", "E0D55E",
                "port pci 0000:00:14.0 usb2 4", (string?)"serial 0951:1666 E0D55E", (ushort)0x0110, (ushort)0x0200, UsbSpeed.High)));
    }

    [Test]
    public void Read_Keyboard_HasBothInterfacesWithDriver()
    {
        var device = Read(Sysfs.AddDevice(Usb2Hub, 2, FakeUsbDevice.Keyboard()));
        Assert.That(device.Interfaces, Is.EqualTo(new[]
        {
            new UsbInterface("1-2:1.0", 0, new UsbClass(3, 1, 1), "usbhid", true),
            new UsbInterface("1-2:1.1", 1, new UsbClass(3, 0, 0), "usbhid", true),
        }));
    }

    [Test]
    public void Read_SuperSpeedStreams_AreOnBulkEndpointsOfBothDescriptors()
    {
        var uas = new FakeInterface { Class = "08", Subclass = "06", Protocol = "62", Driver = "uas", Streams = 4 };
        var device = Read(Sysfs.AddDevice(Usb3Hub, 1, FakeUsbDevice.Stick("X1") with { Speed = "5000", Interfaces = [uas] }));
        Assert.That(
            (device.Half, device.DescriptorFault, string.Join(',', device.Descriptors[0].Endpoints.Select(e => e.MaxStreams))),
            Is.EqualTo((UsbHalf.Usb3, (string?)null, "4,4")));
    }

    [Test]
    public void Read_RootHub_IsHubWithPortKeyOfEmptyChain()
    {
        var device = Read(Usb3Hub);
        Assert.That(
            (device.IsRootHub, device.IsHub, DeviceKey.Parse(device.PortKey.Text).Text, device.Interfaces.Single().Driver),
            Is.EqualTo((true, true, "port pci 0000:00:14.0 usb3 ", "hub")));
    }

    [Test]
    public void Read_GadgetOnPlatformController_NamesItsBus()
    {
        var hub = Sysfs.AddRootHub("/devices/platform/dummy_hcd.0", "platform", 3);
        Assert.That(
            Read(Sysfs.AddDevice(hub, 1, FakeUsbDevice.Stick(null))).PortKey.Text, Is.EqualTo("port platform dummy_hcd.0 usb2 1"));
    }

    [Test]
    public void Read_PeerPorts_TieTheHalvesWhateverTheirNumbers()
    {
        Sysfs.AddPeers(Usb2Hub, 9, Usb3Hub, 3);
        var slow = Sysfs.AddDevice(Usb2Hub, 9, FakeUsbDevice.Stick("A1"));
        var fast = Sysfs.AddDevice(Usb3Hub, 3, FakeUsbDevice.Stick("A1") with { Speed = "5000" });
        Assert.That(
            (Read(slow).PeerPortKey?.Text, Read(fast).PeerPortKey?.Text),
            Is.EqualTo(("port pci 0000:00:14.0 usb3 3", "port pci 0000:00:14.0 usb2 9")));
    }

    [Test]
    public void Read_PeerBelowHub_HasTheHubsChain()
    {
        var hub2 = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Hub());
        var hub3 = Sysfs.AddDevice(Usb3Hub, 1, FakeUsbDevice.Hub() with { Speed = "5000" });
        Sysfs.AddPeers(hub2, 2, hub3, 2);
        Assert.That(
            Read(Sysfs.AddDevice(hub2, 2, FakeUsbDevice.Stick("A1"))).PeerPortKey?.Text, Is.EqualTo("port pci 0000:00:14.0 usb3 1.2"));
    }

    [Test]
    public void Read_Hub_LeavesItsChildrensUsesToThem()
    {
        var hub = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Hub());
        var stick = Sysfs.AddDevice(hub, 1, FakeUsbDevice.Stick("A1"));
        Sysfs.AddBlock($"{stick}/1-4.1:1.0", "sdb", "8:16");
        Sysfs.WriteProc("1/mountinfo", "36 25 8:16 / /srv rw - ext4 /dev/sdb rw\n");
        Assert.That((Read(hub).Uses.Length, Read(stick).Uses.Length), Is.EqualTo((0, 1)));
    }

    [Test]
    public void Read_NotInitialisedByUdev_IsNotThereYet()
    {
        var devpath = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1") with { IsInitialized = false });
        Assert.That(Host.Read(devpath), Is.Null);
    }

    [Test]
    public void Read_ReplugIntoSamePort_HasAnotherPlugToken()
    {
        var devpath = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1") with { Number = 5 });
        var first = Read(devpath).Plug;
        Sysfs.Remove(devpath);
        Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1") with { Number = 5 });
        Assert.That(Read(devpath).Plug, Is.Not.EqualTo(first));
    }

    [TestCase("../../etc")]
    [TestCase("/devices/../../etc")]
    [TestCase("/devices/pci0000:00/nothing")]
    public void Read_NoDevice_IsNull(string syspath) => Assert.That(Host.Read(syspath), Is.Null);

    [TestCase(LibC.Enodev)]
    [TestCase(LibC.Eio)]
    [TestCase(LibC.Esrch)]
    [TestCase(LibC.Eintr)]
    public void Read_AttributeFailsOnce_IsReadAgain(int errno)
    {
        var devpath = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Files.Fail("serial", 1, errno);
        Assert.That(Read(devpath).Serial, Is.EqualTo("A1"));
    }

    [Test]
    public void Read_AttributeFailsForGood_ReadsTheRest()
    {
        var devpath = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Files.Fail("product", int.MaxValue, LibC.Eio);
        Assert.That((Read(devpath).Product, Read(devpath).Serial), Is.EqualTo(((string?)null, "A1")));
    }

    [Test]
    public void Read_DeviceVanishesMidRead_IsNull()
    {
        var devpath = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Files.Reading = path =>
        {
            if (path.EndsWith("1-4/devnum", StringComparison.Ordinal))
            {
                Files.Reading = _ => { };
                Sysfs.Remove(devpath);
            }
        };
        Assert.That(Host.Read(devpath), Is.Null);
    }

    [Test]
    public void Read_NamesFromUsbIds_StandBesideItsOwn()
    {
        File.WriteAllText(Sysfs.Options.UsbIdFiles[0], "0951  Kingston Technology\n\t1666  DataTraveler 100\n");
        var device = Read(Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1") with { ProductName = null }));
        Assert.That(
            (device.Product, device.VendorFromDatabase, device.ProductFromDatabase),
            Is.EqualTo(((string?)null, "Kingston Technology", "DataTraveler 100")));
    }
}
