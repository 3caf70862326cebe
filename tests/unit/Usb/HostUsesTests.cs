// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Tests.Usb;

[TestFixture]
internal sealed class HostUsesTests : UsbHostFixture
{
    private string stick = "";
    private string disk = "";

    internal static string RouteV4(string name, string flags) =>
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        + $"{name}\t00000000\t0100A8C0\t{flags}\t0\t0\t100\t00000000\t0\t0\t0\n";

    private static string RouteV6(string name, string flags) =>
        $"00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 {flags} {name}\n";

    [SetUp]
    public void PlugIn()
    {
        stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        disk = Sysfs.AddBlock($"{stick}/1-4:1.0", "sdb", "8:16");
        Sysfs.AddBlock(disk, "sdb1", "8:17");
    }

    private HostUse[] Uses() => [.. Read(stick).Uses];

    [Test]
    public void Uses_Unused_AreNone() => Assert.That(Uses(), Is.Empty);

    [Test]
    public void Uses_PartitionMounted_NamesNodeAndPlace()
    {
        Sysfs.WriteProc("1/mountinfo", "36 25 8:17 / /media/my\\040stick rw,noatime shared:7 master:2 - vfat /dev/sdb1 rw\n");
        Assert.That(Uses(), Is.EqualTo(new[] { new HostUse(HostUseKind.Mount, "/dev/sdb1 on /media/my stick") }));
    }

    /// <summary>As in a namespace of the daemon's own in which what is below /home is unmounted.</summary>
    [Test]
    public void Uses_MountedForTheHostAndNotForUs_AreTheHosts()
    {
        Sysfs.WriteProc("self/mountinfo", "");
        Sysfs.WriteProc("1/mountinfo", "36 25 8:17 / /run/user/1000/stick rw shared:7 - vfat /dev/sdb1 rw\n");
        Assert.That(Uses(), Is.EqualTo(new[] { new HostUse(HostUseKind.Mount, "/dev/sdb1 on /run/user/1000/stick") }));
    }

    [Test]
    public void Uses_FirstProcessHidden_AreThoseOfOurOwnMounts()
    {
        File.Delete(Sysfs.Options.HostMounts);
        Sysfs.WriteProc("self/mountinfo", "36 25 8:17 / /srv rw shared:7 - vfat /dev/sdb1 rw\n");
        Assert.That(Uses(), Is.EqualTo(new[] { new HostUse(HostUseKind.Mount, "/dev/sdb1 on /srv") }));
    }

    [Test]
    public void Uses_OtherDiskMounted_AreNone()
    {
        Sysfs.WriteProc("1/mountinfo", "36 25 8:1 / / rw - ext4 /dev/sda1 rw\n36 25 8:170 / /x rw - ext4 /dev/sdk10 rw\n");
        Assert.That(Uses(), Is.Empty);
    }

    [Test]
    public void Uses_MountWithoutANumberOfItsOwn_IsFoundBySource()
    {
        Sysfs.WriteProc("1/mountinfo", "36 25 0:52 / /srv rw - fuse.exfat /dev/sdb1 rw,user_id=0,group_id=0\n");
        Assert.That(Uses().Single().Detail, Is.EqualTo("/dev/sdb1 on /srv"));
    }

    /// <summary>Any user may mount a FUSE file system with fsname=/dev/sdb1 in a folder of his.</summary>
    [TestCase("rw,user_id=1000,group_id=1000")]
    [TestCase("rw,group_id=0")]
    public void Uses_FuseMountOfAnOrdinaryUser_IsShownAndNotGuarded(string options)
    {
        Sysfs.WriteProc("1/mountinfo", $"36 25 0:52 / /srv/u/m rw - fuse.x /dev/sdb1 {options}\n");
        Assert.That(Uses().Select(u => (u, u.IsGuarded)), Is.EqualTo(new[] { (new HostUse(HostUseKind.UserMount, "/dev/sdb1 on /srv/u/m"), false) }));
    }

    [Test]
    public void Uses_FuseMountOfAUserOnTheBlockDeviceItself_IsGuarded()
    {
        Sysfs.WriteProc("1/mountinfo", "36 25 8:17 / /mnt rw - fuseblk /dev/sdb1 rw,user_id=1000,group_id=1000\n");
        Assert.That(Uses().Single().Kind, Is.EqualTo(HostUseKind.Mount));
    }

