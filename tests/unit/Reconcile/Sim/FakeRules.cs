// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;
using UsbHostd.Daemon.Rules;

namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>Rule files that a test has in its hand: <see cref="World.Rules"/> is what they say.</summary>
internal sealed class FakeRules(World world) : IRulesReload
{
    public string? Fault => world.RulesFault;

    public async Task<(HostState Before, HostState After)> RunAsync(string caller, string door, CancellationToken cancellation)
    {
        if (world.RulesFault is { } fault)
        {
            throw new RulesException([fault]);
        }

        var (after, before) = await world.Loop.AskAsync((state, now) => (RulesReload.Decide(world.Rules, caller, door, now), state), cancellation);
        return (before, after);
    }
}
