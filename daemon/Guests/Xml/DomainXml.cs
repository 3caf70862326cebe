// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Xml;
using System.Xml.Linq;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Guests.Xml;

/// <summary>The USB part of a domain's XML: host devices and controllers (libvirt: formatdomain).</summary>
internal sealed record DomainXml(ImmutableArray<Attachment> Attachments, ImmutableArray<GuestUsbController> Controllers)
{
    /// <summary>libvirt's hub has eight ports (qemu: usb-hub).</summary>
    private const int HubPorts = 8;

    /// <summary>For a controller whose number of ports is not known: libvirt says no if there is none left.</summary>
    private const int ManyPorts = 15;

    private const UsbSpeedSet Usb1 = UsbSpeedSet.Low | UsbSpeedSet.Full;
    private const UsbSpeedSet AnySpeed = Usb1 | UsbSpeedSet.High | UsbSpeedSet.Super;

    /// <summary>The domain's id in this run; null where the XML is that of a domain that is off.</summary>
    public int? Id { get; private init; }

    /// <summary>What its metadata asks for.</summary>
    public ImmutableArray<GuestWish> Wishes { get; private init; } = [];

    /// <summary>Device nodes of the host that it names.</summary>
    public ImmutableArray<GuestNode> Nodes { get; private init; } = [];

    /// <summary>
    /// Throws XmlException where it is not well-formed; what it doesn't know it passes over. What cannot be read of an application's
    /// metadata is left out, so that one application does not hide its guest.
    /// </summary>
    public static DomainXml Parse(string text)
    {
        try
        {
            return Read(Load(text));
        }
        catch (XmlException e) when (MetadataScan.Of(text) is { } metadata)
        {
            var (readable, isOursLost) = Readable(text, metadata);
            var xml = Read(Load(readable));
            return isOursLost ? xml with { Wishes = xml.Wishes.Add(WishXml.Unreadable(e.Message)) } : xml;
        }
    }

