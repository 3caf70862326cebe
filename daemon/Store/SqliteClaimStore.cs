// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store.Sqlite;

namespace UsbHostd.Daemon.Store;

/// <summary>
/// The store in one SQLite file. WAL with synchronous=FULL: a commit that has returned survives a power cut. Exclusive locking
/// mode: the WAL's index then lives in memory instead of in a -shm file, and no reader from outside can hold up a commit.
/// </summary>
internal sealed partial class SqliteClaimStore : IClaimStore
{
    /// <summary>As many as memory keeps while the daemon runs.</summary>
    internal static readonly int MostEnded = new ReconcileLimits().MostHistory;

    private readonly StoreFile file;
    private readonly SqliteConnection connection;
    private readonly ILogger logger;
    private readonly MemoryTables memory;
    private readonly StoreRetention retention;
    private bool loaded;

    private SqliteClaimStore(StoreFile file, SqliteConnection connection, TimeProvider time, ILogger logger, RetentionLimits retained)
    {
        this.file = file;
        this.connection = connection;
        this.logger = logger;
        memory = new MemoryTables(file.Path, logger);
        retention = new StoreRetention(connection, time, retained, file.Path, logger);
    }

    /// <summary>Opens the database at <paramref name="path"/>, an absolute path; creates it, mode 0600, where there is none.</summary>
    /// <exception cref="StoreException">In use, damaged, newer, another program's, or not accessible; left byte for byte as it was.</exception>
    public static SqliteClaimStore Open(string path, TimeProvider time, ILogger<SqliteClaimStore> logger) =>
        Open(path, time, logger, StoreSchema.Migrations);

    /// <summary>For tests of migrations, which bring their own list, and of what is kept how long.</summary>
    internal static SqliteClaimStore Open(string path, TimeProvider time, ILogger logger, IReadOnlyList<string> migrations, RetentionLimits? retained = null)
    {
        var opened = StoreFile.Open(path, migrations.Count);
        SqliteConnection? database = null;
        try
        {
            database = SqliteConnection.Open(path);
            Prepare(database, opened, logger, migrations);
            File.Delete(SqliteCopy.PathFor(path));
            return new SqliteClaimStore(opened, database, time, logger, retained ?? RetentionLimits.Standard);
        }
        catch (Exception e)
        {
            Abandon(opened, database);
            if (e is SqliteException refused)
            {
                throw Explain(path, refused);
            }

            throw;
        }
    }

    public StoredState Load()
    {
        try
        {
            var read = memory.ReadInto(connection, new StoredState { IsNew = AdoptionMark.IsThere(connection), Claims = ReadClaims(), GuestStarts = ReadGuestStarts(), Answers = ReadAnswers() });
            var (state, renewed) = EarlierDeviceIds.Renew(read);
            loaded = true;
            connection.SetCheckpointOnClose(true);
            StoreLog.Opened(logger, file.Path, connection.Scalar("PRAGMA user_version") ?? "", state.Claims.Count);
            WriteRenewed(renewed);
            return state;
        }
        catch (SqliteException e)
        {
            throw Explain(file.Path, e);
        }
    }

    private void WriteRenewed(IReadOnlyList<StoreChange> renewed)
    {
        try
        {
            if (renewed.Count > 0)
            {
                Commit(renewed);
            }
        }
        catch (StoreException)
        {
            // It is memory only, and the next start does the same again: a full disk must not keep the daemon from starting.
        }
    }

    public void Commit(IReadOnlyList<StoreChange> changes)
    {
        try
        {
            while (!TryCommit(changes))
            {
            }

            retention.Written(changes);
        }
        catch (SqliteException e)
        {
            throw Explain(file.Path, e);
        }
    }

    /// <summary>For tests: what SQLite is made to believe, such as how large the disk is, and what an outsider might do.</summary>
    internal SqliteConnection Connection => connection;

    public void Dispose()
    {
        if (!loaded)
        {
            Abandon(file, connection);
            return;
        }

        connection.Dispose();
        file.Dispose();
    }

    /// <summary>
    /// Everything that may refuse comes before the first write. Until the claims have been read, closing must not move the WAL
    /// into a file that is then refused.
    /// </summary>
    private static void Prepare(SqliteConnection connection, StoreFile file, ILogger logger, IReadOnlyList<string> migrations)
    {
        connection.SetCheckpointOnClose(false);
        connection.SetBusyTimeout(TimeSpan.FromSeconds(2));
        connection.Execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
        if (file.Version > 0)
        {
            RefuseDamage(connection, file.Path);
        }

        if (file.Version < migrations.Count)
        {
            Migrate(connection, file.Version, migrations);
            if (file.Version > 0)
            {
                StoreLog.Migrated(logger, file.Path, file.Version, migrations.Count);
            }
        }

        var mode = connection.Scalar("PRAGMA journal_mode = WAL");
        if (!string.Equals(mode, "wal", StringComparison.Ordinal))
        {
            throw new StoreException($"{file.Path}: this file system can't hold a write-ahead log (journal mode stays {mode}). Use a local one.");
        }

        // Bounds what is left of the WAL after a burst: 4 MiB.
        connection.Execute("PRAGMA journal_size_limit = 4194304;");
    }

