// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using System.Xml;

namespace UsbHostd.Policy.Rules.Import;

/// <summary>A filter as libvirt has it in a domain's devices (formatdomain, "Redirected devices").</summary>
public static class RedirFilterXml
{
    /// <summary>
    /// For example <c>&lt;redirfilter&gt;&lt;usbdev class="0x08" allow="yes" /&gt;&lt;usbdev allow="no" /&gt;&lt;/redirfilter&gt;</c>; what
    /// stands for any is left out. A release is written as libvirt reads it back: <c>version="2.56"</c> for bcdDevice 0x0256.
    /// </summary>
    public static string Write(RedirFilter filter)
    {
        var text = new StringBuilder();
        using (var to = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true, Indent = true, NewLineChars = "\n" }))
        {
            to.WriteStartElement("redirfilter");
            foreach (var rule in filter.Rules)
            {
                to.WriteStartElement("usbdev");
                WriteNumber(to, "class", rule.Class, 2);
                WriteNumber(to, "vendor", rule.Vendor, 4);
                WriteNumber(to, "product", rule.Product, 4);
                if (rule.Release != RedirRule.Any)
                {
                    to.WriteAttributeString("version", $"{rule.Release >> 8:x}.{rule.Release & 0xff:x2}");
                }

                to.WriteAttributeString("allow", rule.Allow ? "yes" : "no");
                to.WriteEndElement();
            }

            to.WriteEndElement();
        }

        return text.ToString();
    }

    private static void WriteNumber(XmlWriter to, string name, int value, int digits)
    {
        if (value != RedirRule.Any)
        {
            to.WriteAttributeString(name, "0x" + value.ToString("x" + digits, CultureInfo.InvariantCulture));
        }
    }
}
