// SPDX-License-Identifier: Apache-2.0
using System.Xml;
using NUnit.Framework;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Guests.Xml;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Tests.Guests;

/// <summary>The USB part of a guest's XML.</summary>
[TestFixture]
internal sealed class DomainXmlTests
{
    [TestCase("<domain type='kvm' id='7'><devices/></domain>", 7)]
    [TestCase("<domain type='kvm'><devices/></domain>", null)]
    public void Parse_DomainsId_IsThatOfTheRunTheXmlShows(string xml, int? id) => Assert.That(DomainXml.Parse(xml).Id, Is.EqualTo(id));

    /// <summary>Each as virsh dumpxml shows it after virsh define.</summary>
    [TestCase("<m:x xmlns:m='urn:x'><m:\uA000/></m:x>", Description = "a name of XML 1.0's fifth edition")]
    [TestCase("<m:x xmlns:m='urn:x'><n:undeclared/></m:x>")]
    [TestCase("<n:undeclared/>")]
    [TestCase("<m:x xmlns:m='urn:x' a='/>'><m:\uA000><m:y/><m:z>]]&gt;</m:z></m:\uA000></m:x>")]
    [TestCase("<metadata xmlns='urn:y'><!-- </metadata> --><a><![CDATA[</metadata>]]></a><?p </metadata>?><\uA000/></metadata>")]
    public void Parse_MetadataOfAnotherThatCannotBeRead_KeepsDevicesAndOurOwn(string other)
    {
        const string Ours = "<u:usb xmlns:u='urn:usbhostd:domain:1'><u:claim device='serial:A'/></u:usb>";
        var parsed = DomainXml.Parse($"""
            <domain id='3'><description>&lt;metadata></description><metadata>{other}{Ours}<n:x/></metadata>
            <devices><hostdev type='usb'><source/><alias name='hostdev0'/></hostdev></devices></domain>
            """);
        Assert.Multiple(() =>
        {
            Assert.That((parsed.Id, parsed.Attachments.Single().Alias), Is.EqualTo((3, "hostdev0")));
            Assert.That(parsed.Wishes, Is.EqualTo([new GuestWish("serial:A", Optional: false)]));
        });
    }

    [Test]
    public void Parse_OursThatCannotBeRead_IsOneFaultyWish()
    {
        var wish = DomainXml.Parse("<domain><metadata><u:usb xmlns:u='urn:usbhostd:domain:1'><u:claim device='a'/><n:x/></u:usb></metadata></domain>").Wishes.Single();
        Assert.That(wish.Device, Is.Empty);
        Assert.That(wish.Fault, Does.Contain("can't be read"));
    }

    [TestCase("<domain><metadata><n:x/></metadata><n:y/></domain>", Description = "not only there")]
    [TestCase("<domain><metadata><n:x>")]
    [TestCase("<domain><n:y/></domain>")]
    [TestCase("<")]
    [TestCase("<a b='")]
    [TestCase("<!-- ")]
    public void Parse_UnreadableOtherwise_IsRefused(string xml) => Assert.That(() => DomainXml.Parse(xml), Throws.InstanceOf<XmlException>());

    [Test]
    public void Parse_LiveHostdevs_TellsOursFromOthersAndPresentFromMissing()
    {
        var parsed = Parse("""
            <hostdev mode='subsystem' type='usb'><source startupPolicy='optional'><vendor id='0x0951'/><product id='0x1666'/><address bus='2' device='12'/></source>
              <alias name='ua-usbhostd-caaaaaaaaaaaa-pbbbbbbbbbbbb'/></hostdev>
            <hostdev mode='subsystem' type='usb'><source missing='yes'><vendor id='0x1'/><product id='0x2'/></source><alias name='hostdev1'/></hostdev>
            <hostdev mode='subsystem' type='pci'><source><address domain='0' bus='3' slot='0' function='0'/></source><alias name='hostdev2'/></hostdev>
            """);
        Assert.Multiple(() =>
        {
            Assert.That(parsed.Attachments.Select(a => (a.Alias, a.Address, a.UsbId, a.Missing, IsOurs: a.Ours is not null)), Is.EqualTo(new[]
            {
                ("ua-usbhostd-caaaaaaaaaaaa-pbbbbbbbbbbbb", (UsbAddress?)new UsbAddress(2, 12), (UsbId?)new UsbId(0x0951, 0x1666), false, true),
                ("hostdev1", null, new UsbId(1, 2), true, false),
            }));
        });
    }

