// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Tests.Grpc;

/// <summary>Tells when a timer is made, and has it fire when the test says so.</summary>
internal sealed class TimerAtHand : TimeProvider
{
    private readonly TaskCompletionSource<Action> made = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What fires the first timer, once there is one.</summary>
    public Task<Action> MadeAsync() => made.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        made.TrySetResult(() => callback(state));
        return new Timer();
    }

    private sealed class Timer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
