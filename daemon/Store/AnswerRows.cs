// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Daemon.Store.Sqlite;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Store;

/// <summary>An answer as a row of the table <c>answers</c>.</summary>
internal static class AnswerRows
{
    public const string Columns = "id, follows, usb_id, guest, remembered, plug, owner, uid, gids, door, at";

    /// <summary>Whether there is the table: not before its migration.</summary>
    public static bool Exist(SqliteConnection connection) => connection.Scalar("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'answers'") is not null;

    public static void Put(SqliteConnection connection, Answer answer) =>
        connection.Keep($"INSERT OR REPLACE INTO answers ({Columns}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")
            .Bind(1, answer.Id.ToString())
            .Bind(2, answer.Follows.Text)
            .Bind(3, answer.UsbId.ToString())
            .Bind(4, answer.Guest?.ToString())
            .Bind(5, answer.IsRemembered ? "yes" : "no")
            .Bind(6, answer.Plug.ToString())
            .Bind(7, answer.Owner)
            .Bind(8, StoredText.Of(answer.Uid))
            .Bind(9, StoredText.Of(answer.Gids))
            .Bind(10, answer.Door)
            .Bind(11, StoredText.Of(answer.At))
            .Run();

    public static void Drop(SqliteConnection connection, AnswerId answer) =>
        connection.Keep("DELETE FROM answers WHERE id = ?1").Bind(1, answer.ToString()).Run();

    /// <exception cref="FormatException">A field is not what was written.</exception>
    public static Answer Read(SqliteStatement row) => new()
    {
        Follows = DeviceKey.Parse(row.Text(1)),
        UsbId = StoredText.UsbIdOf(row.Text(2)),
        Guest = row.TextOrNull(3) is { } guest ? StoredText.Guest(guest) : null,
        IsRemembered = row.Text(4) == "yes",
        Plug = StoredText.Plug(row.Text(5)),
        Owner = row.Text(6),
        Uid = StoredText.Number(row.Text(7)),
        Gids = StoredText.Numbers(row.Text(8)),
        Door = row.Text(9),
        At = StoredText.Time(row.Text(10)),
    };
}