    [Test]
    public void Uses_LoopOnAPartition_IsNamedWithWhatIsMountedThroughIt()
    {
        Directory.CreateDirectory($"{Sysfs.Options.Dev}/disk/by-label");
        File.CreateSymbolicLink($"{Sysfs.Options.Dev}/disk/by-label/data", "../../sdb1");
        AddLoop("loop3", "7:3", "/dev/disk/by-label/data");
        AddLoop("loop4", "7:4", "/srv/image");
        Sysfs.Write("/devices/virtual/block/loop3/loop3p1/dev", "259:0\n");
        Sysfs.Link("/class/block/loop3p1", "/devices/virtual/block/loop3/loop3p1");
        Sysfs.WriteProc("1/mountinfo", "36 25 259:0 / /data rw - ext4 /dev/loop3p1 rw\n");

        Assert.That(Uses(), Is.EqualTo(new[]
        {
            new HostUse(HostUseKind.Mount, "/dev/sdb1 on /data, through loop3p1"), new HostUse(HostUseKind.Loop, "/dev/loop3 on /dev/sdb1"),
        }));
    }

    [Test]
    public void Uses_LoopOnAVolume_IsTheDisks()
    {
        Sysfs.AddMapper("dm-0", "254:0", "luks-secret", $"{disk}/sdb1");
        AddLoop("loop3", "7:3", "/dev/dm-0");
        Assert.That(Uses().Select(u => u.Kind), Is.EqualTo(new[] { HostUseKind.Volume, HostUseKind.Loop }));
    }

    [Test]
    public void Uses_LoopsInARing_ComeToAnEnd()
    {
        AddLoop("loop3", "7:3", "/dev/sdb1");
        AddLoop("loop4", "7:4", "/dev/loop3");
        AddLoop("loop5", "7:5", "/dev/loop5");
        Assert.That(string.Join(", ", Uses().Select(u => u.Detail)), Is.EqualTo("/dev/loop3 on /dev/sdb1, /dev/loop4 on /dev/sdb1"));
    }

    private void AddLoop(string name, string number, string backing)
    {
        Sysfs.Write($"/devices/virtual/block/{name}/dev", number + "\n");
        Sysfs.Write($"/devices/virtual/block/{name}/loop/backing_file", backing + "\n");
        Sysfs.Link($"/class/block/{name}", $"/devices/virtual/block/{name}");
    }

    [Test]
    public void Uses_SecondMemberOfBtrfs_IsMountedToo()
    {
        Sysfs.Link("/fs/btrfs/6a1b/devices/sda1", "/devices/other");
        Sysfs.Link("/fs/btrfs/6a1b/devices/sdb1", disk);
        Sysfs.WriteProc("1/mountinfo", "36 25 0:40 /@ /srv rw - btrfs /dev/sda1 rw\n");
        Assert.That(Uses(), Is.EqualTo(new[] { new HostUse(HostUseKind.Mount, "/dev/sdb1 on /srv") }));
    }

    [Test]
    public void Uses_MemberOfImportedZfsPool_IsVolume()
    {
        File.WriteAllText($"{Sysfs.Options.Run}/udev/data/b8:17", "I:5\nE:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=tank\n");
        var before = Uses();
        Sysfs.WriteProc("spl/kstat/zfs/tank/state", "ONLINE\n");
        Assert.That(
            (before.Length, Uses().Single()), Is.EqualTo((0, new HostUse(HostUseKind.Volume, "/dev/sdb1 in zfs pool tank"))));
    }

    [Test]
    public void Uses_SwapByLink_IsFound()
    {
        Directory.CreateDirectory($"{Sysfs.Options.Dev}/disk/by-label");
        File.CreateSymbolicLink($"{Sysfs.Options.Dev}/disk/by-label/swap", "../../sdb1");
        Sysfs.WriteProc("swaps", "Filename Type Size Used Priority\n/dev/disk/by-label/swap partition 1 0 -2\n");
        Assert.That(Uses(), Is.EqualTo(new[] { new HostUse(HostUseKind.Swap, "/dev/sdb1") }));
    }

    [Test]
    public void Uses_LuksWithMountedVolumeGroup_ShowsEachLayer()
    {
        Sysfs.AddMapper("dm-0", "254:0", "luks-secret", $"{disk}/sdb1");
        Sysfs.AddMapper("dm-1", "254:1", "vg-data", "/devices/virtual/block/dm-0");
        Sysfs.WriteProc("1/mountinfo", "36 25 254:1 / /data rw - ext4 /dev/mapper/vg-data rw\n");
        Assert.That(Uses(), Is.EqualTo(new[]
        {
            new HostUse(HostUseKind.Mount, "/dev/sdb1 on /data, through vg-data"),
            new HostUse(HostUseKind.Volume, "/dev/sdb1 in luks-secret"),
            new HostUse(HostUseKind.Volume, "/dev/sdb1 in vg-data"),
        }));
    }

