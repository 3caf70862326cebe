// SPDX-License-Identifier: Apache-2.0
using System.Text;
using NUnit.Framework;
using UsbHostd.Api.V1;
using static UsbHostd.Tests.Grpc.Http2.Http2Bytes;

namespace UsbHostd.Tests.Grpc.Http2;

/// <summary>What real clients put into <c>:authority</c>, through the real listener.</summary>
[TestFixture]
internal sealed class AuthorityListenerTests
{
    private GrpcFixture grpc = null!;
    private Http2Client client = null!;

    [SetUp]
    public async Task StartAsync()
    {
        grpc = await GrpcFixture.StartAsync();
        grpc.Service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = "1" });
        client = await Http2Client.ConnectAsync(grpc.Options.SocketPath);
    }

    [TearDown]
    public async Task StopAsync()
    {
        await client.DisposeAsync();
        await grpc.DisposeAsync();
    }

    [TestCase("")]
    [TestCase("localhost")]
    [TestCase("[::1]:80")]
    [TestCase("/run/usbhostd/api.sock")]
    [TestCase("%2Frun%2Fusbhostd%2Fapi.sock")]
    [TestCase("unix:///run/usbhostd/api.sock")]
    [TestCase("no such host")]
    [TestCase("\u0001\u00ff")]
    public async Task Authority_OfARealClient_IsAnswered(string authority)
    {
        // Into the table, out of it, by its name there, and without it: one connection keeps to one table.
        string[] statuses =
        [
            await client.CallAsync(Added(1, Raw(authority))), await client.CallAsync(Indexed(62)), await client.CallAsync(NotAdded(62, Huffman(authority))),
            await client.CallAsync(Added(0, [.. Huffman(":authority"), .. Huffman(authority)]), most: 7), await client.CallAsync(NeverAdded(0, [.. Raw(":authority"), .. Raw(authority)])),
        ];

        Assert.That(statuses, Is.All.EqualTo("0"));
    }

    [Test]
    public async Task Authority_Absent_IsAnswered() => Assert.That(await client.CallAsync([]), Is.EqualTo("0"));

    [Test]
    public async Task Table_WithEntriesAroundAReplacedOne_StaysInStep()
    {
        var path = new string('/', 300);
        for (var i = 0; i < 30; i++)
        {
            // 30 of them are twice what the table holds. An index that has slipped would put x-a before :path, which no server takes.
            Assert.That(await client.CallAsync(Added(1, Raw(path)), Added(0, [.. Raw("x-a"), .. Raw($"{i}")])), Is.EqualTo("0"), $"call {i}");
            Assert.That(await client.CallAsync(Indexed(63), Indexed(62)), Is.EqualTo("0"), $"call {i} out of the table");
        }
    }

    [Test]
    public async Task Headers_Unreadable_EndTheConnectionAndSayWhy()
    {
        await client.SendAsync(Frame(Headers, EndHeaders, 1, 0x80));
        await client.ReadToEndAsync();

        Assert.That(grpc.Log.Entries.Single(entry => entry.Id == 1306).Text, Does.EndWith("is closed: there is no header 0 in the table"));
    }

    [Test]
    public async Task Headers_OfMoreThanIsAllowed_AreRefused() => Assert.That(
        await client.CallAsync([], NotAdded(0, [.. Raw("x"), .. Raw(new string('x', 20_000))])), Is.Not.EqualTo("0"));

    [Test]
    public async Task Client_OfHttp1_IsToldThatItIsOne()
    {
        await using var old = await Http1Async();

        Assert.That(Encoding.ASCII.GetString(await old.ReadToEndAsync()), Does.StartWith("HTTP/1.1 400"));
    }

    [Test]
    public async Task Server_Stopping_EndsOpenConnections()
    {
        await client.CallAsync([]);
        await grpc.StopServerAsync();

        Assert.That(async () => await client.ReadToEndAsync(), Throws.Nothing);
    }

    private async Task<Http2Client> Http1Async() =>
        await Http2Client.ConnectAsync(grpc.Options.SocketPath, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
}
