// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Tests.Grpc;

/// <summary>A connection that breaks while a call is on it, as that of a daemon which is started anew.</summary>
[TestFixture]
internal sealed class LostConnectionTests
{
    private GrpcFixture grpc = null!;
    private int connections;

    [SetUp]
    public async Task Start()
    {
        connections = 0;
        grpc = await GrpcFixture.StartAsync();
    }

    [TearDown]
    public async Task Stop() => await grpc.DisposeAsync();

    [Test]
    public async Task Read_ConnectionBreaks_IsAskedOnceMore()
    {
        grpc.Service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = "4.5.6" });
        using var client = new UsbHostClient(FirstBreaksAsync);

        var version = await client.GetVersionAsync(new GetVersionRequest());

        Assert.That((version.Daemon, connections), Is.EqualTo(("4.5.6", 2)));
    }

    [Test]
    public async Task Read_EveryConnectionBreaks_IsLostAfterTwo()
    {
        using var client = new UsbHostClient(BrokenAsync);

        var lost = await Assert.ThrowsAsync<UsbHostException>(() => client.GetVersionAsync(new GetVersionRequest()));

        Assert.That((lost!.Code, connections), Is.EqualTo((ErrorCode.ErrorUnavailable, 2)));
    }

    /// <summary>It may have been done.</summary>
    [Test]
    public async Task Change_ConnectionBreaks_IsNotAskedAgain()
    {
        using var client = new UsbHostClient(FirstBreaksAsync);

        var lost = await Assert.ThrowsAsync<UsbHostException>(() => client.ReleaseClaimAsync(new ReleaseClaimRequest { Id = "cmzxw6ytboi2e" }));

        Assert.That((lost!.Code, connections), Is.EqualTo((ErrorCode.ErrorUnavailable, 1)));
    }

    private async ValueTask<Stream> FirstBreaksAsync(CancellationToken cancellation) =>
        connections == 0 ? await BrokenAsync(cancellation) : await OpenAsync(cancellation);

    private ValueTask<Stream> OpenAsync(CancellationToken cancellation)
    {
        connections++;
        return UsbHostAddress.Parse(grpc.Address).OpenAsync(cancellation);
    }

    /// <summary>Its other end reads something and closes it.</summary>
    private async ValueTask<Stream> BrokenAsync(CancellationToken cancellation)
    {
        connections++;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(listener.LocalEndpoint, cancellation);
        _ = CloseAsync(await listener.AcceptSocketAsync(cancellation));
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static async Task CloseAsync(Socket other)
    {
        using (other)
        {
            await other.ReceiveAsync(new byte[1]);
        }
    }
}
