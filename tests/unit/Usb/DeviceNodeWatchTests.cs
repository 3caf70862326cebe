// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using UsbHostd.Core.Reducers;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Usb;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Tests.Usb;

/// <summary>The look at a device whose node was closed, with real inotify on a folder of the test's own.</summary>
[TestFixture]
internal sealed class DeviceNodeWatchTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Channel<HostEvent> events = Channel.CreateUnbounded<HostEvent>();
    private string root = "";
    private HostState state = HostState.Empty;

    [SetUp]
    public void MakeFolders()
    {
        root = Directory.CreateTempSubdirectory("usbhostd-nodes").FullName;
        foreach (var number in new[] { 2, 3 })
        {
            Directory.CreateDirectory(Path.Combine(root, "dev/bus/usb/001"));
            File.WriteAllText(Node(number), "");
            Directory.CreateDirectory(root + SyspathOf(number));
            Directory.CreateDirectory(Path.Combine(root, "dev/char"));
            File.CreateSymbolicLink(Path.Combine(root, $"dev/char/189:{number - 1}"), root + SyspathOf(number));
        }

        while (events.Reader.TryRead(out _))
        {
            // From an earlier test.
        }
    }

    [TearDown]
    public void RemoveFolders() => Directory.Delete(root, recursive: true);

    [Test]
    public async Task Close_OfADeviceThatSomebodyHeld_ReadsItAgain()
    {
        Know(2, "usbfs");
        using var watch = Watch(path => Device(path, 2, null));
        OpenAndClose(2);
        Assert.That(await NextAsync(), Is.EqualTo((SyspathOf(2), (string?)null)));
    }

    [Test]
    public async Task Close_OfADeviceThatNobodyHeld_IsPassedOver()
    {
        Know(2, "usb-storage");
        Know(3, "usbfs");
        using var watch = Watch(path => Device(path, path == SyspathOf(2) ? 2 : 3, null));
        OpenAndClose(2);
        OpenAndClose(3);
        Assert.That((await NextAsync()).Syspath, Is.EqualTo(SyspathOf(3)), "the first one that is told of");
    }

    [Test]
    public async Task Close_OfADeviceOnABusThatCameLater_ReadsItAgain()
    {
        Know(2, "usbfs", bus: 7);
        using var watch = Watch(path => Device(path, 2, null));
        Directory.CreateDirectory(Path.Combine(root, "dev/bus/usb/007"));
        File.CreateSymbolicLink(Path.Combine(root, $"dev/char/189:{(6 * 128) + 1}"), root + SyspathOf(2));
        File.WriteAllText(Path.Combine(root, "dev/bus/usb/007/002"), "");

        // The watch of a new folder begins a moment after the folder: whoever opens later is seen.
        using var patience = new CancellationTokenSource(Patience);
        (string Syspath, string? Driver)? seen = null;
        while (seen is null)
        {
            patience.Token.ThrowIfCancellationRequested();
            using (File.OpenRead(Path.Combine(root, "dev/bus/usb/007/002")))
            {
            }

            seen = events.Reader.TryRead(out var e) ? Seen(e) : null;
        }

        Assert.That(seen.Value.Syspath, Is.EqualTo(SyspathOf(2)));
    }

    [Test]
    public void Start_WithoutTheFolder_GoesOnBlind()
    {
        Directory.Delete(Path.Combine(root, "dev/bus"), recursive: true);
        Assert.DoesNotThrow(() => Watch(_ => null).Dispose());
    }

    private DeviceNodeWatch Watch(Func<string, UsbDevice?> read)
    {
        var watch = new DeviceNodeWatch(
            new UsbHostOptions { Sysfs = root, Dev = Path.Combine(root, "dev") }, read, () => state, NullLogger<DeviceNodeWatch>.Instance);
        watch.Start(events.Writer);
        return watch;
    }

    private void Know(int number, string driver, int bus = 1)
    {
        var device = Device(SyspathOf(number), number, driver, bus);
        state = Fold.Apply(state, new HostEvent.DevicePresent(device), DateTimeOffset.UnixEpoch).State;
    }

    private void OpenAndClose(int number)
    {
        using (File.OpenRead(Node(number)))
        {
        }
    }

    private async Task<(string Syspath, string? Driver)> NextAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        return Seen(await events.Reader.ReadAsync(patience.Token));
    }

    private static (string Syspath, string? Driver) Seen(HostEvent e)
    {
        var device = ((HostEvent.DeviceReread)e).Device;
        return (device.Syspath, device.Interfaces[0].Driver);
    }

    private string Node(int number) => Path.Combine(root, $"dev/bus/usb/001/{number:d3}");

    private static string SyspathOf(int number) => $"/devices/usb1/1-{number}";

    private static UsbDevice Device(string syspath, int number, string? driver, int bus = 1)
    {
        var controller = new UsbController("pci", "0000:00:14.0");
        return new UsbDevice
        {
            Syspath = syspath,
            UsbId = new UsbId(0x0951, 0x1666),
            Address = new UsbAddress(bus, number),
            PortPath = new UsbPortPath(bus, $"{number}"),
            Plug = PlugToken.Of("boot", syspath, 1),
            Controller = controller,
            PortKey = DeviceKey.Port(controller, UsbHalf.Usb2, $"{number}"),
            DeviceNode = "",
            Interfaces = ImmutableArray.Create(new UsbInterface($"1-{number}:1.0", 0, default, driver, true)),
        };
    }
}
