// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Policy.Rules.Matching;

namespace UsbHostd.Daemon.Rules;

/// <summary>
/// Puts the rules as the files have them now in force, one reload after the other. One that fails keeps the old rules, and says so.
/// </summary>
internal sealed partial class RulesReload(RuleFiles files, ReconcileLoop loop, TimeProvider time, ILogger<RulesReload> log) : IRulesReload, IDisposable
{
    private readonly SemaphoreSlim one = new(1);
    private volatile string? fault;

    public string? Fault => fault;

    /// <summary>Where nobody waits for the outcome: it is in the journal and the audit.</summary>
    public async Task ReloadAsync(string because, CancellationToken cancellation)
    {
        try
        {
            await RunAsync("usbhostd", because, cancellation).ConfigureAwait(false);
        }
        catch (RulesException e)
        {
            Kept(log, e.Message);
        }
        catch (HostException e)
        {
            Kept(log, e.Message);
        }
    }

    public async Task<(HostState Before, HostState After)> RunAsync(string caller, string door, CancellationToken cancellation)
    {
        await one.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var rules = files.Load();
            var (after, before) = await loop.AskAsync((state, now) => (Decide(rules, caller, door, now), state), cancellation).ConfigureAwait(false);
            fault = null;
            files.Report(rules, recorded: after.Earlier is null);
            return (before, after);
        }
        catch (RulesException e)
        {
            fault = PlaceOf(e.Problems[0]);
            var refused = new StoreChange.AppendAudit(time.GetUtcNow(), caller, door, "policy-reload", "rules", "refused", e.Problems[0]);
            await loop.AskAsync((_, _) => (Decided.TakingAway([refused], []), true), cancellation).ConfigureAwait(false);
            throw;
        }
        finally
        {
            one.Release();
        }
    }

    public void Dispose() => one.Dispose();

    /// <summary>What a problem begins with: a file, with line and column where it was read. What it says there is for administrators.</summary>
    private static string PlaceOf(string problem) => problem.IndexOf(": ", StringComparison.Ordinal) is > 0 and var end ? problem[..end] : problem;

    /// <summary>Rules that can't be recorded take rights away at once, and give none until they are.</summary>
    internal static Decided Decide(LoadedRules rules, string caller, string door, DateTimeOffset now) => new(
        [new StoreChange.AppendAudit(now, caller, door, "policy-reload", "rules", "ok", $"{rules.Set.Rules.Length} rules from {rules.Files.Length} files")],
        [new HostEvent.RulesLoaded(rules)])
    {
        Unwritten = [new HostEvent.RulesLoaded(rules) { IsRecorded = false }],
    };

    [LoggerMessage(1143, LogLevel.Error, "The rules were not loaded anew, the old ones stay in force: {Message}")]
    private static partial void Kept(ILogger logger, string message);
}
