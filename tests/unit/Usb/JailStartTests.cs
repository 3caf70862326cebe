// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using UsbHostd.Daemon.Usb;

namespace UsbHostd.Tests.Usb;

[TestFixture]
internal sealed class JailStartTests : UsbHostFixture
{
    private const string Controller = "0000:00:14.0";

    private FakeHubPorts ports = null!;

    [SetUp]
    public void SetUp()
    {
        ports = new FakeHubPorts();
        foreach (var hub in new[] { Usb2Hub, Usb3Hub })
        {
            Sysfs.Write($"{hub}/interface_authorized_default", "1\n");
        }
    }

    [TearDown]
    public void TearDown() => ports.Dispose();

    [Test]
    public void Close_NamedController_BothItsRootHubsAreClosed()
    {
        Close(Controller);

        Assert.That(Defaults, Is.EqualTo("0 0"));
    }

    [Test]
    public void Close_ControllerThatIsNotThere_IsNoError()
    {
        Close("0000:99:00.0");

        Assert.That(Defaults, Is.EqualTo("1 1"));
    }

    [Test]
    public void Close_ControllerThatIsNotNamedAnyMore_IsOpened()
    {
        Close(Controller);

        Close();

        Assert.That(Defaults, Is.EqualTo("1 1"));
    }

    [Test]
    public void Close_ControllerThatIsNotNamedAnyMore_LetsGoOfThePortsThatWereKept()
    {
        Close(Controller);
        ports.Held.Add((RootHubNode, 4));

        Close();

        Assert.That(ports.Held, Is.Empty);
    }

    [Test]
    public void Close_ControllerThatIsStillNamed_KeepsItsPortsAndNoOthers()
    {
        ports.Held.UnionWith([(RootHubNode, 4), ($"{Sysfs.Options.Dev}/bus/usb/009/001", 4)]);

        Close(Controller);

        Assert.That(ports.Held, Is.EqualTo([(RootHubNode, 4)]));
    }

    [Test]
    public void Close_BesideUsbGuard_IsRefusedAndChangesNothing()
    {
        AddProcess(812, "usbguard-daemon", "0");

        Assert.That(() => Close(Controller), Throws.TypeOf<JailException>().With.Message.Contains("usbguard-daemon runs (pid 812)"));
        Assert.That(Defaults, Is.EqualTo("1 1"));
    }

    [Test]
    public void Close_AnybodysProcessNamedLikeIt_IsNoHindrance()
    {
        AddProcess(812, "usbguard-daemon", "1000");

        Assert.That(() => Close(Controller), Throws.Nothing);
    }

    [Test]
    public void Close_WithoutJail_BesideUsbGuardIsFine()
    {
        AddProcess(812, "usbguard-daemon", "0");

        Assert.That(() => Close(), Throws.Nothing);
    }

    [Test]
    public void Close_HostUsesADeviceBehindIt_NamesDeviceAndUseAndChangesNothing()
    {
        AddMounted();

        var refusal = Assert.Throws<JailException>(() => Close(Controller))!;

        Assert.That(refusal.Message, Does.Contain("0000:00:14.0: device 0951:1666 at 1-4 \"DataTraveler 3.0\": a file system on it is mounted (/dev/sdb1 on /srv): unmount it (umount)"));
        Assert.That(Defaults, Is.EqualTo("1 1"));
    }

    [Test]
    public void Close_HostUsesADeviceBehindItAndForced_IsClosed()
    {
        AddMounted();

        Close(force: true, Controller);

        Assert.That(Defaults, Is.EqualTo("0 0"));
    }

    [Test]
    public void Close_AUsersFuseMountNamesTheDisk_IsClosed()
    {
        AddMounted();
        Sysfs.WriteProc("1/mountinfo", "36 25 0:52 / /srv/u/m rw - fuse.x /dev/sdb1 rw,user_id=1000,group_id=1000\n");

        Close(Controller);

        Assert.That(Defaults, Is.EqualTo("0 0"));
    }

    private string RootHubNode => $"{Sysfs.Options.Dev}/bus/usb/001/001";

    private string Defaults => $"{Sysfs.Read(Usb2Hub, "interface_authorized_default")} {Sysfs.Read(Usb3Hub, "interface_authorized_default")}";

    private void Close(params string[] controllers) => Close(force: false, controllers);

    private void Close(bool force, params string[] controllers)
    {
        var writer = new SysfsUsbWriter(Sysfs.Options, ports, NullLogger<SysfsUsbWriter>.Instance);
        new JailStart(new JailOptions { Controllers = [.. controllers], Force = force }, Sysfs.Options, NullLogger<JailStart>.Instance)
            .Close(Host.ReadAll, writer);
    }

    private void AddProcess(int pid, string name, string user)
    {
        Sysfs.WriteProc($"{pid}/comm", name + "\n");
        Sysfs.WriteProc($"{pid}/status", $"Name:\t{name}\nUid:\t{user}\t{user}\t{user}\t{user}\n");
    }

    private void AddMounted()
    {
        var stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        var disk = Sysfs.AddBlock($"{stick}/1-4:1.0", "sdb", "8:16");
        Sysfs.AddBlock(disk, "sdb1", "8:17");
        Sysfs.WriteProc("1/mountinfo", "36 35 8:17 / /srv rw shared:1 - ext4 /dev/sdb1 rw\n");
    }
}
