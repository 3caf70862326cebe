// SPDX-License-Identifier: Apache-2.0
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using UsbHostd.Core.Reducers;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Attach;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Daemon.Rules;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Doors;

/// <summary>
/// The real service over the real loop, which runs by itself: for doors before it. The host is a fake one with a stick at 1-4 and a guest
/// that is off.
/// </summary>
internal sealed class LiveHost : IAsyncDisposable
{
    private readonly FakeHost host = new();
    private readonly ActionRunner runner;
    private readonly ReconcileLoop loop;
    private readonly LoopInbox inbox = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly Task running;

    public LiveHost(RoleOptions roles, CallerLimitOptions? limits = null)
    {
        host.Plug(Some.Stick(), "1-4");
        host.Define("guest");
        var look = new Daemon.Usb.UseLook(host, () => Feed.Current, inbox.Events, TimeProvider.System);
        runner = new ActionRunner(new HostdevAttacher(host, host, host, look, inbox.Events), host, host, host, NullLogger<ActionRunner>.Instance);
        var rules = TestRules.AllowAll;
        var store = new MemoryStore();
        loop = new ReconcileLoop(
            Fold.From(store.Load(), new ReconcileLimits(), rules), inbox, store, runner, Feed, TimeProvider.System, NullLogger<ReconcileLoop>.Instance);
        Service = new HostService(
            loop, Feed, new Roles(roles), new CallerLimits(limits ?? new CallerLimitOptions(), TimeProvider.System), look,
            new DaemonFacts("test:///", () => ("", "")), new SameRules(loop, rules), TimeProvider.System);
        running = loop.RunAsync(stopping.Token);
        ((Daemon.Usb.IUsbHost)host).Start(inbox.Events);
        ((Daemon.Guests.IGuestHost)host).Start(inbox.Events);
        host.Deliver();
    }

    public StateFeed Feed { get; } = new();

    public HostService Service { get; }

    /// <summary>Where what happens to the host is told.</summary>
    public ChannelWriter<HostEvent> Events => inbox.Events;

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await running;
        loop.Dispose();
        runner.Dispose();
        stopping.Dispose();
    }

    private sealed class SameRules(ReconcileLoop loop, LoadedRules rules) : IRulesReload
    {
        public string? Fault => null;

        public async Task<(HostState Before, HostState After)> RunAsync(string caller, string door, CancellationToken cancellation)
        {
            var (after, before) = await loop.AskAsync((state, _) => (new Decided([], [new HostEvent.RulesLoaded(rules)]), state), cancellation);
            return (before, after);
        }
    }
}
