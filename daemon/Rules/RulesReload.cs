using UsbHostd.Daemon.Reconcile;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Reconcile;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Daemon.Rules;

/// <summary>
/// Puts the rules as the files have them now in force, one reload after the other. One that fails keeps the old rules, and says so.
/// </summary>
internal sealed partial class RulesReload(RuleFiles files, ReconcileLoop loop, TimeProvider time, ILogger<RulesReload> log) : IRulesReload, IDisposable
{
    private readonly SemaphoreSlim one = new(1);

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
            return (before, after);
        }
        catch (RulesException e)
        {
            var refused = new StoreChange.AppendAudit(time.GetUtcNow(), caller, door, "policy-reload", "rules", "refused", e.Problems[0]);
            await loop.AskAsync((_, _) => (new Decided([refused], []), true), cancellation).ConfigureAwait(false);
            throw;
        }
        finally
        {
            one.Release();
        }
    }

    public void Dispose() => one.Dispose();

    private static Decided Decide(LoadedRules rules, string caller, string door, DateTimeOffset now) => new(
        [new StoreChange.AppendAudit(now, caller, door, "policy-reload", "rules", "ok", $"{rules.Set.Rules.Length} rules from {rules.Files.Length} files")],
        [new HostEvent.RulesLoaded(rules)]);

    [LoggerMessage(1143, LogLevel.Error, "The rules were not loaded anew, the old ones stay in force: {Message}")]
    private static partial void Kept(ILogger logger, string message);
}
