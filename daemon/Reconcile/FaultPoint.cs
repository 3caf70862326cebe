// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using UsbHostd.Core.State;

namespace UsbHostd.Daemon.Reconcile;

/// <summary>
/// Where the daemon is to die, for tests of what it makes of that at its next start: USBHOSTD_FAULT=AttachDevice:after, an action's type
/// and "before" or "after" its effect. It dies the hard way, of SIGKILL. Does nothing where the variable is not set.
/// </summary>
internal sealed class FaultPoint(string? where)
{
    public const string Variable = "USBHOSTD_FAULT";

    public static FaultPoint FromEnvironment() => new(Environment.GetEnvironmentVariable(Variable));

    /// <summary>Null where there is none, as everywhere but in tests.</summary>
    public string? Where { get; } = string.IsNullOrEmpty(where) ? null : where;

    public void Before(HostAction action) => Reach(action, "before");

    public void After(HostAction action) => Reach(action, "after");

    /// <param name="when">"before" or "after".</param>
    internal bool IsAt(HostAction action, string when) =>
        Where is not null && string.Equals(Where, $"{action.GetType().Name}:{when}", StringComparison.Ordinal);

    private void Reach(HostAction action, string when)
    {
        if (IsAt(action, when))
        {
            using var self = Process.GetCurrentProcess();
            self.Kill();

            // The signal is on its way: nothing more is done by this thread.
            using var never = new ManualResetEventSlim();
            never.Wait();
        }
    }
}
