// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Store;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Reconcile;

/// <summary>What is written down, when, and what happens where it can't be.</summary>
internal sealed partial class ReconcileLoop
{
    private static readonly TimeSpan FirstDiskRetry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestDiskRetry = TimeSpan.FromSeconds(60);

    private TimeSpan diskRetry = FirstDiskRetry;

    /// <summary>What happens because of the request, once it is stored; null where it can't be and is refused.</summary>
    private List<HostEvent>? Store(LoopRequest request, Decided decided)
    {
        if (decided.Changes.Count == 0)
        {
            return [.. decided.Events];
        }

        var wasRefused = journal.IsRefused;
        try
        {
            journal.CommitNow(decided.Changes);
            return wasRefused ? [CaughtUp(), .. decided.Events] : [.. decided.Events];
        }
        catch (StoreException e) when (decided.Unwritten is { } unwritten)
        {
            NotWrittenNow(trouble, e.Message);
            Add(decided.Changes);
            WriteUnlessRefused();
            return [.. unwritten];
        }
        catch (StoreException e)
        {
            NotStored(trouble, e.Message);
            request.Refuse(Refusals.NotStored(e));
            return null;
        }
    }

    private void Add(IReadOnlyList<StoreChange> changes)
    {
        if (journal.IsRefused)
        {
            LogAudit(changes.OfType<StoreChange.AppendAudit>());
        }

        journal.Add(changes);
    }

    /// <summary>Intent goes to the disk at once; while the disk refuses, a timer tries.</summary>
    private void WriteUnlessRefused()
    {
        if (journal is { HasIntent: true, IsRefused: false })
        {
            Write();
        }
    }

    /// <summary>True where the disk refused before, and takes what waited now.</summary>
    private bool Write()
    {
        var wasRefused = journal.IsRefused;
        try
        {
            journal.Write();
            return wasRefused && !journal.IsRefused;
        }
        catch (StoreException e)
        {
            diskRetry = !wasRefused ? FirstDiskRetry : diskRetry * 2 < LongestDiskRetry ? diskRetry * 2 : LongestDiskRetry;
            NotWritten(trouble, e.Message, diskRetry.TotalSeconds);
            if (!wasRefused)
            {
                LogAudit(journal.Audit);
            }

            return false;
        }
    }

    private HostEvent.StoreCaughtUp CaughtUp()
    {
        WrittenAgain(log);
        return new HostEvent.StoreCaughtUp();
    }

    /// <summary>Where the database takes none, the log is the audit.</summary>
    private void LogAudit(IEnumerable<StoreChange.AppendAudit> lines)
    {
        foreach (var line in lines)
        {
            Audited(log, TextEscape.Escape(line.Caller), line.Door, line.Verb, TextEscape.Escape(line.Subject), line.Outcome, TextEscape.Escape(line.Detail));
        }
    }

    [LoggerMessage(1011, LogLevel.Error, "A request was refused because it could not be stored: {Message}")]
    private static partial void NotStored(ILogger logger, string message);

    [LoggerMessage(1012, LogLevel.Error, "{Message}; what is given because of it waits, and writing is tried again in {Seconds} s")]
    private static partial void NotWritten(ILogger logger, string message, double seconds);

    [LoggerMessage(1013, LogLevel.Error, "{Message}; what a request takes away is taken away all the same, until a restart at least")]
    private static partial void NotWrittenNow(ILogger logger, string message);

    [LoggerMessage(1014, LogLevel.Warning, "Audit, not in the database yet: {Caller} {Door} {Verb} {Subject} {Outcome} {Detail}")]
    private static partial void Audited(ILogger logger, string caller, string door, string verb, string subject, string outcome, string detail);

    [LoggerMessage(1015, LogLevel.Information, "The database takes writes again; what waited is stored")]
    private static partial void WrittenAgain(ILogger logger);
}
