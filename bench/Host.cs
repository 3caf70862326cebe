using UsbHostd.Tests.Usb;

namespace UsbHostd.Bench;

/// <summary>A host of files for the published daemon: twenty sticks on one controller.</summary>
internal sealed class Host : IDisposable
{
    private const int Devices = 20;
    private readonly FakeSysfs sysfs = new();

    public Host()
    {
        var hub = sysfs.AddRootHub("/devices/pci0000:00/0000:00:14.0", "pci", 1);
        for (var port = 1; port <= Devices; port++)
        {
            sysfs.AddDevice(hub, port, FakeUsbDevice.Stick($"SN{port:D8}"));
        }

        Directory.CreateDirectory($"{Root}/dev/bus/usb/001");
    }

    public string Root => sysfs.Root;

    public IReadOnlyList<string> Ports { get; } = [.. Enumerable.Range(1, Devices).Select(port => $"1-{port}")];

    public void Dispose() => sysfs.Dispose();
}
