// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Tests.Usb;

namespace UsbHostd.Bench;

/// <summary>A host of files for the published daemon: sticks on one controller.</summary>
internal sealed class Host : IDisposable
{
    private readonly FakeSysfs sysfs = new();

    public Host(int devices = 20)
    {
        var hub = sysfs.AddRootHub("/devices/pci0000:00/0000:00:14.0", "pci", 1);
        for (var port = 1; port <= devices; port++)
        {
            sysfs.AddDevice(hub, port, FakeUsbDevice.Stick($"SN{port:D8}"));
        }

        Directory.CreateDirectory($"{Root}/dev/bus/usb/001");
        Ports = [.. Enumerable.Range(1, devices).Select(port => $"1-{port}")];
    }

    public string Root => sysfs.Root;

    public IReadOnlyList<string> Ports { get; }

    public void Dispose() => sysfs.Dispose();
}
