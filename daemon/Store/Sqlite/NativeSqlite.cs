// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace UsbHostd.Daemon.Store.Sqlite;

/// <summary>The functions of libsqlite3.so.0 that the store needs (sqlite3.h). Used from one thread at a time.</summary>
internal static unsafe partial class NativeSqlite
{
    public const int Ok = 0;
    public const int ErrorCode = 1;
    public const int Busy = 5;
    public const int IoError = 10;
    public const int Corrupt = 11;
    public const int Full = 13;
    public const int Constraint = 19;
    public const int NotADatabase = 26;
    public const int Row = 100;
    public const int Done = 101;

    public const int OpenReadWrite = 0x2;
    public const int OpenNoMutex = 0x8000;
    public const uint PreparePersistent = 1;
    public const int TypeNull = 5;
    public const int ConfigNoCheckpointOnClose = 1006;

    /// <summary>SQLITE_TRANSIENT: SQLite takes its own copy before the call returns.</summary>
    public static readonly nint Transient = -1;

    private const string Library = "libsqlite3.so.0";

    /// <summary>Gives a handle that must be closed also where it fails.</summary>
    [LibraryImport(Library, EntryPoint = "sqlite3_open_v2", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, out SqliteConnectionHandle connection, int flags, nint vfs);

    /// <summary>The _v2 form waits for statements that are still open, so that finalizers may run in any order.</summary>
    [LibraryImport(Library, EntryPoint = "sqlite3_close_v2")]
    public static partial int Close(nint connection);

    /// <summary>
    /// Variadic in C; for SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE an int and an int*. On Linux, x86-64 and aarch64 pass these in the
    /// same registers whether or not the callee is variadic.
    /// </summary>
    [LibraryImport(Library, EntryPoint = "sqlite3_db_config")]
    public static partial int Configure(SqliteConnectionHandle connection, int option, int value, int* result);

    [LibraryImport(Library, EntryPoint = "sqlite3_busy_timeout")]
    public static partial int BusyTimeout(SqliteConnectionHandle connection, int milliseconds);

    [LibraryImport(Library, EntryPoint = "sqlite3_get_autocommit")]
    public static partial int IsAutocommit(SqliteConnectionHandle connection);

    /// <summary>Rows that the last INSERT, UPDATE or DELETE changed, without those of triggers.</summary>
    [LibraryImport(Library, EntryPoint = "sqlite3_changes")]
    public static partial int Changes(SqliteConnectionHandle connection);

    [LibraryImport(Library, EntryPoint = "sqlite3_extended_errcode")]
    public static partial int ExtendedErrorCode(SqliteConnectionHandle connection);

    [LibraryImport(Library, EntryPoint = "sqlite3_system_errno")]
    public static partial int SystemErrno(SqliteConnectionHandle connection);

    /// <summary>Borrowed: valid until the next call on the connection.</summary>
    [LibraryImport(Library, EntryPoint = "sqlite3_errmsg")]
    public static partial nint ErrorMessage(SqliteConnectionHandle connection);

    [LibraryImport(Library, EntryPoint = "sqlite3_prepare_v3")]
    public static partial int Prepare(
        SqliteConnectionHandle connection, byte* sql, int length, uint flags, out SqliteStatementHandle statement, byte** tail);

    [LibraryImport(Library, EntryPoint = "sqlite3_finalize")]
    public static partial int Finalize(nint statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_step")]
    public static partial int Step(SqliteStatementHandle statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_reset")]
    public static partial int Reset(SqliteStatementHandle statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_null")]
    public static partial int BindNull(SqliteStatementHandle statement, int index);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_int64")]
    public static partial int BindInteger(SqliteStatementHandle statement, int index, long value);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_text")]
    public static partial int BindText(SqliteStatementHandle statement, int index, byte* text, int length, nint destructor);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_type")]
    public static partial int ColumnType(SqliteStatementHandle statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_int64")]
    public static partial long ColumnInteger(SqliteStatementHandle statement, int column);

    /// <summary>Borrowed: valid until the next step, reset or conversion of the column.</summary>
    [LibraryImport(Library, EntryPoint = "sqlite3_column_text")]
    public static partial byte* ColumnText(SqliteStatementHandle statement, int column);

    /// <summary>Invalid where it fails; the reason is the target's.</summary>
    [LibraryImport(Library, EntryPoint = "sqlite3_backup_init")]
    public static partial SqliteBackupHandle BackupInit(SqliteConnectionHandle target, byte* targetName, SqliteConnectionHandle source, byte* sourceName);

    [LibraryImport(Library, EntryPoint = "sqlite3_backup_step")]
    public static partial int BackupStep(SqliteBackupHandle backup, int pages);

    [LibraryImport(Library, EntryPoint = "sqlite3_backup_finish")]
    public static partial int BackupFinish(nint backup);

    /// <summary>Length in bytes of what <see cref="ColumnText"/> has just given; call it after, never before.</summary>
    [LibraryImport(Library, EntryPoint = "sqlite3_column_bytes")]
    public static partial int ColumnBytes(SqliteStatementHandle statement, int column);
}

/// <summary>Owns one sqlite3_backup*; both connections must outlive it.</summary>
internal sealed unsafe class SqliteBackupHandle : SafeHandle
{
    public SqliteBackupHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    /// <exception cref="SqliteException">SQLite refuses; the reason is the target's.</exception>
    public static SqliteBackupHandle Begin(SqliteConnection source, SqliteConnection target)
    {
        fixed (byte* main = "main\0"u8)
        {
            var backup = NativeSqlite.BackupInit(target.Handle, main, source.Handle, main);
            return backup.IsInvalid ? throw target.Error(NativeSqlite.ErrorCode) : backup;
        }
    }

    /// <summary>Copies some pages; true when all are there.</summary>
    /// <exception cref="SqliteException">The target's disk is full or failing, or the source can't be read.</exception>
    public bool Step(int pages, SqliteConnection target) => NativeSqlite.BackupStep(this, pages) switch
    {
        NativeSqlite.Done => true,
        NativeSqlite.Ok => false,
        var code => throw Failed(code, target),
    };

    /// <summary>The end of a backup tells its target why.</summary>
    private SqliteException Failed(int code, SqliteConnection target)
    {
        Dispose();
        return target.Error(code);
    }

    protected override bool ReleaseHandle()
    {
        // It repeats the last step's error, which has been reported already.
        _ = NativeSqlite.BackupFinish(handle);
        return true;
    }
}

/// <summary>Owns one sqlite3*.</summary>
internal sealed class SqliteConnectionHandle : SafeHandle
{
    public SqliteConnectionHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => NativeSqlite.Close(handle) == NativeSqlite.Ok;
}

/// <summary>Owns one sqlite3_stmt*.</summary>
internal sealed class SqliteStatementHandle : SafeHandle
{
    public SqliteStatementHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        // It repeats the statement's last error, which has been reported already.
        _ = NativeSqlite.Finalize(handle);
        return true;
    }
}
