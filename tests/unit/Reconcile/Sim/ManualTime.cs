// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>Time that goes on only when a test says so; timers fire on the caller's thread.</summary>
internal sealed class ManualTime : TimeProvider
{
    // Code under test makes and ends timers on any thread.
    private readonly Lock gate = new();
    private readonly List<ManualTimer> timers = [];
    private DateTimeOffset now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How many timers are set to fire some time.</summary>
    public int Armed
    {
        get
        {
            lock (gate)
            {
                return timers.Count(t => t.Due is not null);
            }
        }
    }

    /// <summary>How far the host's clock was set from what it showed before; the monotonic one knows nothing of it.</summary>
    public TimeSpan Set { get; set; }

    public override DateTimeOffset GetUtcNow() => now + Set;

    public override long GetTimestamp() => now.UtcTicks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        lock (gate)
        {
            timers.Add(timer);
        }

        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Each timer fires at its own time, and <paramref name="between"/> runs after each and at the end.</summary>
    public void Advance(TimeSpan by, Action between)
    {
        var end = now + by;
        while (Next(end) is { } next)
        {
            now = next.Due!.Value > now ? next.Due.Value : now;
            next.Fire();
            between();
        }

        now = end;
        between();
    }

    /// <summary>The timer that fires first until then; null where none does.</summary>
    private ManualTimer? Next(DateTimeOffset end)
    {
        lock (gate)
        {
            return timers.Where(t => t.Due <= end).MinBy(t => t.Due);
        }
    }

    private sealed class ManualTimer(ManualTime time, Action fire) : ITimer
    {
        public DateTimeOffset? Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Due = dueTime == Timeout.InfiniteTimeSpan ? null : time.now + dueTime;
            return true;
        }

        public void Fire()
        {
            Due = null;
            fire();
        }

        public void Dispose()
        {
            lock (time.gate)
            {
                time.timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
