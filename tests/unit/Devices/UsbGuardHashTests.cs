// SPDX-License-Identifier: Apache-2.0
using System.Text;
using NUnit.Framework;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Usb;

namespace UsbHostd.Tests.Devices;

[TestFixture]
internal sealed class UsbGuardHashTests
{
    private static readonly byte[] Device = FakeDescriptors.Device(1);
    private static readonly byte[] Head = [9, 2, 0, 0, 1, 1, 0, 0x80, 50];
    private static readonly byte[] Stick = [9, 4, 0, 0, 2, 8, 6, 0x50, 0];

    private static IEnumerable<TestCaseData> Refused =>
    [
        new TestCaseData(Array.Empty<byte>()).SetArgDisplayNames("nothing"),
        new TestCaseData(Device[..17]).SetArgDisplayNames("half a device descriptor"),
        new TestCaseData(Bytes(Device, Device)).SetArgDisplayNames("two devices"),
        new TestCaseData(Bytes(Device, Stick)).SetArgDisplayNames("interface outside of a configuration"),
        new TestCaseData(Bytes(Device, Head, [7, 5, 0x81, 2, 0, 2, 0])).SetArgDisplayNames("endpoint outside of an interface"),
        new TestCaseData(Bytes(Device, Head, Stick, Head, [7, 5, 0x81, 2, 0, 2, 0])).SetArgDisplayNames("endpoint of the configuration before"),
        new TestCaseData(Bytes(Device, Head, [10], Stick[1..], [0])).SetArgDisplayNames("interface of ten bytes"),
        new TestCaseData(Bytes(Device, Head, Stick, [8, 5, 0x81, 2, 0, 2, 0, 0])).SetArgDisplayNames("endpoint of eight bytes"),
        new TestCaseData(Bytes(Device, [10, 2, 0, 0, 1, 1, 0, 0x80, 50, 0])).SetArgDisplayNames("configuration of ten bytes"),
        new TestCaseData(Bytes(Device, Head, [1, 0x21])).SetArgDisplayNames("bLength 1"),
        new TestCaseData(Bytes(Device, Head, [5, 0x21])).SetArgDisplayNames("bLength past the end"),
        new TestCaseData(Bytes(Device, Head, [2])).SetArgDisplayNames("a byte too many"),
    ];

    [TestCaseSource(nameof(Refused))]
    public void Of_DescriptorsThatUsbGuardRefuses_IsNone(byte[] descriptors) =>
        Assert.That(UsbGuardHash.Of(Attributes("Stick", "A1", descriptors)), Is.Null);

    [Test]
    public void TryRead_AllSettingsOfAllConfigurations_ListsEachInOrder()
    {
        byte[] alternate = [9, 4, 0, 1, 0, 1, 2, 0, 0];
        byte[] audio = [9, 5, 0x81, 1, 0, 1, 4, 0, 0];
        var isRead = UsbGuardHash.TryRead(Bytes(Device, Head, Stick, alternate, audio, Head, Stick), out var interfaces);
        Assert.That((isRead, string.Join(' ', interfaces)), Is.EqualTo((true, "08:06:50 01:02:00 08:06:50")));
    }

    [Test]
    public void Of_BcdDevice_CountsButForRootHubs()
    {
        var (one, other) = (Bytes(Device), Bytes(Device));
        other[13] = 9;
        var (hub, newer) = (Bytes(Device), Bytes(Device));
        (hub[8], hub[9], hub[10], hub[11]) = (newer[8], newer[9], newer[10], newer[11]) = (0x6b, 0x1d, 3, 0);
        newer[13] = 9;
        Assert.That(
            (HashOf("", "", one) == HashOf("", "", other), HashOf("", "", hub) == HashOf("", "", newer)), Is.EqualTo((false, true)));
    }

    [TestCase("Stick\n", "Stick\t\r\n\0\b\n", true)]
    [TestCase("Stick\n", "Stick \n", false)]
    [TestCase("Stick\n", "\tStick\n", false)]
    public void Of_WhatStandsAtTheEndOfTheName_CountsOnlyWhereItShows(string one, string other, bool same) =>
        Assert.That(HashOf(one, "A1\n", Device) == HashOf(other, "A1\n", Device), Is.EqualTo(same));

    [Test]
    public void Read_DescriptorsThatUsbGuardRefuses_ListsWhatTheyAndTheKernelSay()
    {
        var raw = new SysfsAttributes
        {
            Devpath = "/devices/pci0000:00/0000:00:14.0/usb1/1-4",
            Attributes = Attributes("Stick", "A1", Bytes(Device, Head[..2], [18, 0], Head[4..], Stick, [2])),
            Properties = new Dictionary<string, string>(StringComparer.Ordinal) { ["USEC_INITIALIZED"] = "1" },
            Interfaces = [new SysfsInterface("1-4:1.1", Interface("01", "03"), null)],
            RootHub = new SysfsRootHub(new UsbController("pci", "0000:00:14.0"), null),
            BootId = "6f1c2d7e-0d3a-4f57-9f0e-0f3d9c1f2ab4",
        };
        var subject = RuleSubject.Of(UsbDeviceReader.Read(raw).Device!);
        Assert.That((subject.Hash, string.Join(' ', subject.Interfaces)), Is.EqualTo(("", "08:06:50 03:00:00")));
    }

    private static string? HashOf(string product, string serial, byte[] descriptors) =>
        UsbGuardHash.Of(Attributes(product, serial, descriptors));

    private static Dictionary<string, byte[]> Attributes(string product, string serial, byte[] descriptors) => new(StringComparer.Ordinal)
    {
        ["idVendor"] = "0951\n"u8.ToArray(),
        ["idProduct"] = "1666\n"u8.ToArray(),
        ["busnum"] = "1\n"u8.ToArray(),
        ["devnum"] = "4\n"u8.ToArray(),
        ["product"] = Encoding.UTF8.GetBytes(product),
        ["serial"] = Encoding.UTF8.GetBytes(serial),
        ["descriptors"] = descriptors,
    };

    private static Dictionary<string, byte[]> Interface(string number, string major) => new(StringComparer.Ordinal)
    {
        ["bInterfaceNumber"] = Encoding.UTF8.GetBytes(number),
        ["bInterfaceClass"] = Encoding.UTF8.GetBytes(major),
    };

    private static byte[] Bytes(params byte[][] parts) => [.. parts.SelectMany(part => part)];
}
