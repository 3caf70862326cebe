// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store.Sqlite;

namespace UsbHostd.Daemon.Store;

/// <summary>How long ended claims and lines of the audit stay: until they are too old, or too many newer ones are there.</summary>
internal sealed record RetentionLimits(Retained Claims, Retained Audit, Retained Refusals)
{
    public static RetentionLimits Standard { get; } = new(
        new Retained(TimeSpan.FromDays(30), 10_000), new Retained(TimeSpan.FromDays(400), 250_000), new Retained(TimeSpan.FromDays(30), 50_000));
}

/// <param name="Age">Rows that are older may go.</param>
/// <param name="Rows">So many stay at most.</param>
internal sealed record Retained(TimeSpan Age, int Rows);

/// <summary>
/// Deletes what is kept no longer, in small transactions of its own: after some rows were added, some more than these go. So the tables shrink to
/// their limits, no commit takes noticeably longer, and a fault here never makes a commit fail.
/// </summary>
internal sealed class StoreRetention(SqliteConnection connection, TimeProvider time, RetentionLimits limits, string path, ILogger logger)
{
    /// <summary>Rows that are added between two looks; the first commit looks too.</summary>
    internal const int RowsBetween = 64;

    /// <summary>Rows of one table that go at one look.</summary>
    internal const int Batch = 1000;

    private int added = RowsBetween;

    /// <summary>Run after a commit.</summary>
    public void Written(IReadOnlyList<StoreChange> changes)
    {
        added += changes.Count(c => c is StoreChange.AppendAudit or StoreChange.PutClaim { Claim.Released: not null });
        if (added < RowsBetween)
        {
            return;
        }

        added = 0;
        try
        {
            connection.InTransaction(() =>
            {
                TrimClaims();
                TrimLines("audit", limits.Audit);
                TrimLines("refusals", limits.Refusals);
            });
        }
        catch (SqliteException e)
        {
            StoreLog.NotTrimmed(logger, path, e.Message);
        }
    }

    private void TrimClaims()
    {
        var count = connection.Keep("SELECT count(*) FROM claims WHERE released IS NOT NULL");
        var tooMany = count.Step() ? Math.Clamp(count.Integer(0) - limits.Claims.Rows, 0, Batch) : 0;
        count.Reset();
        connection.Keep("DELETE FROM claims WHERE id IN (SELECT id FROM claims WHERE released < ?1 ORDER BY released, id LIMIT ?2)")
            .Bind(1, StoredText.Of(time.GetUtcNow() - limits.Claims.Age)).Bind(2, Batch).Run();
        connection.Keep("DELETE FROM claims WHERE id IN (SELECT id FROM claims WHERE released IS NOT NULL ORDER BY released, id LIMIT ?1)")
            .Bind(1, Math.Max(0, tooMany - connection.Changes)).Run();
    }

    /// <summary>Only the oldest lines go, in their order. The first line that is to stay ends it, also where the clock was set back since.</summary>
    private void TrimLines(string table, Retained kept)
    {
        var oldest = StoredText.Of(time.GetUtcNow() - kept.Age);
        var rows = connection.Keep($"SELECT seq, at, (SELECT max(seq) FROM {table}) FROM {table} ORDER BY seq LIMIT ?1").Bind(1, Batch);
        long? last = null;
        while (rows.Step() && (rows.Integer(2) - rows.Integer(0) >= kept.Rows || string.CompareOrdinal(rows.Text(1), oldest) < 0))
        {
            last = rows.Integer(0);
        }

        rows.Reset();
        if (last is { } to)
        {
            connection.Keep($"DELETE FROM {table} WHERE seq <= ?1").Bind(1, to).Run();
        }
    }
}