    [Test]
    public void Parse_MissingHostdevWithTheNumberItWasGiven_HasNoAddress()
    {
        var missing = Parse("""
            <hostdev mode='subsystem' type='usb'><source startupPolicy='optional' missing='yes'><vendor id='0x0951'/><product id='0x1666'/>
              <address bus='2' device='12'/></source><alias name='hostdev0'/></hostdev>
            """).Attachments.Single();

        Assert.That((missing.Missing, missing.Address, missing.UsbId), Is.EqualTo((true, (UsbAddress?)null, (UsbId?)new UsbId(0x0951, 0x1666))));
    }

    [TestCase("10", 10)]
    [TestCase("0x0a", 10)]
    [TestCase("012", 10)]
    public void Parse_NumberInEachNotationThatLibvirtTakes_IsTheSame(string written, int number) => Assert.That(
        Parse($"<hostdev type='usb'><source><address bus='1' device='{written}'/></source></hostdev>").Attachments[0].Address?.Device,
        Is.EqualTo(number));

    [TestCase("")]
    [TestCase("0x")]
    [TestCase("-1")]
    [TestCase("08")]
    [TestCase("99999999999999")]
    public void Parse_NumberThatIsNone_LeavesNoAddress(string written) => Assert.That(
        Parse($"<hostdev type='usb'><source><address bus='1' device='{written}'/></source></hostdev>").Attachments[0].Address, Is.Null);

    [TestCase("<controller type='usb' index='0' model='none'/>", 0, UsbSpeedSet.None)]
    [TestCase("<controller type='usb' index='0' model='qemu-xhci' ports='15'/>", 15, UsbSpeedSet.Low | UsbSpeedSet.Full | UsbSpeedSet.High | UsbSpeedSet.Super)]
    [TestCase("<controller type='usb' index='0' model='qemu-xhci'/>", 4, UsbSpeedSet.Low | UsbSpeedSet.Full | UsbSpeedSet.High | UsbSpeedSet.Super)]
    [TestCase("<controller type='usb' index='0' model='piix3-uhci'/>", 2, UsbSpeedSet.Low | UsbSpeedSet.Full)]
    [TestCase("<controller type='usb' index='0' model='ehci'/>", 6, UsbSpeedSet.High)]
    [TestCase(
        "<controller type='usb' index='0' model='ich9-ehci1'/><controller type='usb' index='0' model='ich9-uhci1'><master startport='0'/></controller>",
        6, UsbSpeedSet.Low | UsbSpeedSet.Full | UsbSpeedSet.High)]
    public void Parse_Controller_KnowsItsPortsAndSpeeds(string controllers, int ports, UsbSpeedSet speeds)
    {
        var controller = Parse(controllers).Controllers.Single();
        Assert.That((controller.FreePorts, controller.Speeds), Is.EqualTo((ports, speeds)));
    }

    [Test]
    public void Parse_DevicesAndHubsOnAController_TakeAndGivePorts()
    {
        var controller = Parse("""
            <controller type='usb' index='0' model='qemu-xhci' ports='4'/>
            <hub type='usb'><address type='usb' bus='0' port='1'/></hub>
            <input type='tablet' bus='usb'><address type='usb' bus='0' port='2'/></input>
            <hostdev type='usb'><source><address bus='1' device='2'/></source><address type='usb' bus='0' port='1.1'/></hostdev>
            """).Controllers.Single();
        Assert.That((controller.Ports, controller.UsedPorts, controller.FreePorts), Is.EqualTo((12, 3, 9)));
        Assert.That((controller.HubPorts, controller.UsedHubPorts), Is.EqualTo((8, 1)));
    }

    [TestCase("<!DOCTYPE d [<!ENTITY x 'y'>]><domain>&x;</domain>")]
    [TestCase("<domain><devices>")]
    [TestCase("")]
    public void Parse_WhatIsNotPlainXml_IsRefused(string text) => Assert.Throws<XmlException>(() => DomainXml.Parse(text));

    private static DomainXml Parse(string devices) => DomainXml.Parse($"<domain type='kvm'><devices>{devices}</devices></domain>");
}
