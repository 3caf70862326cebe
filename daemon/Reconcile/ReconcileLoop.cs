// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Guests;
using UsbHostd.Core.Planning;
using UsbHostd.Core.Reducers;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Logging;
using UsbHostd.Daemon.Store;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Reconcile;

/// <summary>
/// The only writer of the state. One turn: take in what happened, make intent durable, plan, mark in flight, start, publish.
/// </summary>
internal sealed partial class ReconcileLoop : IDisposable
{
    private const int MostPerTurn = 256;
    private static readonly TimeSpan MemoryDelay = TimeSpan.FromSeconds(2);

    private readonly LoopInbox inbox;
    private readonly Journal journal;
    private readonly ActionRunner runner;
    private readonly StateFeed feed;
    private readonly SteadyClock clock;
    private readonly ILogger<ReconcileLoop> log;
    private readonly LimitedLogger trouble;
    private readonly Dictionary<ClaimId, (Claim Claim, ClaimStatus Status)> shown = [];
    private readonly ITimer wake;
    private readonly ITimer flush;
    private bool flushArmed;
    private bool wasBlocked;
    private HostState state;

    public ReconcileLoop(
        HostState initial, LoopInbox inbox, IClaimStore store, ActionRunner runner, StateFeed feed, TimeProvider time, ILogger<ReconcileLoop> log)
    {
        state = initial;
        this.inbox = inbox;
        journal = new Journal(store);
        this.runner = runner;
        this.feed = feed;
        this.log = log;

        // While the disk is full, each request is such a line.
        trouble = new LimitedLogger(log, time);
        wake = time.CreateTimer(_ => inbox.Events.TryWrite(new HostEvent.TimeReached()), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        flush = time.CreateTimer(_ => inbox.Writer.TryWrite(new LoopInput.FlushDue()), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        clock = new SteadyClock(time);
        feed.Publish(new FeedChange(state, clock.Now(), [], [], [], []));
    }

    /// <summary>How many claims it keeps what was last shown of; for tests.</summary>
    internal int ShownCount => shown.Count;

    /// <summary>Has the one writer decide; the result comes with the state that it is in.</summary>
    /// <exception cref="HostException">The request is refused, or can't be stored.</exception>
    public Task<(HostState State, T Result)> AskAsync<T>(
        Func<HostState, DateTimeOffset, (Decided Decided, T Result)> decide, CancellationToken cancellation) =>
        AskAsync(decide, audit: null, cancellation);

    /// <param name="audit">The line that a refusal leaves in the audit.</param>
    public async Task<(HostState State, T Result)> AskAsync<T>(
        Func<HostState, DateTimeOffset, (Decided Decided, T Result)> decide, Func<HostException, StoreChange?>? audit, CancellationToken cancellation)
    {
        var request = new LoopRequest<T>(decide, audit);
        if (!inbox.Writer.TryWrite(new LoopInput.Asked(request)))
        {
            throw Refusals.Stopping();
        }

        return await request.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Has the one user of the store do something with it that changes no claim.</summary>
    /// <exception cref="HostException">The daemon is stopping.</exception>
    /// <exception cref="StoreException">What the work throws.</exception>
    public Task<T> WithStoreAsync<T>(Func<IClaimStore, T> work)
    {
        var request = new StoreRequest<T>(work);
        return inbox.Writer.TryWrite(new LoopInput.StoreWanted(request)) ? request.Task : throw Refusals.Stopping();
    }

    /// <summary>Runs until cancelled; what was learned is written down before it returns. Detaches nothing.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        Begin();
        try
        {
            while (await inbox.Reader.WaitToReadAsync(cancellation).ConfigureAwait(false))
            {
                ReadSome();
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Asked to stop.
        }
        finally
        {
            inbox.Writer.TryComplete();
            while (inbox.Reader.TryRead(out var left))
            {
                (left as LoopInput.Asked)?.Request.Refuse(Refusals.Stopping());
                (left as LoopInput.StoreWanted)?.Request.Refuse(Refusals.Stopping());
            }

            Write();
        }
    }

    /// <summary>The first turn: what is stored, nothing seen yet.</summary>
    internal void Begin() => Turn(new Fold(state, clock.Now()), writeEverything: true);

    /// <summary>One turn, with all that waits in the inbox; false where nothing does.</summary>
    internal bool ReadSome()
    {
        if (!inbox.Reader.TryPeek(out _))
        {
            return false;
        }

        var fold = new Fold(state, clock.Now());
        for (var i = 0; i < MostPerTurn && inbox.Reader.TryRead(out var input); i++)
        {
            switch (input)
            {
                case LoopInput.Happened happened:
                    Recall(fold, happened.Event);
                    fold.Take(happened.Event);
                    break;
                case LoopInput.StoreWanted wanted:
                    Run(wanted.Request);
                    break;
                case LoopInput.FlushDue:
                    flushArmed = false;
                    if (Write())
                    {
                        fold.Take(CaughtUp());
                    }

                    break;
                case LoopInput.Asked asked:
                    Turn(fold);
                    Answer(asked.Request);
                    fold = new Fold(state, clock.Now());
                    break;
            }
        }

        Turn(fold);
        return true;
    }

    private void Run(StoreRequest request)
    {
        try
        {
            journal.Run(request);
        }
        catch (Exception e)
        {
            request.Refuse(e);
        }
    }

    /// <summary>A guest shows a device under a claim that memory has forgotten: the database may have it, and then says that it was released.</summary>
    private void Recall(Fold fold, HostEvent happened)
    {
        ImmutableArray<Guest> guests = happened switch
        {
            HostEvent.GuestPresent e => [e.Guest],
            HostEvent.GuestsEnumerated e => e.Guests,
            _ => [],
        };
        foreach (var alias in guests.SelectMany(g => g.Attachments).Select(a => a.Ours).OfType<AttachmentAlias>())
        {
            if (!fold.Knows(alias.Claim) && journal.Find(alias.Claim, e => NotRecalled(log, alias.Claim.ToString(), e.Message)) is { } claim)
            {
                fold.Take(new HostEvent.ClaimRecalled(claim));
            }
        }
    }

    private void Answer(LoopRequest request)
    {
        var now = clock.Now();
        if (Decide(request, now) is not { } decided)
        {
            return;
        }

        try
        {
            if (Store(request, decided) is { } happens)
            {
                var fold = new Fold(state, now);
                happens.ForEach(fold.Take);
                Turn(fold);
                request.Complete(state);
            }
        }
        catch (Exception e)
        {
            // It may be stored, and be taken in by halves: only a start makes the state whole again.
            request.Refuse(e);
            throw;
        }
    }

    /// <summary>Null where the request is refused. A fault here ends nothing, as nothing has changed.</summary>
    private Decided? Decide(LoopRequest request, DateTimeOffset now)
    {
        try
        {
            return request.Decide(state, now);
        }
        catch (HostException e)
        {
            if (request.AuditOf(e) is { } line)
            {
                Add([line]);
                WriteUnlessRefused();
            }

            request.Refuse(e);
        }
        catch (Exception e)
        {
            request.Refuse(e);
        }

        return null;
    }

    private void Turn(Fold fold, bool writeEverything = false)
    {
        var happened = fold.Result();
        state = happened.State;
        Add(happened.Changes);
        WriteUnlessRefused();

        var now = clock.Now();
        // What waited for the disk is not touched again by anything: once it is written, all is looked at.
        var everything = writeEverything || (wasBlocked && !journal.HasIntent);
        var actions = everything ? Planner.Plan(state, now) : Planner.Plan(state, now, happened);
        wasBlocked = (wasBlocked && !everything) || actions.Any(journal.Blocks);
        var marking = new Fold(state, now);
        var starting = actions.Where(a => !journal.Blocks(a) && IsFirst(a)).ToList();
        starting.ForEach(marking.Start);
        var marked = marking.Result();
        state = marked.State;
        Publish(now, happened, marked);
        Rearm(now);
        starting.ForEach(action => runner.Start(action, inbox.Events));

        bool IsFirst(HostAction action) => !actions.TakeWhile(a => !ReferenceEquals(a, action)).Any(a => a.Subject == action.Subject);
    }

    private void Publish(DateTimeOffset now, Transition happened, Transition marked)
    {
        var devices = happened.Devices.ToHashSet(StringComparer.Ordinal);
        var claims = ImmutableArray.CreateBuilder<ClaimId>();
        foreach (var id in happened.Claims.Union(marked.Claims))
        {
            if (!state.Claims.TryGetValue(id, out var entry))
            {
                shown.Remove(id);
                continue;
            }

            var status = Assessor.Assess(state, entry, now);
            if (shown.TryGetValue(id, out var before) && ReferenceEquals(before.Claim, entry.Claim) && before.Status.ShowsSame(status))
            {
                continue;
            }

            claims.Add(id);
            shown[id] = (entry.Claim, status);
            if (before.Status is not null || status.Phase != ClaimPhase.Released)
            {
                // What was over before this daemon started is no news.
                Log(entry.Claim, status);
            }

            AddDevice(status);
            AddDevice(before.Status);
        }

        feed.Publish(new FeedChange(
            state, now, claims.DrainToImmutable(), happened.Guests, [.. devices.Where(state.Devices.ContainsKey)], happened.RemovedDevices)
        {
            OtherRules = !ReferenceEquals(feed.Current.Rules, state.Rules) || !ReferenceEquals(feed.Current.Earlier, state.Earlier),
        });

        void AddDevice(ClaimStatus? status)
        {
            if (status?.Device is { } device)
            {
                devices.Add(device.Syspath);
            }
        }
    }

    private void Rearm(DateTimeOffset now)
    {
        if (state.Deadlines.IsEmpty)
        {
            wake.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
        else
        {
            var wait = state.Deadlines.Min!.At - now;
            wake.Change(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }

        if (!flushArmed && journal.HasAny)
        {
            flushArmed = true;
            flush.Change(journal.IsRefused ? diskRetry : MemoryDelay, Timeout.InfiniteTimeSpan);
        }
    }

    private void Log(Claim claim, ClaimStatus status)
    {
        if (log.IsEnabled(LogLevel.Information))
        {
            var device = status.Device is { } d ? state.IdOf(d).ToString() : claim.Follows.Text;
            PhaseChanged(log, claim.Id.ToString(), status.Phase, status.Reason, TextEscape.Escape(device), TextEscape.Escape(state.GuestName(claim.Guest)), TextEscape.Escape(status.Detail ?? ""));
        }
    }

    public void Dispose()
    {
        wake.Dispose();
        flush.Dispose();
    }

    [LoggerMessage(1010, LogLevel.Information, "Claim {Claim}: {Phase} {Reason} device {Device} guest {Guest} {Detail}")]
    private static partial void PhaseChanged(ILogger logger, string claim, ClaimPhase phase, ClaimReason reason, string device, string guest, string detail);

    [LoggerMessage(1016, LogLevel.Error, "Claim {Claim} could not be looked up, and counts as unknown: {Message}")]
    private static partial void NotRecalled(ILogger logger, string claim, string message);
}
