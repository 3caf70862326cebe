// SPDX-License-Identifier: Apache-2.0
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using UsbHostd.Daemon.Usb;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Tests.Usb;

[TestFixture]
internal sealed class UsbTablesTests
{
    [TestCase(@"/a\040b", "/a b")]
    [TestCase(@"/tab\011line\012back\134slash", "/tab\tline\nback\\slash")]
    [TestCase(@"/not\9 \04", @"/not\9 \04")]
    [TestCase(@"/nul\000", @"/nul\000")]
    public void Unescape_Octal_IsTheCharacter(string text, string expected) =>
        Assert.That(MountTable.Unescape(text), Is.EqualTo(expected));

    [Test]
    public void ParseMounts_LinesWithoutADevice_AreLeftOut()
    {
        const string Text = """
            22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
            28 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw
            too short - x
            29 1 8:2 / /nodash rw shared:1 ext4 /dev/sda2 rw

            30 1 0:45 / /tank rw - zfs tank/data rw
            """;
        Assert.That(MountTable.ParseMounts(Text).Select(m => (m.Number, m.Point)), Is.EqualTo(new[] { ("8:1", "/"), ("0:45", "/tank") }));
    }

    [Test]
    public void Tables_AnyText_NeverThrow() => Check.QuickThrowOnFailure(Prop.ForAll(
        Gen.Elements(' ', '\t', '\n', '\\', '0', '1', '8', ':', '/', '-', 'a').ArrayOf().Select(c => new string(c)).ToArbitrary(),
        text => MountTable.ParseMounts(text).Count() + MountTable.ParseSwaps(text).Count() + RouteTable.ParseIpv4(text).Count()
            + RouteTable.ParseIpv6(text).Count() <= 4 * text.Length));

    [TestCase("/devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4:1.0/host6/block/sdb", "/devices/pci0000:00/0000:00:14.0/usb1/1-4")]
    [TestCase("/devices/pci0000:00/0000:00:14.0/usb1/1-0:1.0", "/devices/pci0000:00/0000:00:14.0/usb1")]
    [TestCase("/devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4.2", "/devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4.2")]
    [TestCase("/devices/platform/i8042/serio0/input/input1", null)]
    [TestCase("/devices/i2c-1/1-0050/input/input1", null)]
    public void UsbDeviceOf_Path_IsTheDeepest(string path, string? device) =>
        Assert.That(Devpath.UsbDeviceOf(path), Is.EqualTo(device));

    [TestCase("1-4.2:1.0", true)]
    [TestCase("1-0:1.0", true)]
    [TestCase("1-4.2", false)]
    [TestCase("usb1:1.0", false)]
    [TestCase("1-4:1.0/../../x", false)]
    [TestCase("../1-4:1.0", false)]
    [TestCase("1-4:1", false)]
    [TestCase("1-4:1.", false)]
    [TestCase("1-:1.0", false)]
    [TestCase("1-4:1.0\n", false)]
    public void IsInterfaceName_Name_IsOneHarmlessSegment(string name, bool expected) =>
        Assert.That(Devpath.IsInterfaceName(name), Is.EqualTo(expected));

    [Test]
    public void Scan_MalformedLines_ArePassedOver()
    {
        const string Text = "# a comment\n0951  Kingston\n\t16  short\n\tzzzz  no number\n\t1666  Traveler\n\t\t01  interface\nC 08  Mass Storage\n"
            + "\t1666  not of a vendor\n1234 one blank\n\t1666  nor this\n046d  Logitech\n\tc31c  Keyboard";
        var (kingston, logitech) = (new UsbId(0x0951, 0x1666), new UsbId(0x046d, 0xc31c));
        var found = Scan(Encoding.UTF8.GetBytes(Text), kingston, logitech);
        Assert.That(
            (found[kingston], found[logitech]),
            Is.EqualTo((new UsbNames("Kingston", "Traveler"), new UsbNames("Logitech", "Keyboard"))));
    }

    [Test]
    public void Scan_EndlessLine_IsSkippedAndTheNextIsRead()
    {
        byte[] text = [.. Encoding.ASCII.GetBytes("0951  "), .. Enumerable.Repeat((byte)'x', 100_000), .. "\n046d  Logitech\n"u8];
        var found = Scan(text, new UsbId(0x0951, 1), new UsbId(0x046d, 1));
        Assert.That(found.Values.Single().Vendor, Is.EqualTo("Logitech"));
    }

    [Test]
    public void Scan_InvalidUtf8_IsReplaced()
    {
        var found = Scan([.. "0951  A"u8, 0xff, (byte)'\n'], new UsbId(0x0951, 1));
        Assert.That(found.Values.Single().Vendor, Is.EqualTo("A\ufffd"));
    }

    private static Dictionary<UsbId, UsbNames> Scan(byte[] text, params UsbId[] wanted)
    {
        var found = new Dictionary<UsbId, UsbNames>();
        using var stream = new MemoryStream(text);
        UsbIds.Scan(stream, wanted.ToHashSet(), found);
        return found;
    }
}
