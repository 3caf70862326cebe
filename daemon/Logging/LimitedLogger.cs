// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Logging;

/// <summary>
/// Bounds the lines of each kind, for code whose peers can cause a line as often as they like. The first <see cref="Burst"/> pass, then one each
/// <see cref="Pause"/>; the next that passes says how many were left out. Debug and trace lines all pass: somebody asked for them.
/// </summary>
internal sealed class LimitedLogger(ILogger inner, TimeProvider time) : ILogger
{
    /// <summary>Lines of one kind at once.</summary>
    internal const int Burst = 20;

    /// <summary>After so long one more line of a kind passes.</summary>
    internal static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    /// <summary>By event id: the code has a fixed number of them.</summary>
    private readonly Dictionary<int, Budget> budgets = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel < LogLevel.Information)
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
        else if (Take(eventId.Id) is { } leftOut)
        {
            inner.Log(logLevel, eventId, state, exception, leftOut == 0 ? formatter : (s, e) => $"{formatter(s, e)} ({leftOut} more lines like this were left out)");
        }
    }

    /// <summary>How many lines of this kind were left out since the last one; null where this one is left out too.</summary>
    private int? Take(int kind)
    {
        lock (budgets)
        {
            var now = time.GetTimestamp();
            if (!budgets.TryGetValue(kind, out var budget))
            {
                budgets[kind] = budget = new Budget { Lines = Burst, At = now };
            }

            budget.Lines = Math.Min(Burst, budget.Lines + (time.GetElapsedTime(budget.At, now) / Pause));
            budget.At = now;
            if (budget.Lines < 1)
            {
                budget.LeftOut++;
                return null;
            }

            budget.Lines--;
            var leftOut = budget.LeftOut;
            budget.LeftOut = 0;
            return leftOut;
        }
    }

    private sealed class Budget
    {
        public double Lines { get; set; }

        public long At { get; set; }

        public int LeftOut { get; set; }
    }
}
