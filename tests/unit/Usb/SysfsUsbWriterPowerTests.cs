// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using UsbHostd.Daemon.Usb;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Tests.Usb;

[TestFixture]
internal sealed class SysfsUsbWriterPowerTests : UsbHostFixture
{
    private readonly FakeHubPorts ports = new();
    private string stick = null!;
    private UsbDevice device = null!;

    private SysfsUsbWriter Writer => new(Sysfs.Options, ports, NullLogger<SysfsUsbWriter>.Instance);

    private string Remembered => $"{Sysfs.Options.Run}/usbhostd/power";

    private string Control => Sysfs.Read($"{stick}/power", "control").Trim();

    [OneTimeTearDown]
    public void DisposePorts() => ports.Dispose();

    [SetUp]
    public void AddStick()
    {
        stick = Sysfs.AddDevice(Usb2Hub, 4, FakeUsbDevice.Stick("A1"));
        Sysfs.Write($"{stick}/power/control", "auto\n");
        device = Read(stick);
    }

    [Test]
    public void KeepAwake_DeviceThatMaySleep_IsAwakeAndRemembered()
    {
        Writer.KeepAwake(device, awake: true);

        // A plain file keeps the rest of what was there; an attribute does not.
        Assert.That((Control[..2], File.ReadAllText(Remembered)), Is.EqualTo(("on", $"{device.Plug} {stick}\n")));
    }

    [Test]
    public void KeepAwake_NoLonger_PutsBackWhatAnEarlierDaemonFound()
    {
        Writer.KeepAwake(device, awake: true);
        Assert.That(Writer.KeptAwake, Is.EqualTo(new[] { device.Plug }));
        Sysfs.Write($"{stick}/power/control", "on\n");

        Writer.KeepAwake(device, awake: false);

        Assert.That((Control, File.Exists(Remembered), Writer.KeptAwake.Count), Is.EqualTo(("auto", false, 0)));
    }

    [Test]
    public void KeepAwake_DeviceThatIsAwakeAnyway_IsLeftSo()
    {
        Sysfs.Write($"{stick}/power/control", "on\n");

        Writer.KeepAwake(device, awake: true);
        Writer.KeepAwake(device, awake: false);

        Assert.That((Control, File.Exists(Remembered)), Is.EqualTo(("on", false)));
    }

    [Test]
    public void KeepAwake_AnotherDeviceIsInThePortNow_ItsSettingIsItsOwn()
    {
        Writer.KeepAwake(device, awake: true);
        Sysfs.Remove(stick);
        AddStick();
        Sysfs.Write($"{stick}/power/control", "on\n");

        Writer.KeepAwake(device, awake: false);

        Assert.That(Control, Is.EqualTo("on"));
    }

    [Test]
    public void KeepAwake_KernelWithoutTheAttribute_IsNoError()
    {
        File.Delete(Sysfs.Sys($"{stick}/power/control"));

        Assert.That(() => Writer.KeepAwake(device, awake: true), Throws.Nothing);
    }

    [Test]
    public void KeptAwake_HalfALine_SaysNothing()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Remembered)!);
        File.WriteAllText(Remembered, $"{device.Plug} {stick}\n{device.Plug}");

        Assert.That(Writer.KeptAwake, Is.EqualTo(new[] { device.Plug }));
    }
}
