// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Reconcile;

/// <summary>
/// Wall-clock time that never goes backwards: where the host's clock is set back (at boot, by NTP), it goes on at the pace of the
/// monotonic one, so that no deadline moves away. Used by the loop only.
/// </summary>
internal sealed class SteadyClock(TimeProvider time)
{
    private DateTimeOffset last = time.GetUtcNow();
    private long stamp = time.GetTimestamp();

    public DateTimeOffset Now()
    {
        var now = time.GetTimestamp();
        var steady = last + time.GetElapsedTime(stamp, now);
        var wall = time.GetUtcNow();
        stamp = now;
        return last = wall > steady ? wall : steady;
    }
}
