using System.Diagnostics;
using System.Runtime.CompilerServices;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Service;
using UsbHostd.Tests.Architecture;

namespace UsbHostd.Tests.Grpc.Python;

/// <summary>A client that isn't ours: python3-grpcio with gRPC's C core, saying each of the things that such clients take for the host.</summary>
[TestFixture("default")]
[TestFixture("path")]
[TestFixture("percent-encoded path")]
internal sealed class PythonClientTests(string authority)
{
    /// <summary>Debian's own, which has the module; another on the PATH need not.</summary>
    private const string Interpreter = "/usr/bin/python3";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Dictionary<string, string> said = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [OneTimeSetUp]
    public async Task CallAsync()
    {
        await using var grpc = await GrpcFixture.StartAsync();
        Answer(grpc.Service);
        var socket = grpc.Options.SocketPath;
        var descriptors = Path.Combine(Path.GetDirectoryName(socket)!, "usbhostd.pb");
        var api = Path.Combine(Repository.Root, "api");
        await RunAsync(
            "protoc", "--include_imports", "--descriptor_set_out=" + descriptors, "-I", api,
            Path.Combine(api, "usbhostd.proto"), Path.Combine(api, "google/rpc/status.proto"), Path.Combine(api, "google/rpc/error_details.proto"));
        List<string> arguments =
        [
            "-B", Path.Combine(Repository.Root, "tests/unit/Grpc/Python/calls.py"), Path.Combine(Repository.Root, "contrib/examples/python"), descriptors,
            grpc.Address,
        ];
        if (authority != "default")
        {
            arguments.Add(authority == "path" ? socket : Uri.EscapeDataString(socket));
        }

        foreach (var line in (await RunAsync(Interpreter, [.. arguments])).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            said.Add(line.Split(' ')[0], line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
        }

        await cancelled.Task.WaitAsync(Patience);
        Assert.That(grpc.Log.Entries.Select(entry => entry.Id), Has.No.Member(1306));
    }

    [TestCase("unary", "1.2.3")]
    [TestCase("devices", "5000")]
    [TestCase("watch", "c1 c2 c3")]
    [TestCase("deadline", "DEADLINE_EXCEEDED")]
    [TestCase("details", "FAILED_PRECONDITION zwei passen 100 % | wähle | d1 d2")]
    [TestCase("cancel", "c0 CANCELLED")]
    [TestCase("parallel", "20")]
    public void Call_OfGrpcio_IsAnswered(string call, string expected) => Assert.That(said.GetValueOrDefault(call), Is.EqualTo(expected));

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
        }

        Assert.That(process.ExitCode, Is.Zero, $"{program}: {await output}{await errors}");
        return await output;
    }

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
