// SPDX-License-Identifier: Apache-2.0
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using UsbHostd.Policy.Devices;
using UsbHostd.Tests.Usb;

namespace UsbHostd.Tests.Devices;

[TestFixture]
internal sealed class UsbDescriptorsTests
{
    private static readonly FakeInterface Bulk = new() { Class = "08", Subclass = "06", Protocol = "50" };

    private static byte[] Sound => Join(FakeDescriptors.Device(1), FakeDescriptors.Configuration(1, 1, FakeDescriptors.Interface(0, Bulk)));

    [Test]
    public void Parse_Sound_HasEndpointsAsGiven()
    {
        var read = UsbDescriptors.Parse(Sound);
        Assert.That(
            (read.Fault, string.Join(' ', read.Interfaces.Single().Endpoints.Select(e => $"{e.Address:x2}:{e.Type}:{e.MaxPacketSize}"))),
            Is.EqualTo(((string?)null, "81:Bulk:512 82:Bulk:512")));
    }

    [Test]
    public void Parse_AlternateSettingsAndConfigurations_AreAllThere()
    {
        var isochronous = Bulk with { EndpointAttributes = [0x05] };
        byte[] body = Join(FakeDescriptors.Interface(0, Bulk), FakeDescriptors.Interface(0, isochronous, alternate: 1));
        var read = UsbDescriptors.Parse(Join(
            FakeDescriptors.Device(2), FakeDescriptors.Configuration(1, 1, body),
            FakeDescriptors.Configuration(2, 1, FakeDescriptors.Interface(0, Bulk))));
        Assert.That(
            (read.Fault, string.Join(' ', read.Interfaces.Select(i => $"{i.Configuration}.{i.Number}.{i.AlternateSetting}"))),
            Is.EqualTo(((string?)null, "1.0.0 1.0.1 2.0.0")));
    }

    [Test]
    public void Parse_Companion_GivesStreamsToBulkEndpointsOnly()
    {
        var mixed = Bulk with { EndpointAttributes = [0x02, 0x03], Streams = 4 };
        var read = UsbDescriptors.Parse(Join(
            FakeDescriptors.Device(1), FakeDescriptors.Configuration(1, 1, FakeDescriptors.Interface(0, mixed))));
        Assert.That(read.Interfaces.Single().Endpoints.Select(e => e.MaxStreams), Is.EqualTo(new byte[] { 4, 0 }));
    }

    [Test]
    public void Parse_ClassSpecificDescriptors_ArePassedOver()
    {
        byte[] hid = [9, 0x21, 0x11, 0x01, 0, 1, 0x22, 0x41, 0];
        var read = UsbDescriptors.Parse(Join(
            FakeDescriptors.Device(1), FakeDescriptors.Configuration(1, 1, Join(hid, FakeDescriptors.Interface(0, Bulk)))));
        Assert.That((read.Fault, read.Interfaces.Length), Is.EqualTo(((string?)null, 1)));
    }

    [TestCase(0, "there are none")]
    [TestCase(10, "truncated at 10 of 18 bytes")]
    [TestCase(18, "1 configurations promised, 0 there")]
    [TestCase(22, "truncated at 22 of 27 bytes")]
    [TestCase(30, "truncated at 30 of 50 bytes")]
    public void Parse_Truncated_SaysWhere(int kept, string fault) =>
        Assert.That(UsbDescriptors.Parse(Sound.AsSpan(0, kept)).Fault, Is.EqualTo(fault));

