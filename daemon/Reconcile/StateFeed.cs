using System.Collections.Immutable;
using System.Threading.Channels;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Guests;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Reconcile;

namespace UsbHostd.Daemon.Reconcile;

/// <summary>
/// The one feed that every door reads: the last snapshot, and what differs from the one before. A reader that falls behind loses
/// changes, is told so, and starts again from a snapshot; it never makes the daemon grow.
/// </summary>
internal sealed class StateFeed
{
    private const int MostBehind = 256;

    private readonly Lock gate = new();
    private ImmutableArray<Subscription> subscriptions = [];
    private HostState current = HostState.Empty;

    public HostState Current => Volatile.Read(ref current);

    /// <summary>How many read it now.</summary>
    public int Readers => subscriptions.Length;

    public Subscription Subscribe()
    {
        var subscription = new Subscription(this);
        lock (gate)
        {
            subscriptions = subscriptions.Add(subscription);
        }

        return subscription;
    }

    /// <summary>Called by the loop only.</summary>
    public void Publish(FeedChange change)
    {
        Volatile.Write(ref current, change.State);
        if (change.IsEmpty)
        {
            return;
        }

        foreach (var subscription in subscriptions)
        {
            subscription.Offer(change);
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
    internal sealed class Subscription(StateFeed feed) : IDisposable
    {
        private readonly Channel<FeedChange> changes = Channel.CreateBounded<FeedChange>(
            new BoundedChannelOptions(MostBehind) { SingleReader = true, SingleWriter = true });

        private int lagged;

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
    /// <summary>The state is another one, and nobody who watches sees a difference.</summary>
    public bool IsEmpty => Claims.IsEmpty && Guests.IsEmpty && Devices.IsEmpty && RemovedDevices.IsEmpty;
}