    [Test]
    public void Uses_HoldersInARing_ComeToAnEnd()
    {
        Sysfs.AddMapper("dm-0", "254:0", "ring", $"{disk}/sdb1");
        Sysfs.Link("/devices/virtual/block/dm-0/holders/dm-0", "/devices/virtual/block/dm-0");
        Assert.That(Uses(), Is.EqualTo(new[] { new HostUse(HostUseKind.Volume, "/dev/sdb1 in ring") }));
    }

    [TestCase("0003", ExpectedResult = true)]
    [TestCase("0002", ExpectedResult = false, Description = "not up")]
    [TestCase("0201", ExpectedResult = false, Description = "reject")]
    public bool Uses_Ipv4Default_CountsOnlyIfUsable(string flags)
    {
        Sysfs.AddNetwork($"{stick}/1-4:1.0", "usb0");
        Sysfs.WriteProc("net/route", RouteV4("usb0", flags));
        return Uses().Contains(new HostUse(HostUseKind.DefaultRoute, "usb0"));
    }

    [TestCase("00000003", ExpectedResult = true)]
    [TestCase("00200200", ExpectedResult = false)]
    public bool Uses_Ipv6Default_CountsOnlyIfUsable(string flags)
    {
        Sysfs.AddNetwork($"{stick}/1-4:1.0", "usb0");
        Sysfs.WriteProc("net/ipv6_route", RouteV6("usb0", flags));
        return Uses().Contains(new HostUse(HostUseKind.DefaultRoute, "usb0"));
    }

    [Test]
    public void Uses_RouteToOneNetwork_IsNoDefault()
    {
        Sysfs.AddNetwork($"{stick}/1-4:1.0", "usb0");
        Sysfs.WriteProc("net/route", RouteV4("usb0", "0003").Replace("\t00000000\t0\t0\t0\n", "\t00FFFFFF\t0\t0\t0\n", StringComparison.Ordinal));
        Assert.That(Uses(), Is.EqualTo(new[] { new HostUse(HostUseKind.Network, "usb0") }));
    }

    [Test]
    public void Uses_DefaultRouteOfTheBridgeAbove_IsIts()
    {
        var net = Sysfs.AddNetwork($"{stick}/1-4:1.0", "usb0");
        var bridge = Sysfs.AddNetwork(null, "br0");
        Sysfs.Link($"{net}/upper_br0", bridge);
        Sysfs.WriteProc("net/route", RouteV4("br0", "0003"));
        Assert.That(Uses(), Does.Contain(new HostUse(HostUseKind.DefaultRoute, "usb0, through br0")));
    }

    [Test]
    public void Uses_OnlyKeyboard_IsTheLast()
    {
        Sysfs.AddInput($"{stick}/1-4:1.0/0003:046D:C31C.0001", "input5", isKeyboard: true);
        Sysfs.AddInput("/devices/virtual", "input9", isKeyboard: true);
        Sysfs.AddInput("/devices/LNXSYSTM:00/PNP0C0C:00", "input0", isKeyboard: false);
        Assert.That(Uses(), Is.EqualTo(new[] { new HostUse(HostUseKind.Input, "input5"), new HostUse(HostUseKind.LastKeyboard, "input5") }));
    }

    [Test]
    public void Uses_KeyboardBesideTheBuiltInOne_IsNotTheLast()
    {
        Sysfs.AddInput($"{stick}/1-4:1.0/0003:046D:C31C.0001", "input5", isKeyboard: true);
        Sysfs.AddInput("/devices/platform/i8042/serio0", "input1", isKeyboard: true);
        Assert.That(Uses(), Is.EqualTo(new[] { new HostUse(HostUseKind.Input, "input5") }));
    }

    [Test]
    public void Uses_Mouse_IsNeverTheLastKeyboard()
    {
        Sysfs.AddInput($"{stick}/1-4:1.0/0003:046D:C31C.0001", "input5", isKeyboard: false);
        Assert.That(Uses(), Is.EqualTo(new[] { new HostUse(HostUseKind.Input, "input5") }));
    }

    [Test]
    public void Uses_DriverUsbfs_IsLeftToWhoKnowsTheGuests()
    {
        Sysfs.SetDriver($"{stick}/1-4:1.0", UsbInterface.UsbfsDriver);
        Assert.That((Uses().Length, Read(stick).Interfaces[0].Driver), Is.EqualTo((0, "usbfs")));
    }
}
