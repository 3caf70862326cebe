// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Daemon.Dbus;

namespace UsbHostd.Tests.Dbus;

[TestFixture]
internal sealed class PeerTests
{
    [Test]
    public async Task LeaveAsync_PeerThatLeavesWhileTheDaemonStops_IsOverOnce()
    {
        await using var dbus = await DbusFixture.StartAsync();
        using var peer = new Peer(dbus.Client.Connection, ":1.1");
        await peer.LeaveAsync();

        Assert.That(peer.LeaveAsync, Throws.Nothing);
        Assert.That(peer.Gone.IsCancellationRequested, Is.True);
    }
}
