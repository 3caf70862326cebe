// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;

namespace UsbHostd.Tests.Grpc;

[TestFixture]
internal sealed class GrpcCallTests
{
    private GrpcFixture grpc = null!;

    [SetUp]
    public async Task StartAsync() => grpc = await GrpcFixture.StartAsync();

    [TearDown]
    public async Task StopAsync() => await grpc.DisposeAsync();

    [Test]
    public async Task Unary_Answer_ArrivesWhole()
    {
        grpc.Service.On<ListDevicesRequest>(_ => new ListDevicesResponse { Devices = { new Device { Id = "d1", ProductName = "Ключ 🔑" } } });

        var answer = await grpc.Client.ListDevicesAsync(new ListDevicesRequest());

        Assert.That(answer.Devices.Single().ProductName, Is.EqualTo("Ключ 🔑"));
    }

    [Test]
    public async Task Unary_AnswerOfManyMebibytes_ArrivesWhole()
    {
        var devices = Enumerable.Range(0, 5000).Select(i => new Device { Id = $"d{i}", Syspath = new string('x', 1200) }).ToList();
        grpc.Service.On<ListDevicesRequest>(_ => new ListDevicesResponse { Devices = { devices } });

        var answer = await grpc.Client.ListDevicesAsync(new ListDevicesRequest());

        Assert.That(answer.Devices, Has.Count.EqualTo(5000));
    }

    [Test]
    public async Task Unary_LongRequest_ArrivesWhole()
    {
        grpc.Service.On<SetDeviceLabelRequest>(request => new Device { Label = request.Label });

        var answer = await grpc.Client.SetDeviceLabelAsync(new SetDeviceLabelRequest { Label = new string('é', 32_000) });

        Assert.That(answer.Label, Has.Length.EqualTo(32_000));
    }

    [Test]
    public async Task Unary_RequestOfMoreThan64KiB_IsRefused()
    {
        var refused = await Assert.ThrowsAsync<UsbHostException>(() => grpc.Client.SetDeviceLabelAsync(new SetDeviceLabelRequest { Label = new string('x', 1 << 16) }));

        Assert.That((refused!.GrpcStatus, grpc.Service.Asked.Count), Is.EqualTo((StatusCode.ResourceExhausted, 0)));
    }

    [Test]
    public async Task Unary_ReaderThatNeverReads_IsCutOff()
    {
        await using var impatient = await GrpcFixture.StartAsync(options => options with { Patience = TimeSpan.FromMilliseconds(200) });
        impatient.Service.On<ListDevicesRequest>(_ => new ListDevicesResponse { Devices = { new Device { Syspath = new string('x', 1 << 20) } } });
        var cut = impatient.Log.NextAsync(1307);
        using var http = new HttpMessageInvoker(new SocketsHttpHandler { ConnectCallback = (_, token) => UsbHostAddress.Parse(impatient.Address).OpenAsync(token) });
        using var call = new HttpRequestMessage(HttpMethod.Post, "http://localhost" + UsbHostMethods.ListDevices)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(GrpcFrame.ToArray(new ListDevicesRequest())) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };

        using var unread = await http.SendAsync(call, CancellationToken.None);

