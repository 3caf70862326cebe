// SPDX-License-Identifier: Apache-2.0
using System.Threading.Channels;
using NUnit.Framework;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Usb;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Tests.Usb;

/// <summary>A host with one xHCI controller (buses 1 and 2) and its observer, driven by the test.</summary>
internal abstract class UsbHostFixture
{
    protected const string Xhci = "/devices/pci0000:00/0000:00:14.0";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private Channel<HostEvent> events = Channel.CreateUnbounded<HostEvent>();

    protected FakeSysfs Sysfs { get; private set; } = null!;

    protected FakeUsbSignals Signals { get; private set; } = null!;

    protected FailingFiles Files { get; private set; } = null!;

    protected UdevUsbHost Host { get; private set; } = null!;

    protected UsbLog Log { get; private set; } = null!;

    protected string Usb2Hub { get; private set; } = "";

    protected string Usb3Hub { get; private set; } = "";

    [SetUp]
    public void MakeHost()
    {
        Sysfs = new FakeSysfs();
        Signals = new FakeUsbSignals();
        Files = new FailingFiles();
        Log = new UsbLog();
        events = Channel.CreateUnbounded<HostEvent>();
        Usb2Hub = Sysfs.AddRootHub(Xhci, "pci", 1);
        Usb3Hub = Sysfs.AddRootHub(Xhci, "pci", 2, "10000");
        Host = new UdevUsbHost(Sysfs.Options, Files, () => Signals, Log);
    }

    [TearDown]
    public void EndHost()
    {
        Host.Dispose();
        Signals.Dispose();
        Sysfs.Dispose();
    }

    /// <summary>Starts the monitor and gives what it found.</summary>
    protected HostEvent.DevicesEnumerated Start()
    {
        Host.Start(events.Writer);
        return (HostEvent.DevicesEnumerated)Next();
    }

    protected HostEvent Next()
    {
        var next = events.Reader.ReadAsync().AsTask();
        return next.Wait(Patience) ? next.Result : throw new TimeoutException("no event came");
    }

    /// <summary>Waits for the end of the events, and throws the error that ended them.</summary>
    protected void End()
    {
        try
        {
            events.Reader.Completion.Wait(Patience);
        }
        catch (AggregateException e)
        {
            throw e.InnerException!;
        }
    }

    protected UsbDevice NextPresent() => ((HostEvent.DevicePresent)Next()).Device;

    protected UsbDevice Read(string devpath) => Host.Read(devpath) ?? throw new AssertionException($"no device at {devpath}");

    protected static UdevEvent Event(string action, string devpath, string subsystem = "usb") =>
        new(action, devpath, subsystem, null);
}
