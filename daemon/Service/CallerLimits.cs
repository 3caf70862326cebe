// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;

namespace UsbHostd.Daemon.Service;

/// <summary>What one caller may use of the daemon. Root is not counted: root needs no daemon to get at a device.</summary>
internal sealed record CallerLimitOptions
{
    /// <summary>Calls in a second, on the average; twice as many at once.</summary>
    public int CallsPerSecond { get; init; } = 200;

    /// <summary>Watches open at once.</summary>
    public int Watches { get; init; } = 64;

    /// <summary>Claims that stand at once.</summary>
    public int Claims { get; init; } = 256;

    /// <summary>Changes that are written down in a minute, on the average; those of ten minutes at once.</summary>
    public int ChangesPerMinute { get; init; } = 60;
}

/// <summary>Counts calls, watches and connections by caller: a token bucket each, forgotten when it is full again.</summary>
internal sealed class CallerLimits(CallerLimitOptions options, TimeProvider time)
{
    /// <summary>Callers are swept when so many are known: one with a new certificate for each call must not make the daemon grow.</summary>
    private const int ManyCallers = 1024;

    /// <summary>Refusals of one caller in the audit at once; then one a second.</summary>
    private const int MostLines = 100;

    private readonly ConcurrentDictionary<string, Use> uses = new(StringComparer.Ordinal);

    public int MostClaims(Caller caller) => IsFree(caller) ? int.MaxValue : options.Claims;

    /// <exception cref="HostException">Too many calls.</exception>
    public void Count(Caller caller)
    {
        if (IsFree(caller))
        {
            return;
        }

        var use = Of(caller);
        lock (use)
        {
            Fill(use);
            if (use.Calls < 1)
            {
                throw new HostException(
                    ErrorCode.ErrorTooMany, $"{caller.Owner} makes more than {options.CallsPerSecond} calls a second", "ask less often; Watch tells of changes");
            }

            use.Calls--;
        }
    }

    /// <summary>One more change that is written down. Each caller's are bounded, and so is what the database grows by.</summary>
    /// <exception cref="HostException">Too many changes.</exception>
    public void Change(Caller caller)
    {
        if (IsFree(caller))
        {
            return;
        }

        var use = Of(caller);
        lock (use)
        {
            Fill(use);
            if (use.Changes < 1)
            {
                throw new HostException(
                    ErrorCode.ErrorTooMany, $"{caller.Owner} makes more than {options.ChangesPerMinute} changes a minute",
                    "wait a minute and ask again; claims can still be released; an administrator may raise changes-per-minute in usbhostd.conf");
            }

            use.Changes--;
        }
    }

    /// <summary>Whether a refusal may be written down: how many were not since the last one that was; null where this one is not either.</summary>
    public int? Note(Caller caller)
    {
        if (IsFree(caller))
        {
            return 0;
        }

        var use = Of(caller);
        lock (use)
        {
            Fill(use);
            if (use.Lines < 1)
            {
                use.LeftOut++;
                return null;
            }

            use.Lines--;
            var leftOut = use.LeftOut;
            use.LeftOut = 0;
            return leftOut;
        }
    }

    /// <summary>One more watch, until disposed.</summary>
    /// <exception cref="HostException">Too many watches.</exception>
    public IDisposable? Watch(Caller caller)
    {
        if (IsFree(caller))
        {
            return null;
        }

        var use = Of(caller);
        lock (use)
        {
            if (use.Watches >= options.Watches)
            {
                throw new HostException(ErrorCode.ErrorTooMany, $"{caller.Owner} has {use.Watches} watches open, and may have no more", "end one of them");
            }

            use.Watches++;
        }

        return new Open(use, u => u.Watches--);
    }

    /// <summary>One more connection, until disposed.</summary>
    /// <param name="most">So many a caller may have.</param>
    /// <exception cref="HostException">Too many connections.</exception>
    public IDisposable? Connection(Caller caller, int most)
    {
        if (IsFree(caller))
        {
            return null;
        }

        var use = Of(caller);
        lock (use)
        {
            if (use.Connections >= most)
            {
                throw new HostException(ErrorCode.ErrorTooMany, $"{caller.Owner} has {use.Connections} connections, and may have no more", "end one of them");
            }

            use.Connections++;
        }

        return new Open(use, u => u.Connections--);
    }

    private static bool IsFree(Caller caller) => caller is { Uid: 0, Certificate: null };

    private double MostChanges => 10.0 * options.ChangesPerMinute;

    private Use Of(Caller caller)
    {
        if (uses.Count > ManyCallers)
        {
            Sweep();
        }

        return uses.GetOrAdd(caller.Owner, _ => new Use { Calls = 2.0 * options.CallsPerSecond, Lines = MostLines, Changes = MostChanges, At = time.GetTimestamp() });
    }

    private void Fill(Use use)
    {
        var now = time.GetTimestamp();
        var seconds = time.GetElapsedTime(use.At, now).TotalSeconds;
        use.Calls = Math.Min(2.0 * options.CallsPerSecond, use.Calls + (seconds * options.CallsPerSecond));
        use.Lines = Math.Min(MostLines, use.Lines + seconds);
        use.Changes = Math.Min(MostChanges, use.Changes + (seconds * options.ChangesPerMinute / 60));
        use.At = now;
    }

    private void Sweep()
    {
        foreach (var (owner, use) in uses)
        {
            lock (use)
            {
                Fill(use);
                if (use is { Watches: 0, Connections: 0, Lines: >= MostLines } && use.Calls >= 2.0 * options.CallsPerSecond && use.Changes >= MostChanges)
                {
                    uses.TryRemove(owner, out _);
                }
            }
        }
    }

    private sealed class Use
    {
        public double Calls { get; set; }

        public double Lines { get; set; }

        public double Changes { get; set; }

        public int LeftOut { get; set; }

        public long At { get; set; }

        public int Watches { get; set; }

        public int Connections { get; set; }
    }

    private sealed class Open(Use use, Action<Use> end) : IDisposable
    {
        private bool isClosed;

        public void Dispose()
        {
            lock (use)
            {
                if (!isClosed)
                {
                    isClosed = true;
                    end(use);
                }
            }
        }
    }
}