        Assert.That(await cut.WaitAsync(TimeSpan.FromSeconds(30)), Does.StartWith(UsbHostMethods.ListDevices).And.Contains("is cut off: nothing was taken for 0.2 s"));
    }

    [Test]
    public async Task Unary_Refusal_CarriesCodeMessageHintAndCandidates()
    {
        grpc.Service.On<GetDeviceRequest>(_ => throw new HostException(
            ErrorCode.ErrorAmbiguous, "zwei Geräte „0951:1666“ passen 100 %\n", "wähle mit port:…")
        {
            Candidates = [new Device { Id = "d1", Port = "1-1" }, new Device { Id = "d2", Port = "1-2" }],
        });

        var refused = await Assert.ThrowsAsync<UsbHostException>(() => grpc.Client.GetDeviceAsync(new GetDeviceRequest()));

        Assert.Multiple(() =>
        {
            Assert.That(refused!.Code, Is.EqualTo(ErrorCode.ErrorAmbiguous));
            Assert.That(refused.GrpcStatus, Is.EqualTo(StatusCode.FailedPrecondition));
            Assert.That(refused.Message, Is.EqualTo("zwei Geräte „0951:1666“ passen 100 %\n"));
            Assert.That(refused.Hint, Is.EqualTo("wähle mit port:…"));
            Assert.That(refused.Detail.Candidates.Select(device => device.Id), Is.EqualTo(["d1", "d2"]));
        });
    }

    [Test]
    public async Task Unary_FaultOfTheDaemon_IsLoggedAndNotShown()
    {
        grpc.Service.On<GetVersionRequest>(_ => throw new InvalidOperationException("secret"));

        var refused = await Assert.ThrowsAsync<UsbHostException>(() => grpc.Client.GetVersionAsync(new GetVersionRequest()));

        Assert.Multiple(() =>
        {
            Assert.That(refused!.GrpcStatus, Is.EqualTo(StatusCode.Internal));
            Assert.That(refused.Message, Does.Not.Contain("secret"));
            Assert.That(grpc.Log.Entries.Select(entry => entry.Id), Has.Member(1301));
        });
    }

    [Test]
    public async Task Unary_Caller_IsWhoConnected()
    {
        grpc.Service.On<GetVersionRequest>(_ => new Api.V1.Version());

        await grpc.Client.GetVersionAsync(new GetVersionRequest());

        var caller = grpc.Service.Asked.Single().Caller;
        var self = File.ReadAllLines("/proc/self/status");
        Assert.Multiple(() =>
        {
            Assert.That(caller.Pid, Is.EqualTo(Environment.ProcessId));
            Assert.That(caller.Door, Is.EqualTo("grpc"));
            Assert.That(caller.Uid, Is.EqualTo(ProcessStatus.Ids(self, "Uid:")[1]));
            Assert.That(caller.Gids, Is.SupersetOf(ProcessStatus.Ids(self, "Groups:").Append(ProcessStatus.Ids(self, "Gid:")[1])));
        });
    }

    [Test]
    public async Task Unary_CancelledByClient_CancelsTheHandler()
    {
        using var cancel = new CancellationTokenSource();
        var cancelled = new TaskCompletionSource();
        grpc.Service.On<GetVersionRequest>(async (_, _, token) =>
        {
            await cancel.CancelAsync();
            return await NoAnswer.UntilCancelledAsync(cancelled, token);
        });

        await Assert.CatchAsync<OperationCanceledException>(() => grpc.Client.GetVersionAsync(new GetVersionRequest(), cancel.Token));

        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Test]
    public async Task Unary_DeadlinePasses_CancelsTheHandlerAndTellsTheClient()
    {
        using var client = new UsbHostClient(UsbHostAddress.Parse(grpc.Address).OpenAsync) { CallTimeout = TimeSpan.FromMilliseconds(300) };
        var cancelled = new TaskCompletionSource();
        grpc.Service.On<GetVersionRequest>(async (_, _, token) => await NoAnswer.UntilCancelledAsync(cancelled, token));

        var late = await Assert.ThrowsAsync<UsbHostException>(() => client.GetVersionAsync(new GetVersionRequest()));

        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.That(late!.Code, Is.EqualTo(ErrorCode.ErrorTimedOut));
    }

    [Test]
    public async Task Watch_Events_ArriveInOrderUntilTheEnd()
    {
        grpc.Service.OnWatch = (_, request, _) => Events(request.Kinds.Count);

        var ids = await grpc.Client.WatchAsync(new WatchRequest { Kinds = { Kind.Devices, Kind.Claims } })
            .Select(change => change.Device.Id).ToListAsync();

        Assert.That(ids, Is.EqualTo(["d0", "d1"]));
    }

    [Test]
    public async Task Watch_RefusedAfterHeaders_ThrowsWithDetails()
    {
        grpc.Service.OnWatch = (_, _, _) => throw new HostException(ErrorCode.ErrorClaimNotFound, "no claim cx", "claim-list --all");

        var refused = await Assert.ThrowsAsync<UsbHostException>(async () => await grpc.Client.WatchAsync(new WatchRequest()).FirstAsync());

        Assert.That((refused!.Code, refused.Hint), Is.EqualTo((ErrorCode.ErrorClaimNotFound, "claim-list --all")));
    }

    [Test]
    public async Task Watch_ReaderLeaves_CancelsTheFeed()
    {
        var cancelled = new TaskCompletionSource();
        grpc.Service.OnWatch = (_, _, token) => OneThenNothing(cancelled, token);

        await grpc.Client.WatchAsync(new WatchRequest()).FirstAsync();

        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Test]
    public async Task Watch_DaemonStops_EndsWithUnavailable()
    {
        grpc.Service.OnWatch = (_, _, token) => OneThenNothing(new TaskCompletionSource(), token);
        await using var events = grpc.Client.WatchAsync(new WatchRequest()).GetAsyncEnumerator();
        await events.MoveNextAsync();

        var stopped = grpc.StopServerAsync();

        var refused = await Assert.ThrowsAsync<UsbHostException>(async () => await events.MoveNextAsync());
        await stopped;
        Assert.That(refused!.Code, Is.EqualTo(ErrorCode.ErrorUnavailable));
    }

    [Test]
    public async Task Watch_ReaderThatNeverReads_StopsTheFeed()
    {
        var sent = 0;
        var stuck = new TaskCompletionSource();
        grpc.Service.OnWatch = (_, _, token) => Endless(() => Interlocked.Increment(ref sent), stuck, token);
        await using var events = grpc.Client.WatchAsync(new WatchRequest()).GetAsyncEnumerator();
        await events.MoveNextAsync();

        // The feed says when it was not asked for the next event for a second: nobody reads, so nobody should ask.
        await stuck.Task.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.That(sent * 65536L, Is.LessThan(32L << 20));
    }

    [Test]
    public async Task Watch_ReaderThatNeverReads_IsCutOff()
    {
        await using var impatient = await GrpcFixture.StartAsync(options => options with { Patience = TimeSpan.FromMilliseconds(200) });
        var ended = new TaskCompletionSource();
        impatient.Service.OnWatch = (_, _, token) => Endless(() => 0, new TaskCompletionSource(), token, ended);
        await using var events = impatient.Client.WatchAsync(new WatchRequest()).GetAsyncEnumerator();
        await events.MoveNextAsync();

        await ended.Task.WaitAsync(TimeSpan.FromSeconds(30));

        await Assert.ThrowsAsync<UsbHostException>(async () =>
        {
            while (await events.MoveNextAsync())
            {
                // What had been sent before.
            }
        });
        Assert.That(impatient.Log.Entries.Select(e => e.Text), Has.Some.Contains("is cut off: nothing was taken for 0.2 s"));
    }

    private static async IAsyncEnumerable<WatchEvent> Endless(
        Func<int> count, TaskCompletionSource stuck, [EnumeratorCancellation] CancellationToken token, TaskCompletionSource? ended = null)
    {
        await using var watchdog = new Timer(_ => stuck.TrySetResult());
        var large = new WatchEvent { Device = new Device { Syspath = new string('x', 65536) } };
        try
        {
            while (!token.IsCancellationRequested)
            {
                count();
                watchdog.Change(TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
                yield return large;
                await Task.Yield();
            }
        }
        finally
        {
            ended?.TrySetResult();
        }
    }

    private static async IAsyncEnumerable<WatchEvent> Events(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await Task.Yield();
            yield return new WatchEvent { Device = new Device { Id = $"d{i}" } };
        }
    }

    private static async IAsyncEnumerable<WatchEvent> OneThenNothing(
        TaskCompletionSource cancelled, [EnumeratorCancellation] CancellationToken token)
    {
        yield return new WatchEvent { Type = WatchEvent.Types.Type.SnapshotEnd };
        await NoAnswer.UntilCancelledAsync(cancelled, token);
    }
}
