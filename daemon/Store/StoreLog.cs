// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Store;

/// <summary>Event ids 1200 to 1249.</summary>
internal static partial class StoreLog
{
    [LoggerMessage(1200, LogLevel.Information, "opened {File}, schema {Version}: {Claims} claims")]
    public static partial void Opened(ILogger logger, string file, string version, int claims);

    [LoggerMessage(1201, LogLevel.Information, "{File}: taken from schema {From} to {To}")]
    public static partial void Migrated(ILogger logger, string file, int from, int to);

    [LoggerMessage(1202, LogLevel.Warning,
        "{File}: table {Table} is damaged ({Reason}); what it remembers isn't used or kept until the database is replaced, claims are not affected")]
    public static partial void MemoryTableDamaged(ILogger logger, string file, string table, string reason);

    [LoggerMessage(1203, LogLevel.Warning, "{File}: table {Table}, row {Row}: {Reason}; the row is passed over, claims are not affected")]
    public static partial void MemoryRowSkipped(ILogger logger, string file, string table, string row, string reason);

    [LoggerMessage(1204, LogLevel.Warning, "{File}: old claims and audit lines could not be deleted ({Reason}); nothing else is affected, and it is tried again later")]
    public static partial void NotTrimmed(ILogger logger, string file, string reason);
}
