// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Dbus;

/// <summary>
/// Counts the messages that were handed to the library and are not known to have reached the bus. The library keeps what the bus does not take
/// in memory, without a bound and without telling anybody. So after some messages the bus is asked a question: messages of one connection are
/// taken in their order, and its answer says that those before the question have arrived. Where too many have not, whoever wants to send waits.
/// </summary>
internal sealed class SendWindow
{
    /// <summary>Messages that may be on their way.</summary>
    public const int Most = 256;

    /// <summary>What one message counts at most, however long it is.</summary>
    public const int MostOfOne = Most / 4;

    /// <summary>
    /// Messages that may be on their way where none can wait: refusals, and what the library answers by itself. One user's connections can ask for
    /// as many while the bus takes everything (256 connections, each with 128 replies that it waits for); beyond these it takes nothing.
    /// </summary>
    public const int MostOwed = 32_768;

    private const int AskEvery = Most / 4;

    private readonly Lock gate = new();
    private readonly Queue<Waiter> waiting = new();
    private int taken;
    private int unasked;
    private bool isOver;

    /// <summary>Messages on their way, those that are about to be sent among them.</summary>
    public int Taken
    {
        get
        {
            lock (gate)
            {
                return taken;
            }
        }
    }

    /// <summary>Waits until a message may be sent. It then is sent, or <see cref="Leave"/> gives its place back.</summary>
    /// <param name="weight">What it counts, from 1 to <see cref="MostOfOne"/>.</param>
    /// <exception cref="BusException">The connection is over.</exception>
    public async ValueTask EnterAsync(int weight, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (gate)
        {
            if (isOver)
            {
                throw BusException.Gone();
            }

            if (waiting.Count == 0 && taken + weight <= Most)
            {
                taken += weight;
                return;
            }

            waiter = new Waiter(weight);
            waiting.Enqueue(waiter);
        }

        await using var cancel = cancellationToken.Register(static (w, token) => ((Waiter)w!).TrySetCanceled(token), waiter).ConfigureAwait(false);
        await waiter.Task.ConfigureAwait(false);
    }

    /// <summary>Counts a message that can't wait.</summary>
    /// <returns>False where there are too many: the connection has to end.</returns>
    public bool TryOwe()
    {
        lock (gate)
        {
            return ++taken <= MostOwed;
        }
    }

    /// <summary>After a message was handed over.</summary>
    /// <returns>Whether the bus has to be asked now, and how much its answer is about; 0 where not.</returns>
    public int Sent(int weight)
    {
        lock (gate)
        {
            unasked += weight;
            if (unasked < AskEvery)
            {
                return 0;
            }

            var about = unasked;
            unasked = 0;
            return about;
        }
    }

    /// <summary>So much has reached the bus, or was not sent after all.</summary>
    public void Leave(int weight)
    {
        lock (gate)
        {
            taken -= weight;
            while (waiting.TryPeek(out var next) && taken + next.Weight <= Most)
            {
                waiting.Dequeue();
                taken += next.TrySetResult() ? next.Weight : 0;
            }
        }
    }

    /// <summary>Nobody waits for a connection that is no more.</summary>
    public void End()
    {
        lock (gate)
        {
            isOver = true;
            while (waiting.TryDequeue(out var next))
            {
                next.TrySetException(BusException.Gone());
            }
        }
    }

    private sealed class Waiter(int weight) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public int Weight => weight;
    }
}
