// SPDX-License-Identifier: Apache-2.0
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Tests.Devices;

[TestFixture]
internal sealed class UsbDeviceReaderTests
{
    private static readonly SysfsAttributes Stick = new()
    {
        Devpath = "/devices/pci0000:00/0000:00:14.0/usb1/1-4",
        Attributes = Attributes(("idVendor", "0951\n"), ("idProduct", "1666\n"), ("busnum", "1\n"), ("devnum", "7\n")),
        Properties = new Dictionary<string, string>(StringComparer.Ordinal) { ["USEC_INITIALIZED"] = "1234", ["ID_PATH"] = "pci-0000:00:14.0-usb-0:4" },
        RootHub = new SysfsRootHub(new UsbController("pci", "0000:00:14.0"), Ascii("480\n")),
        BootId = "boot",
    };

    [TestCase("017", 17)]
    [TestCase("007", 7)]
    [TestCase("010", 10)]
    public void Read_LeadingZero_IsDecimal(string devnum, int expected) =>
        Assert.That(Device(With("devnum", devnum)).Address, Is.EqualTo(new UsbAddress(1, expected)));

    [TestCase("idVendor")]
    [TestCase("idProduct")]
    [TestCase("busnum")]
    [TestCase("devnum")]
    public void Read_WithoutIdentity_SaysWhatIsMissing(string name)
    {
        var attributes = new Dictionary<string, byte[]>(Stick.Attributes, StringComparer.Ordinal);
        attributes.Remove(name);
        Assert.That(UsbDeviceReader.Read(Stick with { Attributes = attributes }).Reason, Does.Contain(name));
    }

    [TestCase("idVendor", "xyz")]
    [TestCase("devnum", "0")]
    [TestCase("devnum", "-1")]
    [TestCase("busnum", "4294967297")]
    public void Read_SenselessIdentity_IsNoDevice(string name, string value) =>
        Assert.That(UsbDeviceReader.Read(Stick with { Attributes = With(name, value) }).Device, Is.Null);

    [Test]
    public void Read_WithoutTimeStamp_IsNoDeviceYet() =>
        Assert.That(UsbDeviceReader.Read(Stick with { Properties = new Dictionary<string, string>(StringComparer.Ordinal) }).Reason, Does.Contain("udev"));

    [TestCase("1-4:1.0")]
    [TestCase("usb")]
    [TestCase("1-0")]
    public void Read_NoDeviceName_IsNoDevice(string name) =>
        Assert.That(UsbDeviceReader.Read(Stick with { Devpath = "/devices/" + name }).Device, Is.Null);

    [TestCase("A\0B")]
    [TestCase("\u001b[31mred\u001b[0m")]
    [TestCase("two\nlines\n")]
    [TestCase("<a b='c'>&amp;\"")]
    [TestCase("{\"json\": [1]}")]
    [TestCase("1-4.2")]
    [TestCase(" padded ")]
    public void Read_AnyString_IsDataAndStaysItself(string text) =>
        Assert.That(Device(With("serial", text + "\n")).Serial, Is.EqualTo(text));

    [Test]
    public void Read_InvalidUtf8_IsReplaced()
    {
        var attributes = new Dictionary<string, byte[]>(Stick.Attributes, StringComparer.Ordinal) { ["product"] = [0x41, 0xff, 0x42, 0x0a] };
        Assert.That(Device(attributes).Product, Is.EqualTo("A\ufffdB"));
    }

    [TestCase(255, 126)]
    [TestCase(126, 126)]
    [TestCase(5, 5)]
    public void Read_LongString_IsCut(int given, int kept) =>
        Assert.That(Device(With("serial", new string('x', given - 1) + "y\n")).Serial, Has.Length.EqualTo(kept));

    [Test]
    public void Read_CutWithinACharacter_LeavesNoHalf() =>
        Assert.That(Device(With("product", new string('x', 125) + "😀\n")).Product, Is.EqualTo(new string('x', 125)));

