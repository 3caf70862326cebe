// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Xml.Linq;
using NUnit.Framework;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Attach;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Tests.Attach;

/// <summary>The XML that attaches a device.</summary>
[TestFixture]
internal sealed class HostdevXmlTests
{
    private static readonly AttachmentAlias Alias = new(
        ClaimId.Of(new Guid("11111111-2222-3333-4444-555555555555")), PlugToken.Of("boot", "/devices/x/usb1/1-4", 42));

    [TestCase(GuestReset.Off)]
    [TestCase(GuestReset.Uninitialized)]
    [TestCase(GuestReset.On)]
    public void Write_InsideADomain_PassesLibvirtsOwnSchema(GuestReset reset)
    {
        var hostdev = HostdevXml.Write(Stick(), Alias, reset);
        var (exit, said) = Validate(Domain(hostdev));
        Assert.That(exit, Is.Zero, said);
    }

    [TestCase(0)]
    [TestCase(12)]
    public void Write_WithAController_NamesItWithoutAPortAndPassesLibvirtsOwnSchema(int controller)
    {
        var hostdev = HostdevXml.Write(Stick(), Alias, GuestReset.Off, controller);
        var (exit, said) = Validate(Domain(hostdev));
        Assert.That(exit, Is.Zero, said);
        Assert.That(
            XElement.Parse(hostdev).Element("address")!.Attributes().Select(a => $"{a.Name}={a.Value}"), Is.EqualTo(["type=usb", $"bus={controller}"]));
    }

    [Test]
    public void Write_WithoutAController_LeavesTheAddressToLibvirt() =>
        Assert.That(XElement.Parse(HostdevXml.Write(Stick(), Alias, GuestReset.Off)).Element("address"), Is.Null);

    [Test]
    public void Validate_WithAnElementThatLibvirtDoesNotKnow_Fails()
    {
        var hostdev = HostdevXml.Write(Stick(), Alias, GuestReset.Off).Replace("<vendor", "<seller", StringComparison.Ordinal);
        Assert.That(Validate(Domain(hostdev)).Exit, Is.Not.Zero);
    }

    [Test]
    public void Write_NamesVendorProductAndAddressTogether()
    {
        var source = XElement.Parse(HostdevXml.Write(Stick(), Alias, GuestReset.Off)).Element("source")!;
        Assert.Multiple(() =>
        {
            Assert.That((string?)source.Attribute("startupPolicy"), Is.EqualTo("optional"));
            Assert.That((string?)source.Element("vendor")?.Attribute("id"), Is.EqualTo("0x0951"));
            Assert.That((string?)source.Element("product")?.Attribute("id"), Is.EqualTo("0x1666"));
            Assert.That((string?)source.Element("address")?.Attribute("bus"), Is.EqualTo("1"));
            Assert.That((string?)source.Element("address")?.Attribute("device"), Is.EqualTo("9"));
        });
    }

    [Test]
    public void Write_ForADeviceWithHostileStrings_HasNoneOfThemInIt()
    {
        var hostile = Stick() with { Product = "\"/><evil", Manufacturer = "]]>&x;", Serial = "'<alias name='ua-mine'/>" };
        Assert.That(HostdevXml.Write(hostile, Alias, GuestReset.Off), Is.EqualTo(HostdevXml.Write(Stick(), Alias, GuestReset.Off)));
    }

    [Test]
    public void Alias_ReadFromWhatWasWritten_IsTheSame()
    {
        var written = XElement.Parse(HostdevXml.Write(Stick(), Alias, GuestReset.Off)).Element("alias")!.Attribute("name")!.Value;
        Assert.That(AttachmentAlias.TryParse(written), Is.EqualTo(Alias));
    }

    [TestCase("ua-usbhostd-c-p")]
    [TestCase("ua-usbhostd-caaaaaaaaaaaa-paaaaaaaaaaaaa")]
    [TestCase("ua-usbhostd-caaaaaaaaaaa1-paaaaaaaaaaaa")]
    [TestCase("ua-other-caaaaaaaaaaaa-paaaaaaaaaaaa")]
    [TestCase("hostdev0")]
    [TestCase("")]
    public void Alias_ThatIsNotOfOurMaking_IsForeign(string alias) => Assert.That(AttachmentAlias.TryParse(alias), Is.Null);

    private static UsbDevice Stick() => new()
    {
        Syspath = "/devices/x/usb1/1-4",
        UsbId = new UsbId(0x0951, 0x1666),
        Address = new UsbAddress(1, 9),
        PortPath = new UsbPortPath(1, "4"),
        Plug = Alias.Plug,
        Controller = new UsbController("pci", "0000:00:14.0"),
        PortKey = DeviceKey.Port(new UsbController("pci", "0000:00:14.0"), UsbHalf.Usb2, "4"),
        DeviceNode = "/dev/bus/usb/001/009",
    };

    private static string Domain(string hostdev) => $"""
        <domain type='kvm'>
          <name>minimal</name>
          <memory>65536</memory>
          <os><type>hvm</type></os>
          <devices>{hostdev}</devices>
        </domain>
        """;

    private static (int Exit, string Said) Validate(string domain)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, domain);
            using var process = Process.Start(new ProcessStartInfo("virt-xml-validate", [file, "domain"])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var said = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, said);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
