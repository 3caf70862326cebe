// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using NUnit.Framework;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Linux;
using UsbHostd.Daemon.Usb;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Tests.Usb;

/// <summary>Who holds the nodes below a device. In the fake tree a plain file stands for a node: its content is type and number.</summary>
[TestFixture]
internal sealed class DeviceHoldersTests : UsbHostFixture
{
    private static readonly Guid Alpha = new("5d2f0000-0000-0000-0000-000000000001");

    private readonly List<string> refused = [];
    private readonly List<string> tried = [];
    private string device = "";
    private string disk = "";
    private int openErrno;

    private string Interface => $"{device}/1-4:1.0";

    [SetUp]
    public void PlugIn()
    {
        (openErrno, device) = (0, Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1") with { Number = 7 }));
        refused.Clear();
        tried.Clear();
        disk = Sysfs.AddBlock(Interface, "sdb", "8:16");
        Sysfs.AddBlock(disk, "sdb1", "8:17");
        AddFile("sdb", "b 8:16");
        AddFile("sdb1", "b 8:17");
    }

    private HostUse[] Find(params Guest[] guests) =>
    [
        .. new DeviceHolders(Sysfs.Options, Files) { NumberAt = NumberAt, TryExclusively = TryOpen, NotPermitted = refused.Add }.Of(Read(device), guests),
    ];

    [Test]
    public void Of_NobodyHoldsIt_IsEmpty()
    {
        AddProcess(812, "bash", "sda");
        Assert.That(Find(), Is.Empty);
    }

    [TestCase("sdb", "b 8:16")]
    [TestCase("sdb1", "b 8:17")]
    public void Of_DiskOpenInAProgram_NamesProgramAndNode(string node, string content)
    {
        AddProcess(812, "dd", AddFile(node, content));
        Assert.That(Find(), Is.EqualTo(new[] { new HostUse(HostUseKind.Process, $"dd (pid 812) has /dev/{node} open") }));
    }

    /// <summary>A container's node is another file with the same number.</summary>
    [Test]
    public void Of_NodeElsewhereWithTheNumber_IsFound()
    {
        AddProcess(812, "dd", AddFile("c1/dev/disk", "b 8:16"));
        Assert.That(Find().Single().Detail, Is.EqualTo("dd (pid 812) has /dev/sdb open"));
    }

    [TestCase("tty/ttyUSB0", "tty", "ttyUSB0")]
    [TestCase("video4linux/video0", "video4linux", "video0")]
    [TestCase("sound/card1/pcmC1D0p", "sound", "snd/pcmC1D0p")]
    [TestCase("usbmisc/lp0", "usbmisc", "usb/lp0")]
    [TestCase("0003:046D:C31C.0001/hidraw/hidraw0", "hidraw", "hidraw0")]
    [TestCase("0003:046D:C31C.0001/input/input5/event5", "input", "input/event5")]
    public void Of_NodeOfEachSubsystemHeld_IsFound(string folder, string subsystem, string name)
    {
        AddProcess(812, "program", AddNode(folder, subsystem, name, "240:3"));
        Assert.That(Find(), Is.EqualTo(new[] { new HostUse(HostUseKind.Process, $"program (pid 812) has /dev/{name} open") }));
    }

    [Test]
    public void Of_UsbfsNodeHeld_IsFound()
    {
        AddProcess(812, "pcscd", AddFile("bus/usb/001/007", $"c {Sysfs.Read(device, "dev")}"));
        Assert.That(Find().Single().Detail, Is.EqualTo("pcscd (pid 812) has /dev/bus/usb/001/007 open"));
    }

    [Test]
    public void Of_SoundControlHeld_IsNoUse()
    {
        AddProcess(812, "wireplumber", AddNode("sound/card1/controlC1", "sound", "snd/controlC1", "116:7"));
        Assert.That(Find(), Is.Empty);
    }

    [Test]
    public void Of_ProgramThatHasInputsOfSeveralDevices_OnlyListens()
    {
        var own = AddNode("0003:046D:C31C.0001/input/input5/event5", "input", "input/event5", "13:69");
        AddProcess(812, "Xorg", own, AddFile("input/event0", "c 13:64"));
        Assert.That(Find(), Is.Empty);
    }

    [Test]
    public void Of_ListenerThatAlsoHasTheDisk_UsesIt()
    {
        var own = AddNode("0003:046D:C31C.0001/input/input5/event5", "input", "input/event5", "13:69");
        AddProcess(812, "Xorg", own, AddFile("input/event0", "c 13:64"), AddFile("sdb", "b 8:16"));
        Assert.That(Find().Single().Detail, Is.EqualTo("Xorg (pid 812) has /dev/sdb open"));
    }

    [TestCase("0", ExpectedResult = 0)]
    [TestCase("1000", ExpectedResult = 1, Description = "any user may call a program so")]
    public int Of_LogindWithThisInputOnly_CountsUnlessItIsRoots(string user)
    {
        AddProcess(812, "systemd-logind", AddNode("0003:046D:C31C.0001/input/input5/event5", "input", "input/event5", "13:69"));
        Sysfs.WriteProc("812/status", $"Name:\tsystemd-logind\nUid:\t{user}\t{user}\t{user}\t{user}\n");
        return Find().Length;
    }

    [Test]
    public void Of_QemuOfAGuest_NamesTheGuest()
    {
        AddProcess(900, "qemu-system-x86", AddFile("sdb", "b 8:16"));
        Sysfs.WriteProc("900/cmdline", $"/usr/bin/qemu\0-name\0guest=x\0-uuid\0{Alpha}\0");
        Assert.That(Find(Running()), Is.EqualTo(new[]
        {
            new HostUse(HostUseKind.GuestNode, "qemu-system-x86 (pid 900) of guest alpha has /dev/sdb open") { Guest = "alpha" },
        }));
    }

    [TestCase("/dev/sdb", "guest alpha has /dev/sdb as its disk")]
    [TestCase("/dev/disk/by-id/usb-A1-part1", "guest alpha has /dev/disk/by-id/usb-A1-part1 (/dev/sdb1) as its disk")]
    [TestCase("6:0:0:0", "guest alpha has /dev/sdb as its disk")]
    public void Of_GuestNamesANode_NamesGuestAndPlace(string source, string detail)
    {
        AddLink("disk/by-id/usb-A1-part1", "../../sdb1");
        Assert.That(Find(Running() with { Nodes = [new GuestNode("disk", source)] }).Select(u => (u.Kind, u.Detail, u.Guest)), Is.EqualTo(new[]
        {
            (HostUseKind.GuestNode, detail, "alpha"),
        }));
    }

    [Test]
    public void Of_LinkThatLeadsToAnotherDiskNow_IsNoUse()
    {
        AddLink("disk/by-id/usb-A1", "../../sdc");
        Assert.That(Find(Running() with { Nodes = [new GuestNode("disk", "/dev/disk/by-id/usb-A1"), new GuestNode("disk", "7:0:0:0")] }), Is.Empty);
    }

    [Test]
    public void Of_GuestThatIsOffNamesASerialPort_SaysThatItIsOff()
    {
        AddNode("tty/ttyUSB0", "tty", "ttyUSB0", "188:0");
        AddLink("serial/by-id/usb-FT", "../../ttyUSB0");
        var off = Running() with { Run = null, State = GuestState.Shutoff, Nodes = [new GuestNode("serial", "/dev/serial/by-id/usb-FT")] };
        Assert.That(Find(off).Single().Detail, Is.EqualTo("the definition of guest alpha, which is off, has /dev/serial/by-id/usb-FT (/dev/ttyUSB0) as its serial"));
    }

    [Test]
    public void Of_DiskThatTheKernelHolds_IsBusy()
    {
        openErrno = LibC.Ebusy;
        Assert.That(Find(), Is.EqualTo(new[] { new HostUse(HostUseKind.Exclusive, "/dev/sdb") }));
    }

    [Test]
    public void Of_BusyDiskThatAProgramExplains_NamesTheProgramOnly()
    {
        openErrno = LibC.Ebusy;
        AddProcess(812, "mkfs.ext4", AddFile("sdb", "b 8:16"));
        Assert.That(Find().Select(u => u.Kind), Is.EqualTo(new[] { HostUseKind.Process }));
    }

    [TestCase(LibC.Eperm)]
    [TestCase(LibC.Eacces)]
    public void Of_DiskThatMayNotBeOpened_IsToldOfAndNotRefused(int errno)
    {
        openErrno = errno;
        Assert.That((Find().Length, string.Join(' ', refused)), Is.EqualTo((0, "/dev/sdb")));
    }

    [Test]
    public void Of_FileInPlaceOfTheDisk_IsNotOpened()
    {
        AddFile("sdb", "a plain file");
        Find();
        Assert.That(tried, Is.Empty);
    }

    /// <summary>A real process, the real /proc, and the kernel's word for what it has open.</summary>
    [Test]
    public void Of_RealProcessWithARealNodeOpen_IsNamed()
    {
        AddNode("misc/full", "misc", "full", "1:7");
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec 3</dev/full; echo open; read line"])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        shell.StandardOutput.ReadLine();
        var holders = new DeviceHolders(Sysfs.Options with { Proc = "/proc" }, new SysfsFiles()) { TryExclusively = TryOpen };

        var found = holders.Of(Read(device), []);

        shell.StandardInput.Close();
        shell.WaitForExit();
        Assert.That(found.Select(u => u.Detail), Does.Contain($"sh (pid {shell.Id}) has /dev/full open"));
    }

    private static Guest Running() =>
        new() { Id = new GuestId(Alpha), Name = "alpha", State = GuestState.Running, Run = new GuestRun("boot", 3) };

    private DeviceNumber? NumberAt(string path) =>
        File.Exists(path) && File.ReadAllText(path).Split(' ') is [{ Length: 1 } type, var number] ? DeviceNumber.Parse(type[0], number) : null;

    private int TryOpen(string path)
    {
        tried.Add(path);
        return openErrno;
    }

    /// <summary>Makes a node in sysfs and in /dev; gives its place.</summary>
    private string AddNode(string folder, string subsystem, string name, string number)
    {
        Sysfs.Write($"{Interface}/{folder}/dev", number + "\n");
        Sysfs.Write($"{Interface}/{folder}/uevent", $"MAJOR={number[..number.IndexOf(':', StringComparison.Ordinal)]}\nDEVNAME={name}\n");
        Sysfs.Link($"{Interface}/{folder}/subsystem", $"/class/{subsystem}");
        return AddFile(name, $"c {number}");
    }

    private string AddFile(string name, string content)
    {
        var path = $"{Sysfs.Options.Dev}/{name}";
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        return path;
    }

    private void AddLink(string name, string target)
    {
        var path = $"{Sysfs.Options.Dev}/{name}";
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.CreateSymbolicLink(path, target);
    }

    private void AddProcess(int pid, string name, params string[] open)
    {
        Sysfs.WriteProc($"{pid}/comm", name + "\n");
        Directory.CreateDirectory($"{Sysfs.Options.Proc}/{pid}/fd");
        foreach (var (path, i) in open.Select((path, i) => (path, i)))
        {
            File.CreateSymbolicLink($"{Sysfs.Options.Proc}/{pid}/fd/{(i + 3).ToString(CultureInfo.InvariantCulture)}", path);
        }
    }
}
