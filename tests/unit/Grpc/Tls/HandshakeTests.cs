// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Grpc.Tls;

namespace UsbHostd.Tests.Grpc.Tls;

/// <summary>Clients that connect over TCP and say nothing.</summary>
[TestFixture]
internal sealed class HandshakeTests
{
    private const int Refused = 1313;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<TcpClient> silent = [];
    private TlsFolder folder = null!;

    [SetUp]
    public void SetUp() => folder = new TlsFolder();

    [TearDown]
    public void TearDown()
    {
        silent.ForEach(client => client.Dispose());
        silent.Clear();
        folder.Dispose();
    }

    [Test]
    public async Task Connections_SilentOnesBeyondTheLimit_LetAClientIn()
    {
        await using var grpc = await GrpcFixture.StartAsync(options => options with { MaxConnections = 64 }, folder.Options with { HandshakePatience = Patience });
        grpc.Service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = "1" });
        await SilentAsync(grpc.TlsPort, 256);
        using var client = UsbHostClient.Connect($"tcp+tls://localhost:{grpc.TlsPort}", folder.Client("CN=erp"));

        var version = await client.GetVersionAsync(new GetVersionRequest()).WaitAsync(Patience);

        Assert.That(version.Daemon, Is.EqualTo("1"));
        Assert.That(grpc.Log.Entries.Count(entry => entry.Id == Refused), Is.LessThanOrEqualTo(Daemon.Logging.LimitedLogger.Burst + 3), "one line each would fill the journal");
    }

    [Test]
    public async Task Connection_SilentForTooLong_IsClosed()
    {
        await using var grpc = await GrpcFixture.StartAsync(tls: folder.Options with { HandshakePatience = TimeSpan.FromMilliseconds(20) });
        var refused = grpc.Log.NextAsync(Refused);
        await SilentAsync(grpc.TlsPort, 1);

        Assert.That(await refused.WaitAsync(Patience), Does.EndWith("is refused: it did not end its handshake"));
        Assert.That(await silent[0].GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(Patience), Is.Zero);
    }

    [TestCase("192.0.2.7", "192.0.2.8", false)]
    [TestCase("192.0.2.7", "::ffff:192.0.2.7", true)]
    [TestCase("2001:db8::7", "2001:db8::8:0:0:8", true)]
    [TestCase("2001:db8::7", "2001:db8:0:1::7", false)]
    public void NetworkOf_TwoAddresses_IsTheSameWhereOneOwnerMayHaveBoth(string one, string other, bool same) =>
        Assert.That(NetworkOf(one) == NetworkOf(other), Is.EqualTo(same));

    private static string NetworkOf(string address) => HandshakeLimit.NetworkOf(new IPEndPoint(IPAddress.Parse(address), 1));

    private async Task SilentAsync(int port, int count)
    {
        for (var i = 0; i < count; i++)
        {
            silent.Add(new TcpClient());
            await silent[^1].ConnectAsync(IPAddress.Loopback, port);
        }
    }
}
