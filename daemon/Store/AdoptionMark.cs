// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Daemon.Store.Sqlite;

namespace UsbHostd.Daemon.Store;

/// <summary>The row of the table <c>adoption</c>: what guests held when the database was made has not been adopted yet.</summary>
internal static class AdoptionMark
{
    public static bool IsThere(SqliteConnection connection) =>
        connection.Scalar("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'adoption'") is not null
        && connection.Scalar("SELECT pending FROM adoption") is not null;

    public static void Remove(SqliteConnection connection) => connection.Keep("DELETE FROM adoption").Run();
}
