// SPDX-License-Identifier: Apache-2.0
using System.Threading.Channels;
using NUnit.Framework;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Usb;
using UsbHostd.Policy.Devices;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Usb;

/// <summary>How often, and for whom, a device's holders are looked for.</summary>
[TestFixture]
internal sealed class UseLookTests
{
    private FakeHost host = null!;
    private ManualTime time = null!;
    private Channel<HostEvent> events = null!;
    private UseLook look = null!;
    private UsbDevice device = null!;

    [SetUp]
    public void Plug()
    {
        (host, time, events) = (new FakeHost(), new ManualTime(), Channel.CreateUnbounded<HostEvent>());
        var stick = Some.Stick();
        host.Plug(stick, "1-4");
        device = stick.Seen();
        look = new UseLook(host, () => HostState.Empty, events.Writer, time) { Offload = find => Task.FromResult(find()) };
    }

    [Test]
    public async Task LookAsync_AskedOftenWithinASecond_LooksOnce()
    {
        var before = host.Looks;
        for (var i = 0; i < 100; i++)
        {
            await look.LookAsync(device, default);
        }

        Assert.That(host.Looks - before, Is.EqualTo(1));
    }

    [Test]
    public async Task LookAsync_AskedASecondLater_LooksAgain()
    {
        await look.LookAsync(device, default);
        host.Holders = [new HostUse(HostUseKind.Process, "dd (pid 7) has /dev/sdb open")];
        time.Advance(TimeSpan.FromSeconds(1), () => { });
        Assert.That(await look.LookAsync(device, default), Is.EqualTo(host.Holders));
    }

    [Test]
    public async Task Look_ForAnAttach_IsNeverAnOlderOne()
    {
        await look.LookAsync(device, default);
        host.Holders = [new HostUse(HostUseKind.Process, "dd (pid 7) has /dev/sdb open")];
        Assert.That(look.Look(device), Is.EqualTo(host.Holders));
    }

    [Test]
    public async Task Look_HolderThatIsGone_IsToldOf()
    {
        host.Holders = [new HostUse(HostUseKind.Process, "dd (pid 7) has /dev/sdb open")];
        await look.LookAsync(device, default);
        host.Holders = [];
        look.Look(device);
        var told = new List<int>();
        while (events.Reader.TryRead(out var e))
        {
            told.Add(((HostEvent.UsesFound)e).Uses.Length);
        }

        Assert.That(told, Is.EqualTo([1, 0]));
    }
}
