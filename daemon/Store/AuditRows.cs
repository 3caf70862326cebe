// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store.Sqlite;

namespace UsbHostd.Daemon.Store;

/// <summary>Lines of the tables <c>audit</c> (what was done) and <c>refusals</c> (what was not).</summary>
internal static class AuditRows
{
    public const string Done = "ok";

    public const string Columns = "at, caller, door, verb, subject, outcome, detail";

    public static string TableOf(StoreChange.AppendAudit line) => line.Outcome == Done ? "audit" : "refusals";

    public static void Append(SqliteConnection connection, StoreChange.AppendAudit line) =>
        connection.Keep($"INSERT INTO {TableOf(line)} ({Columns}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
            .Bind(1, StoredText.Of(line.At)).Bind(2, line.Caller).Bind(3, line.Door).Bind(4, line.Verb)
            .Bind(5, line.Subject).Bind(6, line.Outcome).Bind(7, line.Detail).Run();

    /// <summary>The newest <paramref name="limit"/> lines of a table, oldest first.</summary>
    public static List<StoreChange.AppendAudit> Newest(SqliteConnection connection, string table, int limit)
    {
        var rows = connection.Keep($"SELECT {Columns} FROM (SELECT * FROM {table} ORDER BY seq DESC LIMIT ?1) ORDER BY seq").Bind(1, limit);
        var lines = new List<StoreChange.AppendAudit>();
        while (rows.Step())
        {
            lines.Add(Read(rows, 0));
        }

        return lines;
    }

    /// <summary>The lines that match among the next <paramref name="rows"/> rows: how long it takes does not depend on how many there are.</summary>
    /// <param name="before">What the slice before gave; null for the newest rows.</param>
    public static AuditSlice Slice(SqliteConnection connection, AuditTable from, AuditQuery query, long? before, int rows)
    {
        var table = from == AuditTable.Audit ? "audit" : "refusals";
        var end = before ?? Edge(connection, $"SELECT max(seq) FROM {table}") + 1;
        var begin = Math.Max(Edge(connection, $"SELECT min(seq) FROM {table}"), end - rows);
        var found = connection.Keep(
            $"""
            SELECT {Columns} FROM {table}
            WHERE seq >= ?1 AND seq < ?2 AND (?3 IS NULL OR at >= ?3) AND (?4 IS NULL OR at < ?4) AND (?5 IS NULL OR caller = ?5)
                AND (?6 IS NULL OR verb = ?6) AND (?7 IS NULL OR subject = ?7) AND (?8 IS NULL OR outcome = ?8)
                AND (?9 IS NULL OR subject LIKE ?9 ESCAPE '\' OR detail LIKE ?9 ESCAPE '\')
            ORDER BY seq DESC
            """)
            .Bind(1, begin).Bind(2, end).Bind(3, TimeOf(query.Since)).Bind(4, TimeOf(query.Until)).Bind(5, query.Caller).Bind(6, query.Verb)
            .Bind(7, query.Subject).Bind(8, query.Outcome).Bind(9, query.Text is { } text ? $"%{Escaped(text)}%" : null);
        var lines = new List<StoreChange.AppendAudit>();
        while (found.Step())
        {
            lines.Add(Read(found, 0));
        }

        return new AuditSlice(lines, begin < end && begin > Edge(connection, $"SELECT min(seq) FROM {table}") ? begin : null);
    }

    private static string? TimeOf(DateTimeOffset? at) => at is { } time ? StoredText.Of(time) : null;

    private static string Escaped(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal);

    private static long Edge(SqliteConnection connection, string sql)
    {
        var row = connection.Keep(sql);
        var value = row.Step() ? row.Integer(0) : 0;
        row.Reset();
        return value;
    }

    /// <param name="first">The column in which <see cref="Columns"/> begin.</param>
    public static StoreChange.AppendAudit Read(SqliteStatement row, int first) => new(
        StoredText.Time(row.Text(first)), row.Text(first + 1), row.Text(first + 2), row.Text(first + 3), row.Text(first + 4), row.Text(first + 5), row.Text(first + 6));
}
