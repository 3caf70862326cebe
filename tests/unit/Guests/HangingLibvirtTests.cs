// SPDX-License-Identifier: Apache-2.0
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Guests;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Guests;

/// <summary>The real client library before a socket where somebody listens and never answers.</summary>
[TestFixture]
[NonParallelizable]
internal sealed class HangingLibvirtTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Test]
    public async Task Start_LibvirtThatDoesNotAnswer_IsToldAndHoldsUpNothing()
    {
        var folder = Directory.CreateTempSubdirectory("usbhostd-hang-");
        using var deaf = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var path = Path.Combine(folder.FullName, "libvirt-sock");
        deaf.Bind(new UnixDomainSocketEndPoint(path));
        deaf.Listen();
        var time = new ManualTime();
        var events = Channel.CreateUnbounded<HostEvent>();
        var began = time.GetUtcNow();
        var host = new LibvirtGuestHost($"qemu+unix:///system?socket={path}", "boot", new QemuStartTimes(null, "/proc"), time, NullLogger<LibvirtGuestHost>.Instance);
        host.Start(events.Writer);
        using var accepted = await deaf.AcceptAsync().WaitAsync(Patience);

        time.Advance(AnswerWatch.Patience, () => { });

        Assert.That(await events.Reader.ReadAsync().AsTask().WaitAsync(Patience), Is.EqualTo(new HostEvent.LibvirtSilent(began)));
        Assert.That(host.Versions(), Is.EqualTo(("", "")));
        Assert.That(() => Task.Run(host.Dispose).WaitAsync(Patience), Throws.Nothing);
        folder.Delete(recursive: true);
    }
}
