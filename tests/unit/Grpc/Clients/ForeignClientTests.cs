// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;
using UsbHostd.Tests.Grpc.Tls;

namespace UsbHostd.Tests.Grpc.Clients;

/// <summary>Libraries that aren't ours make each kind of call, over the socket under each name that they take for the host, and over TCP.</summary>
[TestFixtureSource(nameof(Ways))]
internal sealed class ForeignClientTests(string language, string way)
{
    private const string Default = "default authority";
    private const string RawPath = "path as authority";
    private const string EncodedPath = "percent-encoded path as authority";
    private const string MutualTls = "mTLS";
    private const int Unreadable = 1306;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Dictionary<string, string> said = [];

    public static IEnumerable<TestFixtureData> Ways() =>
        from language in new[] { ForeignClient.Python, ForeignClient.JavaScript }
        from way in new[] { Default, RawPath, EncodedPath, MutualTls }
        select new TestFixtureData(language, way);

    [OneTimeSetUp]
    public async Task CallAsync()
    {
        using var folder = new TlsFolder();
        await using var grpc = await GrpcFixture.StartAsync(tls: way == MutualTls ? folder.Options : null);
        Answer(grpc.Service);
        using var client = await ForeignClient.OfAsync(language);
        if (way == MutualTls)
        {
            var own = folder.Client("CN=erp");
            said = await client.RunCallsAsync($"localhost:{grpc.TlsPort}", "", own.Authorities, own.Certificate, own.Key);
        }
        else
        {
            var socket = grpc.Options.SocketPath;
            said = await client.RunCallsAsync(grpc.Address, way switch { RawPath => socket, EncodedPath => Uri.EscapeDataString(socket), _ => "" });
        }

        await cancelled.Task.WaitAsync(Patience);
        Assert.That(grpc.Log.Entries.Select(entry => entry.Id), Has.No.Member(Unreadable));
        Assert.That(grpc.Service.Asked.Select(asked => asked.Caller.Door).Distinct(StringComparer.Ordinal), Is.EqualTo([way == MutualTls ? "tls" : "grpc"]));
    }

    [TestCase("unary", "1.2.3")]
    [TestCase("devices", "5000")]
    [TestCase("watch", "c1 c2 c3")]
    [TestCase("deadline", "DEADLINE_EXCEEDED")]
    [TestCase("refused", "FAILED_PRECONDITION zwei passen 100 %")]
    [TestCase("detail", "wähle d1 d2")]
    [TestCase("info", "usbhostd AMBIGUOUS d1,d2")]
    [TestCase("help", "man:usbhostctl(1)")]
    [TestCase("health", "1 NOT_FOUND")]
    [TestCase("reflection", "usbhostd.v1.UsbHost grpc.health.v1.Health grpc.reflection.v1.ServerReflection")]
    [TestCase("cancel", "c0 CANCELLED")]
    [TestCase("parallel", "20")]
    public void Call_OfAnotherLibrary_IsAnswered(string call, string expected) => Assert.That(said.GetValueOrDefault(call), Is.EqualTo(expected));

    private void Answer(FakeHostService service)
    {
        service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = "1.2.3" });
        service.On<ListDevicesRequest>(_ => new ListDevicesResponse
        {
            Devices = { Enumerable.Range(0, 5000).Select(i => new Device { Id = $"d{i}", Syspath = new string('x', 1200) }) },
        });
        service.On<GetDeviceRequest>(_ => throw new HostException(ErrorCode.ErrorAmbiguous, "zwei passen 100 %", "wähle")
        {
            Candidates = [new Device { Id = "d1" }, new Device { Id = "d2" }],
        });
        service.On<GetHealthRequest>(async (_, _, token) =>
        {
            await new TaskCompletionSource().Task.WaitAsync(token);
            return new Health();
        });
        service.OnWatch = (_, request, token) => request.ClaimId == "three"
            ? Enumerable.Range(1, 3).Select(i => new WatchEvent { Claim = new Claim { Id = $"c{i}" } }).ToAsyncEnumerable()
            : EndlessAsync(token);
    }

    private async IAsyncEnumerable<WatchEvent> EndlessAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new WatchEvent { Claim = new Claim { Id = "c0" } };
        await NoAnswer.UntilCancelledAsync(cancelled, cancellationToken);
    }
}
