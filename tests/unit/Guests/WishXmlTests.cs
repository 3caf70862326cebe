// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Xml;
using System.Xml.Linq;
using System.Xml.Schema;
using NUnit.Framework;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Guests.Xml;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Architecture;

namespace UsbHostd.Tests.Guests;

/// <summary>What a definition asks for; and the schema says the same of it.</summary>
[TestFixture]
internal sealed class WishXmlTests
{
    private const string Space = "urn:usbhostd:domain:1";

    [Test]
    public void Read_AllAttributes_AreTaken()
    {
        var wish = Read("<u:claim device='port:1-4' optional='yes' follow='0951:1666 2341:0036' mode='usbredir' guest-reset='on'/>").Single();

        Assert.That(wish, Is.EqualTo(new GuestWish("port:1-4", Optional: true)
        {
            Follow = [new UsbId(0x0951, 0x1666), new UsbId(0x2341, 0x0036)],
            Mode = ClaimMode.Usbredir,
            GuestReset = GuestReset.On,
        }));
    }

    [Test]
    public void Read_NoElementOfOurs_AsksForNothing() =>
        Assert.That(DomainXml.Parse("<domain><metadata><x:usb xmlns:x='urn:other'><x:claim device='d'/></x:usb></metadata></domain>").Wishes, Is.Empty);

    [TestCase("<u:claim device='serial:X'/>", true)]
    [TestCase("<u:claim device='serial:X' optional='no' guest-reset='off' mode='hostdev' follow='0951:1666'/>", true)]
    [TestCase("<u:claim/>", false)]
    [TestCase("<u:claim device=''/>", false)]
    [TestCase("<u:claim device='d' optional='maybe'/>", false)]
    [TestCase("<u:claim device='d' follow=''/>", false)]
    [TestCase("<u:claim device='d' follow='0951'/>", false)]
    [TestCase("<u:claim device='d' mode='best'/>", false)]
    [TestCase("<u:claim device='d' guest-reset='yes'/>", false)]
    [TestCase("<u:claim device='d' force='yes'/>", false)]
    [TestCase("<u:device name='d'/>", false)]
    [TestCase("<u:claim device='d'/><u:claim device='d'/>", false)]
    public void Read_InOrderOrNot_IsJudgedAsBySchema(string claims, bool inOrder)
    {
        Assert.That(Read(claims).All(w => w.Fault is null), Is.EqualTo(inOrder));
        Assert.That(IsValid($"<u:usb xmlns:u='{Space}'>{claims}</u:usb>"), Is.EqualTo(inOrder));
    }

    [Test]
    public void Read_TooLongOrTooMany_IsBoundedAndSaidToBeWrong()
    {
        var many = Read(string.Concat(Enumerable.Range(0, 50).Select(i => $"<u:claim device='serial:{i}'/>")));
        var longer = Read($"<u:claim device='{new string('x', 100_000)}'/>").Single();

        Assert.That((many.Length, many.Count(w => w.Fault is not null)), Is.EqualTo((33, 1)));
        Assert.That((longer.Device.Length, longer.Fault), Is.EqualTo((256, "expected an attribute device of 1 to 256 characters")));
    }

    [Test]
    public void Example_IsValidAndInOrder()
    {
        var example = File.ReadAllText(Path.Combine(Repository.Root, "contrib/domain/example.xml"));

        var wishes = DomainXml.Parse($"<domain>{example}</domain>").Wishes;

        Assert.That(wishes.Select(w => w.Fault), Is.EqualTo(new string?[3]));
        Assert.That(IsValid(XElement.Parse(example).Elements().Single().ToString()), Is.True);
    }

    private static ImmutableArray<GuestWish> Read(string claims) =>
        DomainXml.Parse($"<domain><metadata><u:usb xmlns:u='{Space}'>{claims}</u:usb></metadata></domain>").Wishes;

    private static bool IsValid(string xml)
    {
        var schemas = new XmlSchemaSet();
        using var schema = XmlReader.Create(Path.Combine(Repository.Root, "contrib/domain/usbhostd-domain-1.xsd"));
        schemas.Add(Space, schema);
        var valid = true;
        XDocument.Parse(xml).Validate(schemas, (_, _) => valid = false);
        return valid;
    }
}
