// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using System.Text;
using System.Xml.Linq;

namespace UsbHostd.Daemon.Dbus;

/// <summary>The contract, api/dbus/org.usbhostd.UsbHost1.xml, as Introspect answers with it.</summary>
internal static class IntrospectionXml
{
    private const string Resource = "org.usbhostd.UsbHost1.xml";

    private const string DocumentType =
        "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\" \"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n";

    /// <summary>Read when somebody asks: the daemon starts without it.</summary>
    private static readonly Lazy<FrozenDictionary<string, string>> Interfaces = new(Load);

    /// <summary>The document of an object.</summary>
    /// <param name="interfaces">Names of interfaces that are in the contract.</param>
    /// <param name="children">Last parts of the paths of the objects right below; made of ids, so there is nothing to escape.</param>
    public static string Of(IEnumerable<string> interfaces, IEnumerable<string> children)
    {
        var xml = new StringBuilder(DocumentType).Append("<node>\n");
        foreach (var name in interfaces)
        {
            xml.Append(Interfaces.Value[name]).Append('\n');
        }

        foreach (var child in children)
        {
            xml.Append("<node name=\"").Append(child).Append("\"/>\n");
        }

        return xml.Append("</node>\n").ToString();
    }

    private static FrozenDictionary<string, string> Load()
    {
        using var stream = typeof(IntrospectionXml).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"the resource {Resource} is missing");
        var root = XDocument.Load(stream).Root!;

        // They are for readers of the file.
        root.DescendantNodes().OfType<XComment>().Remove();
        return root.Elements("interface").ToFrozenDictionary(i => (string)i.Attribute("name")!, i => i.ToString(), StringComparer.Ordinal);
    }
}
