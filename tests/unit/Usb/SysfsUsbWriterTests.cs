// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Usb;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Usb;

[TestFixture]
internal sealed partial class SysfsUsbWriterTests : UsbHostFixture
{
    private static readonly UsbId Id = new(0x0951, 0x1666);

    private FakeHubPorts Ports { get; } = new();

    private SysfsUsbWriter Writer => new(Sysfs.Options, Ports, NullLogger<SysfsUsbWriter>.Instance);

    [GeneratedRegex("""^SUBSYSTEM=="[a-z|]+", SUBSYSTEMS=="usb", ATTRS\{idVendor\}=="0951", ATTRS\{idProduct\}=="1666", ATTRS\{serial\}=="[A-Za-z0-9._:?*-]*"(, ENV\{[A-Z_]+\}="1")+$""", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RuleLine { get; }

    private string RulesFile => $"{Sysfs.Options.Run}/udev/rules.d/61-usbhostd.rules";

    [Test]
    public void Authorize_Interfaces_WritesToThoseThatAreNot()
    {
        var stick = AddStick(new FakeInterface { IsAuthorized = false }, new FakeInterface());
        // Only a write shows: an attribute of the real thing has no time stamp worth looking at.
        Sysfs.Write($"{stick}/1-4:1.1/authorized", "1 untouched");
        Writer.Authorize(Read(stick));
        Assert.That(
            (Sysfs.Read($"{stick}/1-4:1.0", "authorized"), Sysfs.Read($"{stick}/1-4:1.1", "authorized")),
            Is.EqualTo(("1", "1 untouched")));
    }

    [Test]
    public void Authorize_InterfaceThatCameSince_IsAuthorisedToo()
    {
        var stick = AddStick(new FakeInterface());
        var device = Read(stick) with { Interfaces = [] };
        Sysfs.Write($"{stick}/authorized", "0\n");
        Sysfs.Write($"{stick}/1-4:1.0/authorized", "0\n");
        Writer.Authorize(device);
        Assert.That(
            (Sysfs.Read(stick, "authorized"), Sysfs.Read($"{stick}/1-4:1.0", "authorized")), Is.EqualTo(("1", "1")));
    }

    [TestCase("/devices/../../../etc")]
    [TestCase("relative")]
    public void Authorize_PathOutside_IsRefused(string syspath)
    {
        var device = Read(AddStick(new FakeInterface())) with { Syspath = syspath };
        Assert.That(() => Writer.Authorize(device), Throws.ArgumentException);
    }

    [Test]
    public void OfferDrivers_DriverlessInterface_IsOffered()
    {
        var stick = AddStick(new FakeInterface { Driver = "usb-storage" }, new FakeInterface());
        Writer.OfferDrivers(Read(stick));
        Assert.That(Sysfs.Read("/bus/usb", "drivers_probe"), Is.EqualTo("1-4:1.1"));
    }

    [Test]
    public void OfferDrivers_BoundOrUnauthorised_IsLeftAlone()
    {
        var stick = AddStick(new FakeInterface { Driver = "usb-storage" }, new FakeInterface { IsAuthorized = false });
        Writer.OfferDrivers(Read(stick));
        Assert.That(Sysfs.Read("/bus/usb", "drivers_probe"), Is.Empty);
    }

    [Test]
    public void OfferDrivers_ProbeFails_IsNoError()
    {
        File.Delete(Sysfs.Sys("/bus/usb/drivers_probe"));
        var stick = AddStick(new FakeInterface());
        Assert.That(() => Writer.OfferDrivers(Read(stick)), Throws.Nothing);
    }

    [Test]
    public void WriteIgnoreRules_BySerial_MatchesIdsAndSerialOfOneParent()
    {
        Writer.WriteIgnoreRules([new IgnoreRule(Id, "E0D5-5E", null)]);
        Assert.That(File.ReadAllLines(RulesFile)[1], Is.EqualTo(
            "SUBSYSTEM==\"block\", SUBSYSTEMS==\"usb\", ATTRS{idVendor}==\"0951\", ATTRS{idProduct}==\"1666\", ATTRS{serial}==\"E0D5-5E\", "
            + "ENV{UDISKS_IGNORE}=\"1\""));
    }

    [TestCase("block", "UDISKS_IGNORE")]
    [TestCase("tty", "ID_MM_DEVICE_IGNORE")]
    [TestCase("tty", "ID_MM_PORT_IGNORE")]
    [TestCase("usbmisc", "ID_MM_PORT_IGNORE")]
    [TestCase("wwan", "ID_MM_PORT_IGNORE")]
    [TestCase("usb", "ID_MM_DEVICE_IGNORE", Description = "older versions of ModemManager look nowhere else")]
    [TestCase("net", "ID_MM_DEVICE_IGNORE")]
    [TestCase("net", "NM_UNMANAGED")]
    public void WriteIgnoreRules_EachProgramOfTheHost_IsToldWhereItLooks(string subsystem, string property)
    {
        Writer.WriteIgnoreRules([new IgnoreRule(Id, "A1", null)]);

        Assert.That(
            File.ReadAllLines(RulesFile).Where(line => line.Contains($"ENV{{{property}}}=\"1\"", StringComparison.Ordinal)).Select(line => line.Split('"')[1].Split('|')),
            Has.Some.Contains(subsystem));
    }

    [Test]
    public void WriteIgnoreRules_PortsAndNetworksAreThere_TellsUdevOfThemAndOfTheDevice()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        string[] nodes = [stick, $"{stick}/1-4:1.0/ttyUSB0/tty/ttyUSB0", $"{stick}/1-4:1.0/net/usb0", $"{stick}/1-4:1.0/usbmisc/cdc-wdm0", $"{stick}/1-4:1.0/wwan/wwan0/wwan0at0"];
        string[] others = [$"{stick}/1-4:1.0/net/usb0/queues/rx-0", $"{stick}/1-4:1.0/ttyUSB0"];
        foreach (var node in nodes.Concat(others))
        {
            Sysfs.Write($"{node}/uevent", "");
        }

        var time = new ManualTime();
        using var writer = WriterAt(time);
        writer.WriteIgnoreRules([new IgnoreRule(Id, "A1", null)]);
        time.Advance(TimeSpan.FromSeconds(4), () => { });

        Assert.That(nodes.Select(n => Sysfs.Read(n, "uevent")), Is.All.EqualTo("change"));
        Assert.That(others.Select(n => Sysfs.Read(n, "uevent")), Is.All.Empty);
    }

    [Test]
    public void WriteIgnoreRules_ByPort_MatchesControllerChainAndHalf()
    {
        var key = DeviceKey.Port(new UsbController("pci", "0000:00:14.0"), UsbHalf.Usb3, "4.2");
        Writer.WriteIgnoreRules([new IgnoreRule(Id, null, key)]);
        Assert.That(File.ReadAllLines(RulesFile)[1], Does.Contain(
            "DEVPATH==\"*/0000:00:14.0/usb*\", KERNELS==\"*-4.2\", ATTRS{speed}==\"5000|10000|20000\""));
    }

    [TestCase("\", RUN+=\"/bin/sh", "?*?*?*RUN?*?*?*?*bin?*sh")]
    [TestCase("a|b*c?d[e]", "a?*b?*c?*d?*e?*")]
    [TestCase("line\nbreak\\", "line?*break?*")]
    [TestCase("%k $env{X}", "?*k?*?*env?*X?*")]
    [TestCase("東", "?*")]
    [TestCase("😀1", "?*1")]
    [TestCase("trailing  ", "trailing*")]
    [TestCase("cut\0here", "cut*")]
    public void Pattern_HostileSerial_StaysInItsQuotes(string serial, string pattern) =>
        Assert.That(IgnoreRules.Pattern(serial), Is.EqualTo(pattern));

    [Test]
    public void WriteIgnoreRules_SameContent_LeavesTheFileAlone()
    {
        Writer.WriteIgnoreRules([new IgnoreRule(Id, "A1", null)]);
        File.SetLastWriteTimeUtc(RulesFile, DateTime.UnixEpoch);
        Writer.WriteIgnoreRules([new IgnoreRule(Id, "A1", null)]);
        Assert.That(File.GetLastWriteTimeUtc(RulesFile), Is.EqualTo(DateTime.UnixEpoch));
    }

    [Test]
    public void WriteIgnoreRules_DiskIsThere_TellsUdevOfItOnceUdevReadsTheRules()
    {
        var (disks, time) = (AddDisks(), new ManualTime());
        using var writer = WriterAt(time);
        writer.WriteIgnoreRules([new IgnoreRule(Id, "A1", null)]);
        time.Advance(TimeSpan.FromSeconds(3), () => { });
        var sooner = Told(disks);

        time.Advance(TimeSpan.FromSeconds(1), () => { });

        Assert.That((sooner, Told(disks)), Is.EqualTo((",,,", "change,change,,")));
    }

    [Test]
    public void WriteIgnoreRules_ClaimByPortIsReleased_TellsUdevAgain()
    {
        var (disks, time) = (AddDisks(), new ManualTime());
        using var writer = WriterAt(time);
        writer.WriteIgnoreRules([new IgnoreRule(Id, null, Host.ReadAll().Single(d => d.Serial == "B2").PortKey)]);
        time.Advance(TimeSpan.FromSeconds(4), () => { });
        var claimed = Told(disks);

        writer.WriteIgnoreRules([]);
        time.Advance(TimeSpan.FromSeconds(4), () => { });

        Assert.That((claimed, Told(disks)), Is.EqualTo((",,change,change", ",,change,change")));
    }

    [Test]
    public void WriteIgnoreRules_AnotherClaimOrTheSameAgain_TellsNothingOfTheFirst()
    {
        var (disks, time) = (AddDisks(), new ManualTime());
        using var writer = WriterAt(time);
        writer.WriteIgnoreRules([new IgnoreRule(Id, "A1", null)]);
        time.Advance(TimeSpan.FromSeconds(4), () => { });
        Told(disks);

        writer.WriteIgnoreRules([new IgnoreRule(Id, "A1", null), new IgnoreRule(Id, "B2", null)]);
        time.Advance(TimeSpan.FromSeconds(4), () => { });
        var second = Told(disks);
        writer.WriteIgnoreRules([new IgnoreRule(Id, "A1", null), new IgnoreRule(Id, "B2", null)]);
        time.Advance(TimeSpan.FromSeconds(4), () => { });

        Assert.That((second, Told(disks)), Is.EqualTo((",,change,change", ",,,")));
    }

    [Test]
    public void WriteIgnoreRules_ClaimedAndReleasedAtOnce_TellsNothing()
    {
        var (disks, time) = (AddDisks(), new ManualTime());
        using var writer = WriterAt(time);
        writer.WriteIgnoreRules([]);
        writer.WriteIgnoreRules([new IgnoreRule(Id, "A1", null)]);
        writer.WriteIgnoreRules([]);
        time.Advance(TimeSpan.FromSeconds(4), () => { });
        Assert.That((Told(disks), time.Armed), Is.EqualTo((",,,", 0)));
    }

    private SysfsUsbWriter WriterAt(ManualTime time) =>
        new(Sysfs.Options, Ports, NullLogger<SysfsUsbWriter>.Instance) { Present = () => Host.ReadAll(), Time = time };

    /// <summary>Two sticks, A1 and B2, each with a disk and a partition.</summary>
    private string[] AddDisks()
    {
        var disks = new List<string>();
        foreach (var (serial, port, name) in new[] { ("A1", 4, "sdb"), ("B2", 5, "sdc") })
        {
            var stick = Sysfs.AddDevice(Usb2Hub, port, FakeUsbDevice.Stick(serial));
            disks.Add(Sysfs.AddBlock($"{stick}/1-{port}:1.0", name, $"8:{port * 16}"));
            disks.Add(Sysfs.AddBlock(disks[^1], name + "1", $"8:{(port * 16) + 1}"));
        }

        disks.ForEach(d => Sysfs.Write($"{d}/uevent", ""));
        return [.. disks];
    }

    /// <summary>What was written to the disks' uevent since the last look.</summary>
    private string Told(string[] disks)
    {
        var told = string.Join(',', disks.Select(d => Sysfs.Read(d, "uevent")));
        Array.ForEach(disks, d => Sysfs.Write($"{d}/uevent", ""));
        return told;
    }

    [Test]
    public void WriteIgnoreRules_NoRules_LeavesNoneInForce()
    {
        Writer.WriteIgnoreRules([new IgnoreRule(Id, "A1", null)]);
        Writer.WriteIgnoreRules([]);
        Assert.That(
            (File.ReadAllLines(RulesFile).Count(line => line[0] != '#'), Directory.GetFiles(Path.GetDirectoryName(RulesFile)!).Length),
            Is.EqualTo((0, 1)));
    }

    [Test]
    public void Write_AnySerial_AddsOneLineOfTheOneForm()
    {
        var serials = Gen.OneOf(ArbMap.Default.GeneratorFor<char>(), Gen.Elements('"', '\\', '\n', '\r', '*', '|', '[', '%', '$', 'A'))
            .ArrayOf().Select(chars => new string(chars)).ToArbitrary();
        Check.QuickThrowOnFailure(Prop.ForAll(serials, serial =>
        {
            var lines = IgnoreRules.Write([new IgnoreRule(Id, serial, null)]).Split('\n');
            return lines.Length == 5 && lines[4].Length == 0 && lines[1..4].All(line => RuleLine.IsMatch(line));
        }));
    }

    [TestCase("E0D55E", "E0D55E", ExpectedResult = true)]
    [TestCase("E0D55E", "E0D55F", ExpectedResult = false)]
    [TestCase("a b\"c", "a b\"c", ExpectedResult = true)]
    [TestCase("東京1", "東京1", ExpectedResult = true)]
    [TestCase("東京1", "1", ExpectedResult = false)]
    [TestCase("A1  ", "A1", ExpectedResult = true, Description = "udev takes the blanks off")]
    public bool Pattern_Serial_MatchesAsUdevWould(string serial, string value) =>
        System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(IgnoreRules.Pattern(serial), value, ignoreCase: false);

    private string AddStick(params FakeInterface[] interfaces) =>
        Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1") with { Interfaces = interfaces });
}
