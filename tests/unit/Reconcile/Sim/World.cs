// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Isolation;
using UsbHostd.Core.Planning;
using UsbHostd.Core.Reducers;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Attach;
using UsbHostd.Daemon.Guests;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Daemon.Service;
using UsbHostd.Daemon.Store;
using UsbHostd.Daemon.Usb;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules.Matching;
using Claim = UsbHostd.Core.Claims.Claim;

namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>
/// A fake host, and on it the real loop, runner, attacher and service, stepped by hand on one thread. The daemon may crash and
/// start; host, store and time go on.
/// </summary>
internal sealed class World : IDisposable
{
    public const uint Group = 990;
    private readonly Func<TimeProvider, IClaimStore> openStore;
    private IClaimStore? store;
    private ActionRunner? runner;
    private ChannelWriter<HostEvent> events = null!;
    private bool isQuietChecked = true;

    public World(Func<TimeProvider, IClaimStore>? openStore = null, ReconcileLimits? limits = null, bool start = true, LoadedRules? rules = null)
    {
        Rules = rules ?? TestRules.AllowAll;
        this.openStore = openStore ?? (_ => Store);
        Limits = limits ?? new ReconcileLimits();
        if (start)
        {
            Start();
        }
    }

    /// <summary>The subject of a certificate that sees all and changes nothing.</summary>
    public const string RemoteViewer = "CN=monitor";

    public static RoleOptions Roles { get; } = new()
    {
        Viewers = [new(PrincipalKind.User, "1001"), new(PrincipalKind.Subject, RemoteViewer)],
        Users = [new(PrincipalKind.User, "1002"), new(PrincipalKind.User, "1003")],
        Operators = [new(PrincipalKind.Group, $"{Group}")],
        Admins = [new(PrincipalKind.Name, "admin.lab.example")],
    };

    public static CallerLimitOptions CallerLimits { get; } = new() { CallsPerSecond = 20, Watches = 3, Claims = 4 };

    public static Caller Root { get; } = new(0, [0], "grpc", 1);

    public static Caller Member { get; } = new(1000, [1000, Group], "grpc", 2);

    /// <summary>Sees all, changes nothing.</summary>
    public static Caller Viewer { get; } = new(1001, [1001], "grpc", 4);

    /// <summary>May have what the rules give.</summary>
    public static Caller User { get; } = new(1002, [1002], "grpc", 5);

    /// <summary>The same, another one.</summary>
    public static Caller OtherUser { get; } = new(1003, [1003], "grpc", 6);

    /// <summary>By a name in the certificate; no uid at all.</summary>
    public static Caller RemoteAdmin { get; } = new(Caller.NoUid, [], "tls", 0) { Certificate = new CertificateIdentity("CN=admin", ["admin.lab.example"]) };

    public static Caller Nobody { get; } = new(65534, [65534], "grpc", 3);

    public ReconcileLimits Limits { get; }

    /// <summary>Controllers that the next daemon jails.</summary>
    public string[] Jailed { get; set; } = [];

    /// <summary>What a start of the daemon reads; everything is allowed where a test says nothing else.</summary>
    public LoadedRules Rules { get; set; }

    /// <summary>What is wrong with the rule files; null where they are in order.</summary>
    public string? RulesFault { get; set; }

    public ManualTime Time { get; } = new();

    public FakeHost Host { get; } = new();

    public MemoryStore Store { get; } = new();

    public ManualScheduler Scheduler { get; private set; } = null!;

    public StateFeed Feed { get; private set; } = null!;

    public ReconcileLoop Loop { get; private set; } = null!;

    public HostService Service { get; private set; } = null!;

    /// <summary>Actions that the loop started, in order.</summary>
    public List<HostAction> Started { get; } = [];

    public HostState State => Feed.Current;

    /// <summary>Off where a test leaves the world in the middle of something.</summary>
    public bool ChecksQuiet
    {
        get => isQuietChecked;
        set => isQuietChecked = value;
    }

    public void Start()
    {
        store = openStore(Time);
        Scheduler = new ManualScheduler();
        Feed = new StateFeed();
        var inbox = new LoopInbox();
        events = inbox.Events;
        IUsbHost usb = Host;
        IGuestHost guests = Host;
        var look = new UseLook(Host, () => Feed.Current, inbox.Events, Time) { Offload = find => Task.FromResult(find()) };
        var attacher = new HostdevAttacher(usb, Host, guests, look, inbox.Events);
        runner = new ActionRunner(attacher, guests, usb, Host, NullLogger<ActionRunner>.Instance) { Offload = Scheduler.Offload };
        Loop = new ReconcileLoop(Initial(), inbox, store, runner, Feed, Time, NullLogger<ReconcileLoop>.Instance);
        Service = new HostService(
            Loop, Feed, new Roles(Roles), new CallerLimits(CallerLimits, Time), look, new DaemonFacts("test:///", () => ("", "")), new FakeRules(this), Time);
        Loop.Begin();
        usb.Start(inbox.Events);
        guests.Start(inbox.Events);
        Settle();
    }

