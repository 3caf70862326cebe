// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Daemon.Guests.Xml;

namespace UsbHostd.Tests.Guests;

/// <summary>The device nodes of the host that a guest's XML names.</summary>
[TestFixture]
internal sealed class NodeXmlTests
{
    [TestCase("<disk type='block' device='disk'><source dev='/dev/disk/by-id/usb-A'/><target dev='vda'/></disk>", "disk /dev/disk/by-id/usb-A")]
    [TestCase("<disk type='block'><source dev='/srv/link'/></disk>", "disk /srv/link")]
    [TestCase("<disk type='file'><source file='/dev/sdb'/></disk>", "disk /dev/sdb")]
    [TestCase("<disk type='file'><source file='/srv/x'/><backingStore type='block'><source dev='/dev/sdb1'/></backingStore></disk>", "disk /dev/sdb1")]
    [TestCase("<serial type='dev'><source path='/dev/serial/by-id/usb-FT'/></serial>", "serial /dev/serial/by-id/usb-FT")]
    [TestCase("<console type='dev'><source path='/dev/ttyUSB0'/></console>", "console /dev/ttyUSB0")]
    [TestCase("<parallel type='dev'><source path='/dev/usb/lp0'/></parallel>", "parallel /dev/usb/lp0")]
    [TestCase("<input type='evdev'><source dev='/dev/input/by-id/kbd'/></input>", "input /dev/input/by-id/kbd")]
    [TestCase("<input type='passthrough' bus='virtio'><source evdev='/dev/input/event5'/></input>", "input /dev/input/event5")]
    [TestCase("<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host6'/><address bus='0' target='1' unit='2'/></source></hostdev>", "SCSI hostdev 6:0:1:2")]
    public void Parse_ElementThatNamesANode_GivesIt(string element, string expected) => Assert.That(Nodes(element), Is.EqualTo(expected));

    [TestCase("<disk type='file'><source file='/srv/image.qcow2'/></disk>")]
    [TestCase("<disk type='volume'><source pool='usb' volume='one'/></disk>")]
    [TestCase("<disk type='network'><source protocol='rbd' name='/dev/x'/></disk>")]
    [TestCase("<console type='pty' tty='/dev/pts/3'><source path='/dev/pts/3'/></console>")]
    [TestCase("<rng model='virtio'><backend model='random'>/dev/hwrng</backend></rng>")]
    [TestCase("<hostdev type='scsi'><source protocol='iscsi' name='iqn'/></hostdev>")]
    [TestCase("<hostdev type='scsi'><source><adapter name='scsi_hostx'/><address bus='0' target='1' unit='2'/></source></hostdev>")]
    [TestCase("<hostdev type='usb'><source><address bus='1' device='2'/></source></hostdev>")]
    public void Parse_ElementThatNamesNone_GivesNone(string element) => Assert.That(Nodes(element), Is.Empty);

    [Test]
    public void Parse_MoreNodesThanAnyGuestHas_KeepsABoundedNumber()
    {
        var disks = string.Concat(Enumerable.Range(0, 1000).Select(i => $"<disk type='block'><source dev='/dev/x{i}'/></disk>"));
        Assert.That(Parse(disks).Nodes, Has.Length.LessThan(1000));
    }

    [Test]
    public void Parse_PathBeyondAnyFileSystems_IsLeftOut() =>
        Assert.That(Nodes($"<disk type='block'><source dev='/dev/{new string('x', 5000)}'/></disk>"), Is.Empty);

    private static string Nodes(string element) => string.Join(", ", Parse(element).Nodes.Select(n => $"{n.Role} {n.Source}"));

    private static DomainXml Parse(string devices) => DomainXml.Parse($"<domain id='3'><devices>{devices}</devices></domain>");
}
