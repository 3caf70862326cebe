// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;

namespace UsbHostd.Daemon.Rules;

/// <summary>Puts the rules as they are written now in force.</summary>
internal interface IRulesReload
{
    /// <summary>The place that kept the rules as they are written now from being loaded, for example <c>/etc/usbhostd/rules.conf:3:7</c>; null where they were.</summary>
    string? Fault { get; }

    /// <param name="caller">For the audit, <c>uid:0</c>.</param>
    /// <param name="door">For the audit: <c>grpc</c>, <c>signal</c>, <c>file</c>.</param>
    /// <returns>The state before the new rules and after. After may have <see cref="HostState.Earlier"/>: then nothing could be written.</returns>
    /// <exception cref="RulesException">The old rules stay in force.</exception>
    Task<(HostState Before, HostState After)> RunAsync(string caller, string door, CancellationToken cancellation);
}
