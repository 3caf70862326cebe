// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.GrpcHealth;
using UsbHostd.Api.GrpcReflection;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Service;
using UsbHostd.Tests.Grpc.Tls;

namespace UsbHostd.Tests.Grpc;

/// <summary>What one caller may use of the door. By certificates: the tests may run as root, whom nobody counts.</summary>
[TestFixture]
internal sealed class CallerShareTests
{
    private const string Check = "/grpc.health.v1.Health/Check";
    private const string HealthWatch = "/grpc.health.v1.Health/Watch";
    private const string Reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private TlsFolder folder = null!;
    private GrpcFixture grpc = null!;
    private TlsCredentials mine = null!;
    private HttpMessageInvoker http = null!;

    [SetUp]
    public async Task StartAsync()
    {
        folder = new TlsFolder();
        var callers = new CallerLimitOptions { CallsPerSecond = 1, Watches = 1 };
        grpc = await GrpcFixture.StartAsync(options => options with { MaxConnections = 8 }, folder.Options, callers: callers);
        grpc.Service.On<GetVersionRequest>(_ => new Api.V1.Version());
        mine = folder.Client("CN=greedy");
        http = new HttpMessageInvoker(new SocketsHttpHandler { ConnectCallback = (_, token) => UsbHostAddress.Parse(Address, mine).OpenAsync(token) });
    }

    [TearDown]
    public async Task StopAsync()
    {
        http.Dispose();
        await grpc.DisposeAsync();
        folder.Dispose();
    }

    [Test]
    public async Task Connections_BeyondAQuarter_AreRefusedWithTheReason()
    {
        using var first = UsbHostClient.Connect(Address, mine);
        using var second = UsbHostClient.Connect(Address, mine);
        await first.GetVersionAsync(new GetVersionRequest());
        await second.GetVersionAsync(new GetVersionRequest());

        await using var third = await UsbHostAddress.Parse(Address, mine).OpenAsync(CancellationToken.None);
        using var said = new MemoryStream();
        await third.CopyToAsync(said).WaitAsync(Patience);
        using var other = UsbHostClient.Connect(Address, folder.Client("CN=modest"));

        Assert.That(Encoding.UTF8.GetString(said.ToArray()), Does.EndWith("cert:CN=greedy has 2 connections, and may have no more"));
        Assert.That(async () => await other.GetVersionAsync(new GetVersionRequest()), Throws.Nothing, "another caller's");
        Assert.That(grpc.Log.Entries.Select(e => e.Text), Has.Some.Contains("cert:CN=greedy has 2 connections"));
    }

    [Test]
    public async Task HealthCheck_TooOften_IsRefused()
    {
        var statuses = new List<StatusCode>();
        for (var i = 0; i < 5; i++)
        {
            using var response = await SendAsync(Check, new HealthCheckRequest());
            await response.Content.ReadAsByteArrayAsync();
            statuses.Add(StatusOf(response));
        }

        Assert.That((statuses[0], statuses[^1]), Is.EqualTo((StatusCode.OK, StatusCode.ResourceExhausted)));
    }

    [TestCase(HealthWatch)]
    [TestCase(Reflection)]
    public async Task Stream_OfAStandardMethod_CountsAsAWatch(string path)
    {
        using var open = await SendAsync(HealthWatch, new HealthCheckRequest());
        await using var body = await open.Content.ReadAsStreamAsync();
        await GrpcFrame.ReadAsync(body, HealthCheckResponse.Parser, 1000, CancellationToken.None);

        using var refused = await SendAsync(path, path == Reflection ? new ServerReflectionRequest() : new HealthCheckRequest());
        await refused.Content.ReadAsByteArrayAsync().WaitAsync(Patience);

        Assert.That(StatusOf(refused), Is.EqualTo(StatusCode.ResourceExhausted));
    }

    private string Address => $"tcp+tls://localhost:{grpc.TlsPort}";

    private static StatusCode StatusOf(HttpResponseMessage response) => (StatusCode)int.Parse(
        (response.TrailingHeaders.Contains("grpc-status") ? response.TrailingHeaders : response.Headers).GetValues("grpc-status").Single());

    private Task<HttpResponseMessage> SendAsync(string path, IMessage request) => http.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, "https://localhost" + path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(GrpcFrame.ToArray(request)) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        },
        CancellationToken.None);
}