    /// <summary>
    /// Only the tables that hold intent: memory may be damaged, and of the audit, which is large, only the end matters for appending.
    /// </summary>
    private static void RefuseDamage(SqliteConnection connection, string path)
    {
        foreach (var table in (string[])["claims", "guest_starts", .. AnswerRows.Exist(connection) ? ["answers"] : Array.Empty<string>()])
        {
            var verdict = connection.Scalar($"PRAGMA quick_check('{table}')");
            if (!string.Equals(verdict, "ok", StringComparison.Ordinal))
            {
                throw new StoreException($"{path}: damaged in table {table} ({verdict}). {StoreFile.LeftAsIs}");
            }
        }

        _ = connection.Scalar("SELECT max(seq) FROM audit");
    }

    /// <summary>With a rollback journal, so that the version in the file's header is never behind the one in a WAL.</summary>
    private static void Migrate(SqliteConnection connection, int from, IReadOnlyList<string> migrations)
    {
        _ = connection.Scalar("PRAGMA journal_mode = DELETE");
        for (var version = from + 1; version <= migrations.Count; version++)
        {
            connection.InTransaction(() => connection.Execute(
                $"{migrations[version - 1]}\nPRAGMA user_version = {version}; PRAGMA application_id = {StoreSchema.ApplicationId};"));
        }
    }

    /// <summary>False where a memory table turned out to be damaged: it is given up, and the rest is to be tried again.</summary>
    private bool TryCommit(IReadOnlyList<StoreChange> changes)
    {
        StoreChange? current = null;
        try
        {
            connection.InTransaction(() =>
            {
                foreach (var change in changes)
                {
                    current = change;
                    Write(change);
                }

                current = null;
            });
            return true;
        }
        catch (SqliteException e) when (e.IsDamage && current is not null && MemoryTables.TableOf(current) is { } table)
        {
            memory.GiveUp(table, e);
            return false;
        }
    }

    private void Write(StoreChange change)
    {
        switch (change)
        {
            case StoreChange.PutClaim { Claim: var claim }:
                WriteClaim(claim);
                break;
            case StoreChange.DropClaim drop:
                connection.Keep("DELETE FROM claims WHERE id = ?1").Bind(1, drop.Claim.ToString()).Run();
                break;
            case StoreChange.PutGuestStart start:
                connection.Keep("INSERT OR REPLACE INTO guest_starts (guest, since) VALUES (?1, ?2)")
                    .Bind(1, start.Guest.ToString()).Bind(2, StoredText.Of(start.Since)).Run();
                break;
            case StoreChange.DropGuestStart start:
                connection.Keep("DELETE FROM guest_starts WHERE guest = ?1").Bind(1, start.Guest.ToString()).Run();
                break;
            case StoreChange.AdoptionDone:
                AdoptionMark.Remove(connection);
                break;
            case StoreChange.PutAnswer put:
                AnswerRows.Put(connection, put.Answer);
                break;
            case StoreChange.DropAnswer drop:
                AnswerRows.Drop(connection, drop.Answer);
                break;
            case StoreChange.AppendAudit entry:
                AuditRows.Append(connection, entry);
                break;
            default:
                if (!memory.IsGivenUp(MemoryTables.TableOf(change)!))
                {
                    MemoryTables.Write(connection, change);
                }

                break;
        }
    }

    private void WriteClaim(Claim claim)
    {
        if (claim.RequestId is { } request)
        {
            connection.Keep(ClaimRows.ForgetRequest).Bind(1, claim.Owner).Bind(2, request).Bind(3, claim.Id.ToString()).Run();
        }

        var row = connection.Keep(ClaimRows.Upsert);
        ClaimRows.Bind(row, claim);
        row.Run();
    }

    private static void Abandon(StoreFile file, SqliteConnection? connection)
    {
        connection?.Dispose();
        file.RemoveEmptyWal();
        file.Dispose();
    }

    private static StoreException Explain(string path, SqliteException e) => e switch
    {
        { IsDiskFull: true } => new StoreException($"{path}: no space left: {e.Message}. Nothing was written; free some space and try again.", diskFull: true, e),
        { IsDamage: true } => new StoreException($"{path}: damaged: {e.Message}. {StoreFile.LeftAsIs}", inner: e),
        { IsBusy: true } => new StoreException($"{path}: another process has it open. Close that one first (fuser {path} names it).", inner: e),
        _ => new StoreException($"{path}: {e.Message}. Nothing was written.", inner: e),
    };
}
