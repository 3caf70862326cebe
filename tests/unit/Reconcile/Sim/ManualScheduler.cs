// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;

namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>Keeps actions until they are stepped, so that a test decides when one happens, or that it never does.</summary>
internal sealed class ManualScheduler
{
    private readonly Queue<Action> waiting = new();

    public int Waiting => waiting.Count;

    public Task<ActionOutcome> Offload(Func<ActionOutcome> run)
    {
        // The outcome is taken in on the thread that steps: nothing goes to the thread pool.
        var done = new TaskCompletionSource<ActionOutcome>();
        waiting.Enqueue(() =>
        {
            try
            {
                done.SetResult(run());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }

    public bool RunOne()
    {
        if (!waiting.TryDequeue(out var run))
        {
            return false;
        }

        // A test framework's context would send what follows to the thread pool.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        run();
        SynchronizationContext.SetSynchronizationContext(context);
        return true;
    }

    public bool RunAll()
    {
        var any = false;
        while (RunOne())
        {
            any = true;
        }

        return any;
    }
}