    [TestCase("", ExpectedResult = null)]
    [TestCase("\n", ExpectedResult = null)]
    [TestCase("0000000\n", ExpectedResult = null)]
    [TestCase("E0D55E\n", ExpectedResult = "serial 0951:1666 E0D55E")]
    public string? Read_Serial_IsAKeyOnlyIfUsable(string serial) => Device(With("serial", serial)).SerialKey?.Text;

    [TestCase("1.5", UsbSpeed.Low)]
    [TestCase("12", UsbSpeed.Full)]
    [TestCase("480", UsbSpeed.High)]
    [TestCase("5000", UsbSpeed.Super)]
    [TestCase("10000", UsbSpeed.SuperPlus)]
    [TestCase("20000", UsbSpeed.SuperPlusX2)]
    [TestCase("warp", UsbSpeed.Unknown)]
    public void Read_Speed_IsTheKernelsMegabits(string text, UsbSpeed speed) =>
        Assert.That(Device(With("speed", text + "\n")).Speed, Is.EqualTo(speed));

    [TestCase(" 3.20", (ushort)0x0320)]
    [TestCase(" 1.10", (ushort)0x0110)]
    [TestCase("x", (ushort)0)]
    public void Read_Version_IsHex(string text, ushort bcd) => Assert.That(Device(With("version", text)).BcdUsb, Is.EqualTo(bcd));

    [TestCase("usb2-port4", "port pci 0000:00:14.0 usb3 4")]
    [TestCase("2-4.1-port3", "port pci 0000:00:14.0 usb3 4.1.3")]
    [TestCase("nonsense", null)]
    [TestCase("usb2-port", null)]
    [TestCase("usb2-port999", null)]
    public void Read_Peer_IsTheKeyOfItsPort(string name, string? key)
    {
        var peer = new SysfsPeer(name, new SysfsRootHub(Stick.RootHub.Controller, Ascii("20000\n")));
        Assert.That(UsbDeviceReader.Read(Stick with { Peer = peer }).Device!.PeerPortKey?.Text, Is.EqualTo(key));
    }

    [Test]
    public void Read_InterfaceNumbers_AreHexAndInOrder()
    {
        SysfsInterface[] interfaces =
        [
            new("1-4:1.11", Attributes(("bInterfaceNumber", "0b\n"), ("authorized", "1\n")), null),
            new("1-4:1.2", Attributes(("bInterfaceNumber", "02\n"), ("authorized", "0\n")), null),
        ];
        Assert.That(
            string.Join(' ', UsbDeviceReader.Read(Stick with { Interfaces = [.. interfaces] }).Device!.Interfaces
                .Select(i => $"{i.Number}:{i.Authorized}")),
            Is.EqualTo("2:False 11:True"));
    }

    [Test]
    public void Read_AnyBytesInAnyAttribute_NeverThrows()
    {
        string[] names = ["idVendor", "devnum", "serial", "product", "version", "speed", "descriptors", "bDeviceClass", "authorized"];
        var pair = Gen.Elements(names).Zip(ArbMap.Default.GeneratorFor<byte[]>());
        Check.QuickThrowOnFailure(Prop.ForAll(pair.ToArbitrary(), given =>
        {
            var attributes = new Dictionary<string, byte[]>(Stick.Attributes, StringComparer.Ordinal) { [given.Item1] = given.Item2 };
            var reading = UsbDeviceReader.Read(Stick with { Attributes = attributes });
            return reading.Device is null != reading.Reason is null;
        }));
    }

    private static UsbDevice Device(IReadOnlyDictionary<string, byte[]> attributes) =>
        UsbDeviceReader.Read(Stick with { Attributes = attributes }).Device!;

    private static Dictionary<string, byte[]> With(string name, string value) =>
        new(Stick.Attributes, StringComparer.Ordinal) { [name] = Encoding.UTF8.GetBytes(value) };

    private static Dictionary<string, byte[]> Attributes(params (string Name, string Value)[] pairs) =>
        pairs.ToDictionary(p => p.Name, p => Ascii(p.Value), StringComparer.Ordinal);

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);
}
