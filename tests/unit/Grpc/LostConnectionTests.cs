// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Tests.Grpc;

/// <summary>A connection that breaks while a call is on it, as that of a daemon which is started anew.</summary>
[TestFixture]
internal sealed class LostConnectionTests
{
    private GrpcFixture grpc = null!;
    private CuttingRelay relay = null!;
    private UsbHostClient client = null!;

    [SetUp]
    public async Task Start()
    {
        grpc = await GrpcFixture.StartAsync();
        grpc.Service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = "4.5.6" });
        grpc.Service.On<ReleaseClaimRequest>(_ => new Claim { Id = "cmzxw6ytboi2e" });
        relay = new CuttingRelay(UsbHostAddress.Parse(grpc.Address));
        client = UsbHostClient.Connect(relay.Address);
    }

    [TearDown]
    public async Task Stop()
    {
        client.Dispose();
        await relay.DisposeAsync();
        await grpc.DisposeAsync();
    }

    [Test]
    public async Task Read_KeptConnectionBreaks_IsAskedOnceMore()
    {
        await client.GetVersionAsync(new GetVersionRequest());
        relay.CutNext(1);

        var version = await client.GetVersionAsync(new GetVersionRequest());

        Assert.That((version.Daemon, relay.Connections), Is.EqualTo(("4.5.6", 2)));
    }

    [Test]
    public async Task Read_NextConnectionBreaksToo_IsLost()
    {
        await client.GetVersionAsync(new GetVersionRequest());
        relay.CutNext(2);

        var lost = await Assert.ThrowsAsync<UsbHostException>(() => client.GetVersionAsync(new GetVersionRequest()));

        Assert.That((lost!.Code, relay.Connections), Is.EqualTo((ErrorCode.ErrorUnavailable, 2)));
    }

    /// <summary>Nobody has answered there: to ask again would be to knock twice at a door that is shut.</summary>
    [Test]
    public async Task Read_FirstConnectionBreaks_IsNotAskedAgain()
    {
        relay.CutNext(1);

        var lost = await Assert.ThrowsAsync<UsbHostException>(() => client.GetVersionAsync(new GetVersionRequest()));

        Assert.That((lost!.Code, relay.Connections), Is.EqualTo((ErrorCode.ErrorUnavailable, 1)));
    }

    /// <summary>It may have been done.</summary>
    [Test]
    public async Task Change_KeptConnectionBreaks_IsNotAskedAgain()
    {
        await client.GetVersionAsync(new GetVersionRequest());
        relay.CutNext(1);

        var lost = await Assert.ThrowsAsync<UsbHostException>(() => client.ReleaseClaimAsync(new ReleaseClaimRequest { Id = "cmzxw6ytboi2e" }));

        Assert.That((lost!.Code, relay.Connections), Is.EqualTo((ErrorCode.ErrorUnavailable, 1)));
    }
}
