// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Grpc;
using UsbHostd.Daemon.Linux;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Tests.Grpc;

[TestFixture]
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
internal sealed class GrpcListenerTests
{
    [Test]
    public async Task Socket_WhileListening_IsForUserAndGroupOnly()
    {
        await using var grpc = await GrpcFixture.StartAsync();

        Assert.That(File.GetUnixFileMode(grpc.Options.SocketPath), Is.EqualTo(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite));
    }

    [Test]
    public async Task Socket_OfARunningDaemon_IsNotTaken()
    {
        await using var first = await GrpcFixture.StartAsync();
        first.Service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = "first" });
        using var second = new GrpcServer(new FakeHostService(), first.Options, new CallerLimits(new CallerLimitOptions(), TimeProvider.System), NullLoggerFactory.Instance);

        var refused = await Assert.ThrowsAsync<IOException>(() => second.StartAsync(CancellationToken.None));

        Assert.Multiple(async () =>
        {
            Assert.That(refused!.Message, Is.EqualTo($"another usbhostd is running: it answers at {first.Options.SocketPath}"));
            Assert.That((await first.Client.GetVersionAsync(new GetVersionRequest())).Daemon, Is.EqualTo("first"));
        });
    }

    [Test]
    public async Task Socket_OfADaemonThatIsGone_IsReplaced()
    {
        await using var grpc = await GrpcFixture.StartAsync(options =>
        {
            Leave(options.SocketPath);
            return options;
        });
        grpc.Service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = "new" });

        Assert.That((await grpc.Client.GetVersionAsync(new GetVersionRequest())).Daemon, Is.EqualTo("new"));
    }

    [Test]
    public void Socket_PathOfAnotherFile_IsLeftAlone()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "precious");
            using var server = new GrpcServer(new FakeHostService(), new GrpcOptions { SocketPath = path }, new CallerLimits(new CallerLimitOptions(), TimeProvider.System), NullLoggerFactory.Instance);

            Assert.That(() => server.StartAsync(CancellationToken.None), Throws.InstanceOf<IOException>());
            Assert.That(File.ReadAllText(path), Is.EqualTo("precious"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void Group_ByNameOrNumber_IsFound() => Assert.Multiple(() =>
    {
        Assert.That(UnixGroup.Find(""), Is.Null);
        Assert.That(UnixGroup.Find("root"), Is.Zero);
        Assert.That(UnixGroup.Find("4711"), Is.EqualTo(4711));
        Assert.That(() => UnixGroup.Find("no-such-group"), Throws.InstanceOf<IOException>().With.Message.Contains("no-such-group"));
    });

    [Test]
    public async Task Client_AnyConnectCallback_MayRelayTheSocket()
    {
        await using var grpc = await GrpcFixture.StartAsync();
        grpc.Service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = "relayed" });
        using var relay = new TcpListener(IPAddress.Loopback, 0);
        relay.Start();
        var relaying = RelayOneAsync(relay, grpc.Options.SocketPath);

        using (var client = UsbHostClient.Connect($"tcp:127.0.0.1:{((IPEndPoint)relay.LocalEndpoint).Port}"))
        {
            Assert.That((await client.GetVersionAsync(new GetVersionRequest())).Daemon, Is.EqualTo("relayed"));
        }

        await relaying;
    }

    [Test]
    public async Task Client_DaemonRestarts_ConnectsAgain()
    {
        await using var grpc = await GrpcFixture.StartAsync();
        grpc.Service.On<GetVersionRequest>(_ => new Api.V1.Version());
        await grpc.Client.GetVersionAsync(new GetVersionRequest());
        await grpc.StopServerAsync();
        using var second = new GrpcServer(grpc.Service, grpc.Options, new CallerLimits(new CallerLimitOptions(), TimeProvider.System), NullLoggerFactory.Instance);
        await second.StartAsync(CancellationToken.None);

        Assert.That(async () => await grpc.Client.GetVersionAsync(new GetVersionRequest()), Throws.Nothing);

        grpc.Client.Dispose();
        await second.StopAsync(CancellationToken.None);
    }

    // What a killed daemon leaves: the file of a socket that nobody has open. .NET unlinks what it bound, so it is bound elsewhere.
    private static void Leave(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path + ".bound"));
        File.Move(path + ".bound", path);
    }

    private static async Task RelayOneAsync(TcpListener relay, string path)
    {
        using var near = await relay.AcceptTcpClientAsync();
        await using var far = await UsbHostAddress.Parse("unix:" + path).OpenAsync(CancellationToken.None);
        await Task.WhenAny(near.GetStream().CopyToAsync(far), far.CopyToAsync(near.GetStream()));
    }
}
