// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Guests;

/// <summary>
/// Notices a libvirt that answers nothing. Its timer is armed only while a call is under way, so that nothing polls. A call may take long by
/// itself, such as the start of a guest: a short question beside it tells that from a libvirt that hangs.
/// </summary>
internal sealed class AnswerWatch : IDisposable
{
    /// <summary>After so long without any answer libvirt counts as silent.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>After so long the short question is asked.</summary>
    internal static readonly TimeSpan AskAfter = TimeSpan.FromSeconds(3);

    private readonly TimeProvider time;
    private readonly Action ask;
    private readonly Action<DateTimeOffset?> tell;
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private int underWay;
    private bool hasAsked;
    private bool isSilent;
    private DateTimeOffset since;
    private long sinceTimestamp;

    /// <param name="ask">Asks the short question, on another thread. Called on the timer's.</param>
    /// <param name="tell">Takes the time since which no call was answered; null once one is again. Called in order; must return at once.</param>
    public AnswerWatch(TimeProvider time, Action ask, Action<DateTimeOffset?> tell)
    {
        this.time = time;
        this.ask = ask;
        this.tell = tell;
        timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Calls libvirt; whatever comes of it is an answer.</summary>
    public T Call<T>(Func<T> call)
    {
        Begin();
        try
        {
            return call();
        }
        finally
        {
            End();
        }
    }

    public void Dispose() => timer.Dispose();

    private void Begin()
    {
        lock (gate)
        {
            if (underWay++ == 0)
            {
                AwaitAnswer();
            }
        }
    }

    private void End()
    {
        lock (gate)
        {
            if (isSilent)
            {
                isSilent = false;
                tell(null);
            }

            if (--underWay > 0)
            {
                AwaitAnswer();
            }
            else
            {
                timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void AwaitAnswer()
    {
        (since, sinceTimestamp, hasAsked) = (time.GetUtcNow(), time.GetTimestamp(), false);
        timer.Change(AskAfter, Timeout.InfiniteTimeSpan);
    }

    private void Look()
    {
        lock (gate)
        {
            if (underWay == 0 || isSilent)
            {
                return;
            }

            var waited = time.GetElapsedTime(sinceTimestamp);
            if (waited >= Patience)
            {
                isSilent = true;
                tell(since);
                return;
            }

            timer.Change((waited < AskAfter ? AskAfter : Patience) - waited, Timeout.InfiniteTimeSpan);
            if (waited < AskAfter || hasAsked)
            {
                return;
            }

            hasAsked = true;
        }

        ask();
    }
}
