// SPDX-License-Identifier: Apache-2.0
using System.Xml.Linq;
using Google.Protobuf.Reflection;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Dbus;
using UsbHostd.Tests.Architecture;
using UsbHostd.Tests.Grpc;

namespace UsbHostd.Tests.Dbus;

/// <summary>The document, what is served, and the contract say the same.</summary>
[TestFixture]
internal sealed class DbusContractTests
{
    private static readonly XElement Document = XDocument.Load(Path.Combine(Repository.Root, "api/dbus/org.usbhostd.UsbHost1.xml")).Root!;

    private static IEnumerable<TestCaseData> Objects =>
        [new("Device", Device.Descriptor), new("Claim", Claim.Descriptor), new("Guest", Guest.Descriptor)];

    private static IEnumerable<ManagerMethod> Methods => ManagerTable.Of(new FakeHostService()).Values.Append(DbusDoor.WatchMethod);

    /// <summary>What only the bus has: an agent is an object there.</summary>
    private static readonly (string Name, string In, string Out)[] OfTheBusAlone = [("RegisterAgent", "oa{sv}", ""), ("UnregisterAgent", "oa{sv}", "")];

    [Test]
    public void Manager_Methods_AreThoseOfTheContract() =>
        Assert.That(
            Interface("Manager").Elements("method").Select(m => (string)m.Attribute("name")!),
            Is.EquivalentTo(UsbhostdReflection.Descriptor.Services.Single().Methods.Select(m => m.Name).Concat(OfTheBusAlone.Select(m => m.Name))));

    [Test]
    public void Manager_Signatures_AreThoseServed() =>
        Assert.That(
            Interface("Manager").Elements("method").Select(Signature),
            Is.EquivalentTo(Methods.Select(m => (m.Name, m.Signature, m.Answer)).Concat(OfTheBusAlone)));

    [TestCaseSource(nameof(Objects))]
    public void Object_Properties_AreTheFieldsOfTheContract(string name, MessageDescriptor message) =>
        Assert.That(
            Interface(name).Elements("property").Select(p => ((string)p.Attribute("name")!, (string)p.Attribute("type")!, (string)p.Attribute("access")!)),
            Is.EqualTo(message.Fields.InDeclarationOrder().Select(f => (ProtoFields.NameOf(f), ProtoFields.SignatureOf(f), "read"))));

    [TestCaseSource(nameof(Objects))]
    public void Object_FieldsWithin_AreDocumented(string name, MessageDescriptor message)
    {
        var text = Text(name);
        var within = message.Fields.InDeclarationOrder().Where(f => f.FieldType == FieldType.Message && ProtoFields.SignatureOf(f) != "t")
            .SelectMany(f => f.MessageType.Fields.InDeclarationOrder()).Select(f => $"{ProtoFields.NameOf(f)} ({ProtoFields.SignatureOf(f)})");

        Assert.That(within.Where(w => !text.Contains(w, StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public void Methods_Options_AreDocumented()
    {
        var text = Text("Manager");
        var options = Methods.SelectMany(m => m.Options).Select(f => $"{ProtoFields.NameOf(f)} ({ProtoFields.SignatureOf(f)})");

        Assert.That(options.Where(o => !text.Contains(o, StringComparison.Ordinal)), Is.Empty);
    }

    [TestCase("/org/usbhostd/UsbHost1")]
    [TestCase("/org/usbhostd/UsbHost1/devices")]
    [TestCase("/org/usbhostd/UsbHost1/devices/d1")]
    [TestCase("/org/usbhostd/UsbHost1/guests/a_b")]
    public void ObjectPath_OfOurs_IsKnown(string path) => Assert.That(ObjectPaths.Parse(path), Is.Not.Null);

    [TestCase("/org/usbhostd")]
    [TestCase("/org/usbhostd/UsbHost11")]
    [TestCase("/org/usbhostd/UsbHost1/pods")]
    [TestCase("/org/usbhostd/UsbHost1/devices/d1/x")]
    public void ObjectPath_OfNobody_IsNot(string path) => Assert.That(ObjectPaths.Parse(path), Is.Null);

    private static XElement Interface(string name) => Document.Elements("interface").Single(i => (string)i.Attribute("name")! == $"org.usbhostd.UsbHost1.{name}");

    /// <summary>With its comments, and one blank for any number of them.</summary>
    private static string Text(string name) => string.Join(' ', Interface(name).ToString().Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries));

    private static (string Name, string In, string Out) Signature(XElement method) =>
        ((string)method.Attribute("name")!, Types(method, "in"), Types(method, "out"));

    private static string Types(XElement method, string direction) =>
        string.Concat(method.Elements("arg").Where(a => (string)a.Attribute("direction")! == direction).Select(a => (string)a.Attribute("type")!));
}