    /// <summary>kill -9: what was in memory is gone, and nothing more is done.</summary>
    public void Crash()
    {
        if (store is null)
        {
            return;
        }

        Host.Disconnect();
        Loop.Dispose();
        runner!.Dispose();
        store.Dispose();
        store = null;
    }

    public void Restart()
    {
        Crash();
        Start();
    }

    /// <summary>Other rules from now on, also after a restart.</summary>
    public void Reload(LoadedRules rules)
    {
        Rules = rules;
        events.TryWrite(new HostEvent.RulesLoaded(rules));
        Settle();
    }

    /// <summary>One turn of the loop with what has happened, without running what it starts.</summary>
    public bool Turn()
    {
        var any = Host.Deliver();
        any |= Loop.ReadSome();
        Started.AddRange(State.InFlight.Values.Where(a => !Started.Exists(s => ReferenceEquals(s, a))));
        return any;
    }

    /// <summary>Until nothing happens any more without time going on.</summary>
    public void Settle()
    {
        for (var turns = 0; Turn() | Scheduler.RunAll() | Host.FinishDetaches(); turns++)
        {
            Assert.That(turns, Is.LessThan(1000), "the daemon does not come to rest");
        }

        CheckQuiet();
    }

    public void Advance(TimeSpan by) => Time.Advance(by, Settle);

    public void Advance(double seconds) => Advance(TimeSpan.FromSeconds(seconds));

    /// <summary>Does something to the host, and lets the daemon follow.</summary>
    public void Do(Action<FakeHost> act)
    {
        act(Host);
        Settle();
    }

    public FakeGuest Guest(string name = "guest", bool running = true)
    {
        var guest = Host.Define(name);
        if (running)
        {
            Host.Start(guest);
        }

        Settle();
        return guest;
    }

    public FakeDevice Plugged(FakeDevice device, string port = "1-4")
    {
        Do(h => h.Plug(device, port));
        return device;
    }

    public T Ask<T>(Func<HostService, ValueTask<T>> ask)
    {
        var answer = ask(Service).AsTask();
        Settle();

        // It may ask the loop several times, and goes on elsewhere in between.
        while (!answer.IsCompleted)
        {
            ((IAsyncResult)answer).AsyncWaitHandle.WaitOne(1);
            Settle();
        }

        return answer.GetAwaiter().GetResult();
    }

    public Api.V1.Claim Create(CreateClaimRequest request, Caller? caller = null) =>
        Ask(s => s.CreateClaimAsync(caller ?? Root, request, CancellationToken.None));

    public ClaimId Claim(string device, FakeGuest guest, Action<CreateClaimRequest>? with = null)
    {
        var request = new CreateClaimRequest { Device = device, Guest = guest.Id.ToString() };
        with?.Invoke(request);
        return ClaimId.Parse(Create(request).Id);
    }

    public ClaimId Claim(FakeDevice device, FakeGuest guest, Action<CreateClaimRequest>? with = null) => Claim($"port:{device.Port}", guest, with);

    public void Release(ClaimId claim) =>
        Ask(s => s.ReleaseClaimAsync(Root, new ReleaseClaimRequest { Id = claim.ToString() }, CancellationToken.None));

    public void Retry(ClaimId claim) => Ask(s => s.RetryClaimAsync(Root, new RetryClaimRequest { Id = claim.ToString() }, CancellationToken.None));

    public void Move(ClaimId claim, FakeGuest guest) =>
        Ask(s => s.MoveClaimAsync(Root, new MoveClaimRequest { Id = claim.ToString(), Guest = guest.Id.ToString() }, CancellationToken.None));

    public Claim Stored(ClaimId claim) => State.Claims[claim].Claim;

    public ClaimStatus Status(ClaimId claim) => Assessor.Assess(State, State.Claims[claim], Time.GetUtcNow());

    public (ClaimPhase Phase, ClaimReason Reason) Stand(ClaimId claim) => (Status(claim).Phase, Status(claim).Reason);

    /// <summary>How each claim stands and what was done, for a failing test.</summary>
    public string Describe() => string.Join('\n', State.Claims.Values.Select(e => $"{e.Id}: {Status(e.Id)} {e}").Concat(Host.Done));

    public void Dispose() => Crash();

    private HostState Initial() => Fold.From(store!.Load(), Limits, Rules) with
    {
        Jail = new JailState { Controllers = Jailed.ToImmutableHashSet(StringComparer.Ordinal) },
        KeptAwake = Host.KeptAwake,
    };

    /// <summary>At rest the full plan is empty: the incremental ones left nothing out, and a plan applied twice does nothing.</summary>
    private void CheckQuiet()
    {
        if (isQuietChecked && !Store.IsFull)
        {
            Assert.That(
                Planner.Plan(State, Time.GetUtcNow()).Where(a => a is not HostAction.WriteIgnoreRules), Is.Empty,
                "what looking at everything would still do");
        }
    }
}
