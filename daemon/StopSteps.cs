// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon;

/// <summary>Runs each step of a stop, in order, whatever the ones before it did: a fault or a hang in one must not skip the others.</summary>
/// <param name="patience">How long a step may take. systemd ends the daemon after TimeoutStopSec, and all steps together stay below it.</param>
internal sealed partial class StopSteps(TimeSpan patience, TimeProvider time, ILogger logger)
{
    /// <summary>Never throws; what a step throws is logged.</summary>
    public async Task RunAsync(string name, Func<Task> step)
    {
        try
        {
            await step().WaitAsync(patience, time).ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            StepFailed(logger, name, failure);
        }
    }

    /// <summary>The same for a step that does not wait.</summary>
    public void Run(string name, Action step)
    {
        try
        {
            step();
        }
        catch (Exception failure)
        {
            StepFailed(logger, name, failure);
        }
    }

    [LoggerMessage(1009, LogLevel.Error, "While usbhostd stopped, {Step} failed; the rest of the stop goes on")]
    private static partial void StepFailed(ILogger logger, string step, Exception failure);
}
