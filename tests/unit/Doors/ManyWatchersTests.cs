// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Grpc;
using UsbHostd.Daemon.Service;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Doors;

/// <summary>
/// 200 watchers and 50 callers over real connections, while devices come and go: for so many changes in the suite, for
/// USBHOSTD_SOAK_SECONDS where that is set.
/// </summary>
[TestFixture]
internal sealed class ManyWatchersTests
{
    private const int Watchers = 200;
    private const int Callers = 50;
    private const int Ports = 15;
    private const int Changes = 300;

    /// <summary>Of managed heap, beyond what it was when all watched: two hundred windows of 768 KiB would be five times that.</summary>
    private const long MostGrowth = 32 << 20;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Test]
    public async Task Watchers_WhileDevicesComeAndGo_MissNothingAndTheDaemonDoesNotGrow()
    {
        var self = new Principal(PrincipalKind.Group, File.ReadLines("/proc/self/status").Single(l => l.StartsWith("Gid:", StringComparison.Ordinal)).Split('\t')[2]);
        await using var host = new LiveHost(
            new RoleOptions { Admins = [self] }, new CallerLimitOptions { CallsPerSecond = 100_000, Watches = 1000, Claims = 100_000 });
        var folder = Directory.CreateTempSubdirectory("usbhostd-soak-");
        var options = new GrpcOptions { SocketPath = Path.Combine(folder.FullName, "api.sock"), MaxConnections = 4 * 256, Patience = TimeSpan.FromSeconds(1) };
        using var server = new GrpcServer(host.Service, options, new CallerLimits(new CallerLimitOptions(), TimeProvider.System), NullLoggerFactory.Instance);
        await server.StartAsync(CancellationToken.None);
        using var calling = new CancellationTokenSource();
        var watchers = Enumerable.Range(0, Watchers).Select(_ => new Watcher("unix:" + options.SocketPath)).ToArray();
        using var deaf = UsbHostClient.Connect("unix:" + options.SocketPath);
        await using var unread = deaf.WatchAsync(new WatchRequest()).GetAsyncEnumerator();
        await unread.MoveNextAsync();
        await Task.WhenAll(watchers.Select(w => w.Begun)).WaitAsync(Patience);
        var before = GC.GetTotalMemory(forceFullCollection: true);

        var callers = Enumerable.Range(0, Callers).Select(i => CallAsync("unix:" + options.SocketPath, i, calling.Token)).ToArray();
        var left = await ComeAndGoAsync(host, watchers[0]);
        await calling.CancelAsync();
        var calls = (await Task.WhenAll(callers)).Sum();
        await Task.WhenAll(watchers.Select(w => w.SeesAsync("the last"))).WaitAsync(Patience);
        var after = GC.GetTotalMemory(forceFullCollection: true);

        TestContext.Out.WriteLine($"{watchers.Sum(w => w.Events)} events, {watchers.Sum(w => w.Resyncs)} resyncs, {calls} calls, {(after - before) / 1024} KiB more");
        Assert.Multiple(() =>
        {
            Assert.That(watchers.Select(w => w.Gap), Has.All.Null);
            Assert.That(watchers.Select(w => w.Ports), Has.All.EquivalentTo(left));
            Assert.That(calls, Is.GreaterThan(Callers));
            Assert.That(after - before, Is.LessThan(MostGrowth));
        });
        await Assert.ThrowsAsync<UsbHostException>(async () => await ReadOnAsync(unread), "who never read is cut off");
        await Task.WhenAll(watchers.Select(w => w.DisposeAsync().AsTask()));
        await server.StopAsync(CancellationToken.None);
        folder.Delete(recursive: true);
    }

    private static async Task ReadOnAsync(IAsyncEnumerator<WatchEvent> events)
    {
        while (await events.MoveNextAsync().AsTask().WaitAsync(Patience))
        {
            // What was on its way before.
        }
    }

    /// <summary>Plugs and pulls, as fast as one of the watchers follows, and at last plugs a device named "the last". Gives the ports that are taken.</summary>
    private static async Task<IReadOnlyCollection<string>> ComeAndGoAsync(LiveHost host, Watcher pace)
    {
        var soak = Environment.GetEnvironmentVariable("USBHOSTD_SOAK_SECONDS") is { Length: > 0 } set
            ? TimeSpan.FromSeconds(int.Parse(set, CultureInfo.InvariantCulture)) : TimeSpan.Zero;
        var random = new Random(1);
        var plugged = new Dictionary<string, FakeDevice>(StringComparer.Ordinal);
        var begun = Stopwatch.GetTimestamp();
        for (var i = 1; i <= Changes || Stopwatch.GetElapsedTime(begun) < soak; i++)
        {
            var port = $"1-{random.Next(1, Ports) + 4}";
            if (plugged.Remove(port, out var gone))
            {
                host.Events.TryWrite(new HostEvent.DeviceGone(gone.Syspath));
            }
            else
            {
                Plug(host, plugged, port, $"device {i}", i);
            }

            if (i % Ports == 0)
            {
                Plug(host, plugged, "1-4", $"mark {i}", i); // one more look at the device that is always there
                await pace.SeesAsync($"mark {i}").WaitAsync(Patience);
            }
        }

        Plug(host, plugged, "1-4", "the last", int.MaxValue);
        return [.. plugged.Keys, "usb1", "usb2"];
    }

    private static void Plug(LiveHost host, Dictionary<string, FakeDevice> plugged, string port, string name, int number)
    {
        var device = new FakeDevice { Name = name, UsbId = Some.StickId, Serial = $"S-{port}", HostDrivers = [null] };
        device.PlugInto(port, new Policy.Identity.UsbAddress(1, (number % 120) + 3), (ulong)number);
        plugged[port] = device;
        host.Events.TryWrite(new HostEvent.DevicePresent(device.Seen()));
    }

    /// <summary>Asks one thing after the other until it is told to stop, and claims what isn't there.</summary>
    private static async Task<int> CallAsync(string address, int caller, CancellationToken stop)
    {
        using var client = UsbHostClient.Connect(address);
        var calls = 0;
        while (!stop.IsCancellationRequested)
        {
            await client.ListDevicesAsync(new ListDevicesRequest(), CancellationToken.None);
            var claim = await client.CreateClaimAsync(new CreateClaimRequest { Device = $"serial:1234:0001:ABSENT-{caller}", Guest = "guest" }, CancellationToken.None);
            await client.ReleaseClaimAsync(new ReleaseClaimRequest { Id = claim.Id }, CancellationToken.None);
            calls += 3;
        }

        return calls;
    }

    /// <summary>Keeps what it was told, and looks whether that fits together.</summary>
    private sealed class Watcher : IAsyncDisposable
    {
        private readonly UsbHostClient client;
        private readonly CancellationTokenSource stop = new();
        private readonly TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Lock gate = new();
        private readonly Dictionary<string, string> devices = new(StringComparer.Ordinal);
        private readonly Task reading;
        private (string Name, TaskCompletionSource Seen) awaited = ("", new TaskCompletionSource());
        private bool isInSnapshot;
        private long last;

        public Watcher(string address)
        {
            client = UsbHostClient.Connect(address);
            reading = ReadAsync();
        }

        public Task Begun => begun.Task;

        public int Events { get; private set; }

        public int Resyncs { get; private set; }

        /// <summary>What was wrong with the order of changes; null where nothing was.</summary>
        public string? Gap { get; private set; }

        public IReadOnlyCollection<string> Ports => devices.Keys;

        /// <summary>Waits until a device of this name is there.</summary>
        public Task<Task> SeesAsync(string name)
        {
            lock (gate)
            {
                awaited = (name, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
                if (!isInSnapshot && devices.ContainsValue(name))
                {
                    awaited.Seen.SetResult();
                }

                return Task.WhenAny(awaited.Seen.Task, reading);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            await reading;
            client.Dispose();
            stop.Dispose();
        }

        private async Task ReadAsync()
        {
            try
            {
                await foreach (var change in client.WatchAsync(new WatchRequest(), stop.Token))
                {
                    lock (gate)
                    {
                        Follow(change);
                    }
                }
            }
            catch (Exception e) when (e is OperationCanceledException or UsbHostException && stop.IsCancellationRequested)
            {
                // Told to.
            }
        }

        private void Follow(WatchEvent change)
        {
            Events++;
            if (change.Type == WatchEvent.Types.Type.Resync)
            {
                Resyncs++;
                devices.Clear();
                last = 0;
            }
            else if (change.Type == WatchEvent.Types.Type.Removed && change.Device is { } gone)
            {
                devices.Remove(gone.Port);
            }
            else if (change.Device is { } there)
            {
                devices[there.Port] = there.ProductName;
            }

            // In the middle of a snapshot nothing is complete.
            isInSnapshot = change.Type is WatchEvent.Types.Type.Snapshot or WatchEvent.Types.Type.Resync;
            if (!isInSnapshot && devices.ContainsValue(awaited.Name))
            {
                awaited.Seen.TrySetResult();
            }

            if (change.ResumeToken.Length > 0)
            {
                CountOn(long.Parse(change.ResumeToken.Split('-')[1], CultureInfo.InvariantCulture));
            }

            if (change.Type == WatchEvent.Types.Type.SnapshotEnd)
            {
                begun.TrySetResult();
            }
        }

        /// <summary>Within a change the token stays at the one before, at its end it is the change's own: one more each time.</summary>
        private void CountOn(long number)
        {
            if (last != 0 && number != last && number != last + 1)
            {
                Gap ??= $"after change {last} came {number}";
            }

            last = number;
        }
    }
}
