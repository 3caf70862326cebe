// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Guests;
using UsbHostd.Libvirt;

namespace UsbHostd.Tests.Libvirt;

/// <summary>What libvirt itself gives back of a definition.</summary>
[TestFixture]
[NonParallelizable]
internal sealed class GuestReaderTests
{
    [Test]
    public void Read_MetadataThatLibvirtTakesAndWeCannotRead_IsTheGuestWithOurOwn()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, """
                <node><domain type='test'>
                  <name>odd</name>
                  <metadata>
                    <m:x xmlns:m='urn:x'><m:ꀀ/><n:undeclared/></m:x>
                    <u:usb xmlns:u='urn:usbhostd:domain:1'><u:claim device='serial:A'/></u:usb>
                  </metadata>
                  <memory>65536</memory><os><type>hvm</type></os>
                </domain></node>
                """);
            using var connection = LibvirtConnection.Open($"test://{file}");
            using var domain = connection.LookupByName("odd");
            Assume.That(domain.GetXml(), Does.Contain("ꀀ").And.Contain("n:undeclared"));

            var guest = GuestReader.Read(domain, "boot", QemuStartTimes.For("test:///default", "/proc"));

            Assert.That(guest.Name, Is.EqualTo("odd"));
            Assert.That(guest.Wishes, Is.EqualTo([new GuestWish("serial:A", Optional: false)]));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
