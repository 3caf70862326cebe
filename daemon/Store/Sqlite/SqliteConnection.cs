// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using System.Text;

namespace UsbHostd.Daemon.Store.Sqlite;

/// <summary>One connection, opened NOMUTEX: the caller uses it from one thread at a time.</summary>
internal sealed unsafe class SqliteConnection : IDisposable
{
    private readonly SqliteConnectionHandle handle;
    private readonly Dictionary<string, SqliteStatement> kept = new(StringComparer.Ordinal);

    private SqliteConnection(SqliteConnectionHandle handle) => this.handle = handle;

    /// <summary>Opens an existing file for reading and writing; nothing is read or created yet.</summary>
    public static SqliteConnection Open(string path)
    {
        var code = NativeSqlite.Open(path, out var handle, NativeSqlite.OpenReadWrite | NativeSqlite.OpenNoMutex, 0);
        if (code != NativeSqlite.Ok)
        {
            var error = ErrorOf(handle, code);
            handle.Dispose();
            throw error;
        }

        return new SqliteConnection(handle);
    }

    /// <summary>Whether closing the last connection may move the WAL into the file and remove it; on as SQLite opens it.</summary>
    public void SetCheckpointOnClose(bool value)
    {
        int now;
        Check(NativeSqlite.Configure(handle, NativeSqlite.ConfigNoCheckpointOnClose, value ? 0 : 1, &now));
    }

    public void SetBusyTimeout(TimeSpan timeout) => Check(NativeSqlite.BusyTimeout(handle, (int)timeout.TotalMilliseconds));

    internal SqliteConnectionHandle Handle => handle;

    /// <summary>Rows that the last statement which writes has changed.</summary>
    public int Changes => NativeSqlite.Changes(handle);

    /// <summary>Compiles the first statement of <paramref name="sql"/>; the caller disposes it.</summary>
    public SqliteStatement Prepare(string sql, out string rest)
    {
        var text = Encoding.UTF8.GetBytes(sql + '\0');
        fixed (byte* start = text)
        {
            byte* tail;
            Check(NativeSqlite.Prepare(handle, start, text.Length, NativeSqlite.PreparePersistent, out var statement, &tail));
            rest = Encoding.UTF8.GetString(text.AsSpan((int)(tail - start)).TrimEnd((byte)0));
            return new SqliteStatement(this, statement);
        }
    }

    public SqliteStatement Prepare(string sql) => Prepare(sql, out _);

    /// <summary>Compiled once and kept, reset and ready to be bound; owned by the connection.</summary>
    public SqliteStatement Keep(string sql)
    {
        if (!kept.TryGetValue(sql, out var statement))
        {
            statement = Prepare(sql);
            kept.Add(sql, statement);
        }

        statement.Reset();
        return statement;
    }

    /// <summary>Runs every statement of a script, their rows dropped.</summary>
    public void Execute(string script)
    {
        for (var rest = script; !string.IsNullOrWhiteSpace(rest);)
        {
            using var statement = Prepare(rest, out rest);
            statement.Run();
        }
    }

    /// <summary>The first column of the first row as text; null where there is no row or it is NULL.</summary>
    public string? Scalar(string sql)
    {
        using var statement = Prepare(sql);
        return statement.Step() ? statement.TextOrNull(0) : null;
    }

    /// <summary>Runs <paramref name="work"/> in one write transaction; rolls back and throws on where it throws.</summary>
    public void InTransaction(Action work)
    {
        Keep("BEGIN IMMEDIATE").Run();
        try
        {
            work();
            Keep("COMMIT").Run();
        }
        catch
        {
            // A full disk or an I/O error may have rolled back by itself already.
            if (NativeSqlite.IsAutocommit(handle) == 0)
            {
                Keep("ROLLBACK").Run();
            }

            throw;
        }
    }

    internal void Check(int code)
    {
        if (code != NativeSqlite.Ok)
        {
            throw ErrorOf(handle, code);
        }
    }

    public void Dispose()
    {
        foreach (var statement in kept.Values)
        {
            statement.Dispose();
        }

        kept.Clear();
        handle.Dispose();
    }

    internal SqliteException Error(int code) => ErrorOf(handle, code);

    private static SqliteException ErrorOf(SqliteConnectionHandle handle, int code)
    {
        if (handle.IsInvalid)
        {
            return new SqliteException(code, 0, "out of memory");
        }

        var extended = NativeSqlite.ExtendedErrorCode(handle);
        var primary = code & 0xff;
        var errno = primary is NativeSqlite.IoError or NativeSqlite.Full || (extended & 0xff) == NativeSqlite.IoError
            ? NativeSqlite.SystemErrno(handle)
            : 0;
        var message = Marshal.PtrToStringUTF8(NativeSqlite.ErrorMessage(handle)) ?? "unknown error";
        return new SqliteException((extended & 0xff) == primary ? extended : code, errno, message);
    }
}
