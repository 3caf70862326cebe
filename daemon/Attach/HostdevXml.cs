// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using System.Xml;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Daemon.Attach;

/// <summary>
/// The hostdev element that attaches one device (libvirt: formatdomain, section "USB / PCI / SCSI devices"). Only numbers and our
/// own alias are in it: no string of the device's.
/// </summary>
internal static class HostdevXml
{
    /// <summary>
    /// Vendor, product and address together make libvirt require all three. startupPolicy='optional' lets a managed save restore
    /// after the device has gone.
    /// </summary>
    /// <param name="controller">Index of the guest's controller; null leaves the choice to libvirt.</param>
    public static string Write(UsbDevice device, AttachmentAlias alias, GuestReset reset, int? controller = null)
    {
        var text = new StringBuilder(400);
        using (var xml = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true }))
        {
            xml.WriteStartElement("hostdev");
            xml.WriteAttributeString("mode", "subsystem");
            xml.WriteAttributeString("type", "usb");
            xml.WriteAttributeString("managed", "no");
            xml.WriteStartElement("source");
            xml.WriteAttributeString("startupPolicy", "optional");
            if (reset != GuestReset.On)
            {
                // "on" is libvirt's own default, and libvirt before 8.6.0 knows no guestReset.
                xml.WriteAttributeString("guestReset", reset == GuestReset.Off ? "off" : "uninitialized");
            }

            WriteId(xml, "vendor", device.UsbId.Vendor);
            WriteId(xml, "product", device.UsbId.Product);
            xml.WriteStartElement("address");
            xml.WriteAttributeString("bus", device.Address.Bus.ToString());
            xml.WriteAttributeString("device", device.Address.Device.ToString());
            xml.WriteEndElement();
            xml.WriteEndElement();
            xml.WriteStartElement("alias");
            xml.WriteAttributeString("name", alias.ToString());
            xml.WriteEndElement();
            WriteTarget(xml, controller);
            xml.WriteEndElement();
        }

        return text.ToString();
    }

    /// <summary>The port on it is libvirt's to choose (virDomainUSBAddressEnsure): it knows of all that are taken.</summary>
    private static void WriteTarget(XmlWriter xml, int? controller)
    {
        if (controller is { } index)
        {
            xml.WriteStartElement("address");
            xml.WriteAttributeString("type", "usb");
            xml.WriteAttributeString("bus", index.ToString(CultureInfo.InvariantCulture));
            xml.WriteEndElement();
        }
    }

    private static void WriteId(XmlWriter xml, string element, ushort id)
    {
        xml.WriteStartElement(element);
        xml.WriteAttributeString("id", $"0x{id:x4}");
        xml.WriteEndElement();
    }
}