    [TestCase(0, (byte)0, "does not begin with a device descriptor: length 0, type 01")]
    [TestCase(1, (byte)2, "does not begin with a device descriptor: length 18, type 02")]
    [TestCase(17, (byte)3, "3 configurations promised, 1 there")]
    [TestCase(18, (byte)0, "no configuration descriptor at byte 18: length 0, type 02")]
    [TestCase(20, (byte)4, "configuration 1 says that it has 4 bytes in all, its descriptor alone has 9")]
    [TestCase(21, (byte)255, "truncated at 50 of 65330 bytes")]
    [TestCase(22, (byte)2, "configuration 1 promises 2 interfaces, 1 there")]
    [TestCase(27, (byte)0, "bLength 0 at byte 27")]
    [TestCase(27, (byte)1, "bLength 1 at byte 27")]
    [TestCase(27, (byte)200, "bLength 200 at byte 27 runs past the end of configuration 1")]
    [TestCase(31, (byte)9, "interface 0 setting 0 promises 9 endpoints, 2 there")]
    [TestCase(36, (byte)0, "bLength 0 at byte 36")]
    [TestCase(28, (byte)0x24, "endpoint descriptor outside of an interface at byte 36")]
    public void Parse_Lying_SaysWhat(int at, byte value, string fault)
    {
        var bytes = Sound;
        bytes[at] = value;
        Assert.That(UsbDescriptors.Parse(bytes).Fault, Is.EqualTo(fault));
    }

    [Test]
    public void Parse_Oversized_LooksAtTheFirstPart()
    {
        var read = UsbDescriptors.Parse(Join(Sound, new byte[70_000]));
        Assert.That((read.Fault, read.Interfaces.Length), Is.EqualTo(("oversized: 70050 bytes, looked at 65536", 1)));
    }

    [Test]
    public void Parse_FloodOfInterfaces_IsBounded()
    {
        var body = Enumerable.Range(0, 7000).SelectMany(i => FakeDescriptors.Interface(i & 31, Bulk with { EndpointAttributes = [] })).ToArray();
        var read = UsbDescriptors.Parse(Join(FakeDescriptors.Device(1), FakeDescriptors.Configuration(1, 32, body)));
        Assert.That(
            (read.Fault, read.Interfaces.Length),
            Is.EqualTo(($"more than {UsbDescriptors.MostInterfaces} interface descriptors", UsbDescriptors.MostInterfaces)));
    }

    [Test]
    public void Parse_FloodOfEndpoints_IsBounded()
    {
        var many = Bulk with { EndpointAttributes = new byte[200] };
        var read = UsbDescriptors.Parse(Join(
            FakeDescriptors.Device(1), FakeDescriptors.Configuration(1, 1, FakeDescriptors.Interface(0, many))));
        Assert.That(
            (read.Fault, read.Interfaces.Single().Endpoints.Length),
            Is.EqualTo(($"interface 0 has more than {UsbDescriptors.MostEndpoints} endpoints", UsbDescriptors.MostEndpoints)));
    }

    [Test]
    public void Parse_AnyBytes_ReturnsWithinBounds() => Check.QuickThrowOnFailure(Prop.ForAll(
        ArbMap.Default.ArbFor<byte[]>(),
        bytes => IsBounded(UsbDescriptors.Parse(bytes), bytes.Length)));

    /// <summary>Random bytes hardly get past the first length; a sound block with some bytes changed does.</summary>
    [Test]
    public void Parse_DamagedBytes_ReturnsWithinBounds()
    {
        var damage = ArbMap.Default.GeneratorFor<byte>().Two().ArrayOf().ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(damage, changes =>
        {
            var bytes = Sound;
            foreach (var (at, value) in changes)
            {
                bytes[18 + (at % (bytes.Length - 18))] = value;
            }

            return IsBounded(UsbDescriptors.Parse(bytes), bytes.Length);
        }));
    }

    [Test]
    public void Parse_AnyPrefixOfSoundBytes_IsBlamed() =>
        Assert.That(Enumerable.Range(0, Sound.Length).Select(kept => UsbDescriptors.Parse(Sound.AsSpan(0, kept)).Fault), Has.None.Null);

    private static bool IsBounded(UsbDescriptors read, int length) =>
        (9 * read.Interfaces.Length) + (7 * read.Interfaces.Sum(i => i.Endpoints.Length)) <= length && read.Fault is not { Length: > 200 };

    private static byte[] Join(params byte[][] parts) => [.. parts.SelectMany(part => part)];
}
