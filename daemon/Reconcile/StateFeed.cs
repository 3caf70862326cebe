// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Threading.Channels;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Reconcile;

/// <summary>
/// The one feed that every door reads: the last snapshot, and what differs from the one before. A reader that falls behind loses
/// changes, is told so, and starts again from a snapshot; it never makes the daemon grow. The last changes are kept for readers that
/// come back.
/// </summary>
internal sealed class StateFeed
{
    /// <summary>Changes that wait for a reader before it is told to start again.</summary>
    private const int MostBehind = 256;

    /// <summary>Changes kept for readers that come back: each keeps its snapshot alive, and a snapshot costs a reader little.</summary>
    private const int MostKept = 64;

    private readonly Lock gate = new();
    private readonly Queue<FeedChange> history = new();
    private ImmutableArray<Subscription> subscriptions = [];
    private readonly TaskCompletionSource devicesKnown = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private FeedChange latest = FeedChange.Nothing;

    /// <summary>Of this life of the daemon: a sequence number means something within it only.</summary>
    public string Epoch { get; } = Guid.NewGuid().ToString("N");

    public HostState Current => Latest.State;

    /// <summary>The last change, whose state is the current one.</summary>
    public FeedChange Latest => Volatile.Read(ref latest);

    /// <summary>Completes once <see cref="Current"/> has the devices that were there at the start; never where the loop ends before.</summary>
    public Task DevicesKnown => devicesKnown.Task;

    /// <summary>How many read it now.</summary>
    public int Readers => subscriptions.Length;

    public Subscription Subscribe()
    {
        lock (gate)
        {
            return Add(new Subscription(this, null));
        }
    }

    /// <summary>Goes on behind a change that the reader knows, where all that came since are still kept; else as a new reader.</summary>
    public Subscription Subscribe(long after)
    {
        lock (gate)
        {
            var known = Latest.Sequence == after ? Latest : history.FirstOrDefault(c => c.Sequence == after);
            var subscription = new Subscription(this, known);
            foreach (var missed in known is null ? [] : history.Where(c => c.Sequence > after))
            {
                subscription.Offer(missed);
            }

            return Add(subscription);
        }
    }

    /// <summary>Called by the loop only.</summary>
    public void Publish(FeedChange change)
    {
        Show(change);
        if (change.State.DevicesKnown)
        {
            devicesKnown.TrySetResult();
        }
    }

    private Subscription Add(Subscription subscription)
    {
        subscriptions = subscriptions.Add(subscription);
        return subscription;
    }

    private void Show(FeedChange change)
    {
        if (change.IsEmpty)
        {
            // Nobody waits for it, and the number stays: who knows the change before knows all there is to see.
            Volatile.Write(ref latest, change with { Sequence = latest.Sequence });
            return;
        }

        // Readers come and go meanwhile: one that misses the number here finds the change in the history, and none gets it twice.
        lock (gate)
        {
            var numbered = change with { Sequence = latest.Sequence + 1 };
            history.Enqueue(numbered);
            if (history.Count > MostKept)
            {
                history.Dequeue();
            }

            Volatile.Write(ref latest, numbered);
            foreach (var subscription in subscriptions)
            {
                subscription.Offer(numbered);
            }
        }
    }

    private void Remove(Subscription subscription)
    {
        lock (gate)
        {
            subscriptions = subscriptions.Remove(subscription);
        }
    }

    /// <summary>One reader.</summary>
    /// <param name="resumed">The change behind which it goes on; null where it needs a snapshot.</param>
    internal sealed class Subscription(StateFeed feed, FeedChange? resumed) : IDisposable
    {
        private readonly Channel<FeedChange> changes = Channel.CreateBounded<FeedChange>(
            new BoundedChannelOptions(MostBehind) { SingleReader = true, SingleWriter = true });

        private int lagged;

        public FeedChange? Resumed => resumed;

        /// <summary>The next change; null means that some were lost and a new snapshot is due.</summary>
        public async ValueTask<FeedChange?> NextAsync(CancellationToken cancellation)
        {
            if (Interlocked.Exchange(ref lagged, 0) == 1)
            {
                while (changes.Reader.TryRead(out _))
                {
                    // Older than the snapshot that comes next.
                }

                return null;
            }

            return await changes.Reader.ReadAsync(cancellation).ConfigureAwait(false);
        }

        internal void Offer(FeedChange change)
        {
            if (!changes.Writer.TryWrite(change))
            {
                Volatile.Write(ref lagged, 1);
            }
        }

        public void Dispose() => feed.Remove(this);
    }
}

/// <summary>What differs in <paramref name="State"/> from the snapshot before.</summary>
internal sealed record FeedChange(
    HostState State,
    DateTimeOffset At,
    ImmutableArray<ClaimId> Claims,
    ImmutableArray<GuestId> Guests,
    ImmutableArray<string> Devices,
    ImmutableArray<(DeviceId Id, UsbDevice Device)> RemovedDevices)
{
    public static FeedChange Nothing { get; } = new(HostState.Empty, default, [], [], [], []);

    /// <summary>Counts the changes that somebody could see, from 1.</summary>
    public long Sequence { get; init; }

    /// <summary>Other rules are in force: what a caller may see may be another.</summary>
    public bool OtherRules { get; init; }

    /// <summary>The state is another one, and nobody who watches sees a difference.</summary>
    public bool IsEmpty => Claims.IsEmpty && Guests.IsEmpty && Devices.IsEmpty && RemovedDevices.IsEmpty && !OtherRules;
}