    private static XElement? Load(string text)
    {
        using var reader = XmlReader.Create(new StringReader(text), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit });
        return XDocument.Load(reader).Root;
    }

    /// <summary>The text with those elements of the metadata alone that can be read.</summary>
    private static (string Text, bool IsOursLost) Readable(string text, MetadataScan metadata)
    {
        var children = metadata.Children.Select(c => text[c]).ToList();
        var good = children.Where(c => IsReadable($"<domain>{text[metadata.Start..metadata.Inner]}{c}{text[metadata.InnerEnd..metadata.End]}</domain>")).ToList();
        var start = good.Count > 0 ? text[metadata.Start..metadata.Inner] : "<metadata>";
        return (
            $"{text[..metadata.Start]}{start}{string.Concat(good)}</metadata>{text[metadata.End..]}",
            children.Except(good, StringComparer.Ordinal).Any(WishXml.IsMentioned));
    }

    private static bool IsReadable(string text)
    {
        try
        {
            return Load(text) is not null;
        }
        catch (XmlException)
        {
            return false;
        }
    }

    private static DomainXml Read(XElement? root)
    {
        var id = int.TryParse((string?)root?.Attribute("id"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : (int?)null;
        var wishes = WishXml.Read(root?.Element("metadata"));
        var devices = root?.Element("devices");
        return devices is null
            ? new DomainXml([], []) { Id = id, Wishes = wishes }
            : new DomainXml([.. devices.Elements("hostdev").Where(IsUsb).Select(ReadAttachment)], ReadControllers(devices))
            {
                Id = id,
                Wishes = wishes,
                Nodes = NodeXml.Read(devices),
            };
    }

    private static bool IsUsb(XElement hostdev) => (string?)hostdev.Attribute("type") == "usb";

    private static Attachment ReadAttachment(XElement hostdev)
    {
        var source = hostdev.Element("source");
        var address = source?.Element("address");
        var bus = Number(address?.Attribute("bus"));
        var device = Number(address?.Attribute("device"));
        var vendor = Number(source?.Element("vendor")?.Attribute("id"));
        var product = Number(source?.Element("product")?.Attribute("id"));
        var missing = (string?)source?.Attribute("missing") == "yes";

        // libvirt leaves the number that it was given in an empty place; that number may be another device's by now.
        return new Attachment(
            (string?)hostdev.Element("alias")?.Attribute("name") ?? "",
            !missing && bus is > 0 && device is > 0 ? new UsbAddress(bus.Value, device.Value) : null,
            vendor is { } v && product is { } p ? new UsbId((ushort)v, (ushort)p) : null,
            missing);
    }

    private static ImmutableArray<GuestUsbController> ReadControllers(XElement devices)
    {
        var taken = devices.Descendants("address").Where(a => (string?)a.Attribute("type") == "usb").ToList();
        var used = taken.CountBy(a => Number(a.Attribute("bus")) ?? 0).ToDictionary();

        // A port of a hub is written with the port that the hub is on: 1.4.
        var usedOnHubs = taken.Where(a => a.Attribute("port")?.Value.Contains('.') == true).CountBy(a => Number(a.Attribute("bus")) ?? 0).ToDictionary();
        var hubs = devices.Elements("hub").Where(h => (string?)h.Attribute("type") == "usb")
            .CountBy(h => Number(h.Element("address")?.Attribute("bus")) ?? 0).ToDictionary();

        // An EHCI controller and its companions have one index, and share the ports.
        return
        [
            .. devices.Elements("controller").Where(c => (string?)c.Attribute("type") == "usb")
                .GroupBy(c => Number(c.Attribute("index")) ?? 0)
                .OrderBy(g => g.Key)
                .Select(g =>
                {
                    var models = g.Select(c => ((string?)c.Attribute("model") ?? "default", Number(c.Attribute("ports")))).ToList();
                    var speeds = models.Aggregate(UsbSpeedSet.None, (all, m) => all | SpeedsOf(m.Item1));
                    var hubPorts = speeds == UsbSpeedSet.None ? 0 : HubPorts * hubs.GetValueOrDefault(g.Key);
                    var ports = models.Max(m => PortsOf(m.Item1, m.Item2)) + hubPorts;
                    return new GuestUsbController(g.Key, models[0].Item1, speeds, speeds == UsbSpeedSet.None ? 0 : ports, used.GetValueOrDefault(g.Key))
                    {
                        HubPorts = hubPorts,
                        UsedHubPorts = usedOnHubs.GetValueOrDefault(g.Key),
                    };
                }),
        ];
    }

    private static UsbSpeedSet SpeedsOf(string model) => model switch
    {
        "none" => UsbSpeedSet.None,
        "ehci" or "ich9-ehci1" => UsbSpeedSet.High,
        "piix3-uhci" or "piix4-uhci" or "vt82c686b-uhci" or "pci-ohci" or "ich9-uhci1" or "ich9-uhci2" or "ich9-uhci3" => Usb1,
        _ => AnySpeed,
    };

    /// <summary>As libvirt counts them when it gives out ports (src/conf/domain_addr.c).</summary>
    private static int PortsOf(string model, int? ports) => model switch
    {
        "none" => 0,
        "piix3-uhci" or "piix4-uhci" or "vt82c686b-uhci" or "ich9-uhci1" or "ich9-uhci2" or "ich9-uhci3" => 2,
        "pci-ohci" => 3,
        "ehci" or "ich9-ehci1" => 6,
        "nec-xhci" or "qemu-xhci" => ports ?? 4,
        _ => ports ?? ManyPorts,
    };

    /// <summary>Decimal, 0x hexadecimal or leading-0 octal, as libvirt takes them; null for anything else.</summary>
    private static int? Number(XAttribute? attribute)
    {
        var text = attribute?.Value.Trim();
        if (string.IsNullOrEmpty(text) || text.Length > 11)
        {
            return null;
        }

        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            return int.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex) ? hex : null;
        }

        if (text.Length > 1 && text[0] == '0')
        {
            return text.AsSpan().IndexOfAnyExceptInRange('0', '7') < 0 ? Convert.ToInt32(text, 8) : null;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}
