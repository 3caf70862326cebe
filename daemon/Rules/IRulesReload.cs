using UsbHostd.Policy.Reconcile;

namespace UsbHostd.Daemon.Rules;

/// <summary>Puts the rules as they are written now in force.</summary>
internal interface IRulesReload
{
    /// <param name="caller">For the audit, <c>uid:0</c>.</param>
    /// <param name="door">For the audit: <c>grpc</c>, <c>signal</c>, <c>file</c>.</param>
    /// <returns>The state before the new rules and after.</returns>
    /// <exception cref="RulesException">The old rules stay in force.</exception>
    Task<(HostState Before, HostState After)> RunAsync(string caller, string door, CancellationToken cancellation);
}
