// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace UsbHostd.Daemon.Store.Sqlite;

/// <summary>One compiled statement. Parameters count from 1, columns from 0, as in SQLite.</summary>
internal sealed unsafe class SqliteStatement : IDisposable
{
    private readonly SqliteConnection connection;
    private readonly SqliteStatementHandle handle;

    /// <summary>Takes over <paramref name="handle"/>, which is invalid for a script of comments only.</summary>
    internal SqliteStatement(SqliteConnection connection, SqliteStatementHandle handle)
    {
        this.connection = connection;
        this.handle = handle;
    }

    public SqliteStatement Bind(int index, string? value)
    {
        if (value is null)
        {
            connection.Check(NativeSqlite.BindNull(handle, index));
            return this;
        }

        // One byte more than needed: a null pointer, which an empty array would give, binds NULL and not "".
        var text = new byte[Encoding.UTF8.GetMaxByteCount(value.Length) + 1];
        var length = Encoding.UTF8.GetBytes(value, text);
        fixed (byte* start = text)
        {
            connection.Check(NativeSqlite.BindText(handle, index, start, length, NativeSqlite.Transient));
        }

        return this;
    }

    public SqliteStatement Bind(int index, long value)
    {
        connection.Check(NativeSqlite.BindInteger(handle, index, value));
        return this;
    }

    /// <summary>True with a row, false at the end; after either the end or an error it can be bound and run again.</summary>
    public bool Step()
    {
        if (handle.IsInvalid)
        {
            return false;
        }

        var code = NativeSqlite.Step(handle);
        if (code == NativeSqlite.Row)
        {
            return true;
        }

        if (code != NativeSqlite.Done)
        {
            // The error is read first: reset reports it once more and may replace errno.
            var error = connection.Error(code);
            Reset();
            throw error;
        }

        Reset();
        return false;
    }

    /// <summary>Steps to the end.</summary>
    public void Run()
    {
        while (Step())
        {
        }
    }

    /// <summary>Its result is the last step's, reported by that step.</summary>
    public void Reset() => _ = handle.IsInvalid ? NativeSqlite.Ok : NativeSqlite.Reset(handle);

    public string? TextOrNull(int column)
    {
        if (NativeSqlite.ColumnType(handle, column) == NativeSqlite.TypeNull)
        {
            return null;
        }

        var text = NativeSqlite.ColumnText(handle, column);
        var length = NativeSqlite.ColumnBytes(handle, column);
        return text is null ? "" : Encoding.UTF8.GetString(text, length);
    }

    public string Text(int column) => TextOrNull(column) ?? throw new FormatException($"column {column + 1} is NULL");

    public long Integer(int column) => NativeSqlite.ColumnInteger(handle, column);

    public void Dispose() => handle.Dispose();
}
