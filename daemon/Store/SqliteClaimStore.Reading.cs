// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store.Sqlite;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Store;

/// <summary>What is read of the store.</summary>
internal sealed partial class SqliteClaimStore
{
    public Claim? Find(ClaimId id)
    {
        try
        {
            var rows = connection.Keep(ClaimRows.SelectOne).Bind(1, id.ToString());
            return rows.Step() ? ReadRow(rows, "claims", ClaimRows.Read) : null;
        }
        catch (SqliteException e)
        {
            throw Explain(file.Path, e);
        }
    }

    public AuditSlice ReadAudit(AuditTable table, AuditQuery query, long? before, int rows)
    {
        try
        {
            return AuditRows.Slice(connection, table, query, before, rows);
        }
        catch (SqliteException e)
        {
            throw Explain(file.Path, e);
        }
        catch (FormatException e)
        {
            throw new StoreException($"{file.Path}: a line of the audit can't be read: {e.Message}", inner: e);
        }
    }

    public IStoreCopy BeginCopy()
    {
        try
        {
            return SqliteCopy.Begin(connection, file.Path);
        }
        catch (SqliteException e)
        {
            throw Explain(SqliteCopy.PathFor(file.Path), e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"{SqliteCopy.PathFor(file.Path)}: can't be made: {e.Message}", StoreFile.IsNoSpace(e), e);
        }
    }

    /// <summary>The newest <paramref name="limit"/> lines, oldest first; for tests.</summary>
    internal IReadOnlyList<StoreChange.AppendAudit> ReadAudit(int limit) => AuditRows.Newest(connection, "audit", limit);

    /// <summary>What start-up costs does not grow with the claims that ended: only the newest are read.</summary>
    private List<Claim> ReadClaims()
    {
        var claims = new List<Claim>();
        ReadAll(connection.Keep(ClaimRows.SelectStanding));
        ReadAll(connection.Keep(ClaimRows.SelectEnded).Bind(1, MostEnded));
        return [.. claims.OrderBy(c => c.Created).ThenBy(c => c.Id)];

        void ReadAll(SqliteStatement rows)
        {
            while (rows.Step())
            {
                claims.Add(ReadRow(rows, "claims", ClaimRows.Read));
            }
        }
    }

    private Dictionary<GuestId, DateTimeOffset> ReadGuestStarts()
    {
        var starts = new Dictionary<GuestId, DateTimeOffset>();
        var rows = connection.Keep("SELECT guest, since FROM guest_starts");
        while (rows.Step())
        {
            var (guest, since) = ReadRow(rows, "guest_starts", row => (StoredText.Guest(row.Text(0)), StoredText.Time(row.Text(1))));
            starts[guest] = since;
        }

        return starts;
    }

    private List<Answer> ReadAnswers()
    {
        var answers = new List<Answer>();
        var rows = AnswerRows.Exist(connection) ? connection.Keep($"SELECT {AnswerRows.Columns} FROM answers") : null;
        while (rows?.Step() == true)
        {
            answers.Add(ReadRow(rows, "answers", AnswerRows.Read));
        }

        return answers;
    }

    private T ReadRow<T>(SqliteStatement row, string table, Func<SqliteStatement, T> read)
    {
        try
        {
            return read(row);
        }
        catch (FormatException e)
        {
            var name = row.TextOrNull(0) ?? "";
            throw new StoreException($"{file.Path}: table {table}, row {name}: {e.Message}. {StoreFile.LeftAsIs}", inner: e);
        }
    }
}
