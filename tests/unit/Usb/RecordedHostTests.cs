// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Daemon.Usb;

namespace UsbHostd.Tests.Usb;

[TestFixture]
internal sealed class RecordedHostTests : UsbHostFixture
{
    [SetUp]
    public void Record() => RecordedHost.AddTo(Sysfs);

    [TestCaseSource(typeof(RecordedHost), nameof(RecordedHost.Devices))]
    public void Read_RecordedDevice_HasUsbGuardsAttributes(RecordedDevice recorded)
    {
        var device = Host.Read(recorded.Devpath)!;
        var interfaces = string.Join(' ', device.InterfaceTypes);
        var text = $"hash \"{device.Hash}\" parent-hash \"{device.ParentHash}\" via-port \"{device.PortPath}\" with-interface "
            + (device.InterfaceTypes.Length == 1 ? interfaces : $"{{ {interfaces} }}") + $" with-connect-type \"{device.ConnectType}\"";
        var rule = RecordedHost.Policy.Split('\n')[Array.IndexOf(RecordedHost.Devices, recorded)];
        Assert.That(text, Is.EqualTo(rule[rule.IndexOf("hash ", StringComparison.Ordinal)..]));
    }

    [Test]
    public void Start_RecordedHost_ReadsEachHubsDescriptorsOnceForAllItsChildren()
    {
        var reads = 0;
        Files.Reading = path => reads += path.EndsWith("/usb1/descriptors", StringComparison.Ordinal) ? 1 : 0;
        Start();
        Assert.That(reads, Is.EqualTo(2), "once for itself, once for 1-1 and 1-2 together");
    }

    [Test]
    public void Read_HubVanishesMidRead_HasNoParentHash()
    {
        const string Hub = "/devices/pci0000:00/0000:00:04.0/usb1/1-2";
        Files.Reading = path =>
        {
            if (path == Sysfs.Sys($"{Hub}/product"))
            {
                File.Delete(Sysfs.Sys($"{Hub}/descriptors"));
            }
        };
        Assert.That(Host.Read($"{Hub}/1-2.1")!.ParentHash, Is.Null);
    }

    [TestCase("1-4", "usb1-port4")]
    [TestCase("1-4/1-4.2", "1-4-port2")]
    public void Read_PortNotLinkedYet_HasItsConnectType(string device, string port)
    {
        Sysfs.AddDevice(Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Hub()), 2, FakeUsbDevice.Stick("A1"));
        var devpath = $"{Usb2Hub}/{device}";
        File.Delete(Sysfs.Sys($"{devpath}/port"));
        var hub = Devpath.Parent(devpath);
        Sysfs.Write($"{hub}/{(hub == Usb2Hub ? "1-0:1.0" : "1-4:1.0")}/{port}/connect_type", "hardwired\n");
        Assert.That(Host.Read(devpath)!.ConnectType, Is.EqualTo("hardwired"));
    }
}
