// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Store.Sqlite;

/// <summary>SQLite refused a call; read from the connection at once, before anything else ran on it.</summary>
internal sealed class SqliteException : Exception
{
    private const int NoSpace = 28;
    private const int QuotaExceeded = 122;

    /// <param name="code">Extended result code (sqlite.org/rescode.html); its low byte is the primary one.</param>
    /// <param name="errno">Of the system call that failed; 0 where none did.</param>
    public SqliteException(int code, int errno, string message)
        : base($"{message} (SQLite {code}{(errno == 0 ? "" : $", errno {errno}")})")
    {
        Code = code & 0xff;
        Errno = errno;
    }

    /// <summary>Primary result code.</summary>
    public int Code { get; }

    public int Errno { get; }

    /// <summary>No space or no quota: SQLITE_FULL, or an I/O error that came from ENOSPC or EDQUOT.</summary>
    public bool IsDiskFull => Code == NativeSqlite.Full || (Code == NativeSqlite.IoError && Errno is NoSpace or QuotaExceeded);

    public bool IsDamage => Code is NativeSqlite.Corrupt or NativeSqlite.NotADatabase;

    public bool IsBusy => Code == NativeSqlite.Busy;
}
