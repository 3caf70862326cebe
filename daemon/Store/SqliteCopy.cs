// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Daemon.Store.Sqlite;

namespace UsbHostd.Daemon.Store;

/// <summary>
/// A copy by SQLite's own means (sqlite.org/backup.html), some pages at a time. It is made through the connection that also writes: SQLite then brings
/// what is written meanwhile into the copy, and never begins anew.
/// </summary>
internal sealed class SqliteCopy : IStoreCopy
{
    /// <summary>Pages of one step: a quarter of a megabyte.</summary>
    private const int PagesAtOnce = 64;

    private readonly string path;
    private readonly SqliteConnection target;
    private readonly SqliteBackupHandle backup;

    private SqliteCopy(string path, SqliteConnection target, SqliteBackupHandle backup)
    {
        this.path = path;
        this.target = target;
        this.backup = backup;
    }

    /// <summary>Where the copy of the database at <paramref name="database"/> is made. There is one at a time; one that a crash left is in nobody's way.</summary>
    public static string PathFor(string database) => database + ".copy";

    /// <exception cref="SqliteException">SQLite refuses.</exception>
    /// <exception cref="IOException">The file can't be made.</exception>
    public static SqliteCopy Begin(SqliteConnection source, string database)
    {
        var place = PathFor(database);
        File.Delete(place);
        using (new FileStream(place, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
            // SQLite would make it with the mode that the umask leaves.
        }

        SqliteConnection? made = null;
        try
        {
            made = SqliteConnection.Open(place);

            // What is half done when the power goes is nobody's copy.
            made.Execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;");
            return new SqliteCopy(place, made, SqliteBackupHandle.Begin(source, made));
        }
        catch
        {
            made?.Dispose();
            File.Delete(place);
            throw;
        }
    }

    /// <summary>For tests: how large the copy may become.</summary>
    internal SqliteConnection Target => target;

    public FileStream? Step()
    {
        try
        {
            if (!backup.Step(PagesAtOnce, target))
            {
                return null;
            }

            backup.Dispose();
            target.Dispose();
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1, useAsync: false);
        }
        catch (SqliteException e)
        {
            throw new StoreException($"{path}: the copy could not be made: {e.Message}", e.IsDiskFull, e);
        }
        catch (IOException e)
        {
            throw new StoreException($"{path}: the copy could not be read: {e.Message}", inner: e);
        }
    }

    public void Dispose()
    {
        backup.Dispose();
        target.Dispose();
        File.Delete(path);
    }
}
