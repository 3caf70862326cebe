// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store.Sqlite;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Store;

/// <summary>
/// The tables that may be lost without changing who gets what. A damaged one is given up for this run of the daemon, and a row
/// that can't be read is passed over: neither keeps the claims from being served.
/// </summary>
internal sealed class MemoryTables(string path, ILogger logger)
{
    private readonly HashSet<string> givenUp = new(StringComparer.Ordinal);

    public StoredState ReadInto(SqliteConnection connection, StoredState state)
    {
        var devices = new List<RememberedDevice>();
        var labels = new Dictionary<DeviceId, string>();
        var guests = new Dictionary<Policy.Identity.GuestId, string>();
        var serials = new List<DeviceKey>();
        var verdicts = new List<StoredVerdict>();
        var quarantined = new Dictionary<ClaimId, string>();
        Read(connection, "memory_devices", "id, key, port_key, usb_id, serial, name, first_seen, last_seen", row => devices.Add(DeviceOf(row)));
        Read(connection, "memory_labels", "device, label", row => labels[StoredText.Device(row.Text(0))] = row.Text(1));
        Read(connection, "memory_guests", "guest, name", row => guests[StoredText.Guest(row.Text(0))] = row.Text(1));
        Read(connection, "memory_shared_serials", "key", row => serials.Add(DeviceKey.Parse(row.Text(0))));
        Read(connection, "memory_quarantine", "claim, reason", row => quarantined[ClaimId.Parse(row.Text(0))] = row.Text(1));
        if (HasVerdicts(connection))
        {
            Read(connection, "memory_verdicts", "plug, rules, place", row => verdicts.Add(VerdictOf(row)));
        }

        return state with
        {
            Devices = devices,
            Labels = labels,
            GuestNames = guests,
            SharedSerials = serials,
            Verdicts = verdicts,
            Quarantined = quarantined,
        };
    }

    /// <summary>The table that a change of memory goes to; null for claims, guest starts and the audit.</summary>
    public static string? TableOf(StoreChange change) => change switch
    {
        StoreChange.RememberDevice or StoreChange.ForgetDevice => "memory_devices",
        StoreChange.RememberLabel => "memory_labels",
        StoreChange.RememberGuest => "memory_guests",
        StoreChange.RememberSerialShared => "memory_shared_serials",
        StoreChange.RememberQuarantine => "memory_quarantine",
        StoreChange.RememberVerdict or StoreChange.ForgetVerdict => "memory_verdicts",
        _ => null,
    };

    public bool IsGivenUp(string table) => givenUp.Contains(table);

    public void GiveUp(string table, SqliteException reason)
    {
        if (givenUp.Add(table))
        {
            StoreLog.MemoryTableDamaged(logger, path, table, reason.Message);
        }
    }

    public static void Write(SqliteConnection connection, StoreChange change)
    {
        switch (change)
        {
            case StoreChange.RememberDevice { Device: var device }:
                WriteDevice(connection, device);
                break;
            case StoreChange.ForgetDevice forgotten:
                connection.Keep("DELETE FROM memory_devices WHERE id = ?1").Bind(1, forgotten.Device.ToString()).Run();
                break;
            case StoreChange.RememberLabel label:
                Put(connection, "memory_labels", "device", "label", label.Device.ToString(), label.Label);
                break;
            case StoreChange.RememberGuest guest:
                Put(connection, "memory_guests", "guest", "name", guest.Guest.ToString(), guest.Name);
                break;
            case StoreChange.RememberSerialShared serial:
                connection.Keep(serial.Shared
                    ? "INSERT OR IGNORE INTO memory_shared_serials (key) VALUES (?1)"
                    : "DELETE FROM memory_shared_serials WHERE key = ?1").Bind(1, serial.Serial.Text).Run();
                break;
            case StoreChange.RememberQuarantine quarantine:
                Put(connection, "memory_quarantine", "claim", "reason", quarantine.Claim.ToString(), quarantine.Reason);
                break;
            case StoreChange.RememberVerdict { Verdict: var verdict }:
                connection.Keep("INSERT OR REPLACE INTO memory_verdicts (plug, rules, place) VALUES (?1, ?2, ?3)")
                    .Bind(1, verdict.Plug.ToString()).Bind(2, verdict.Rules).Bind(3, verdict.Place.ToString(CultureInfo.InvariantCulture)).Run();
                break;
            case StoreChange.ForgetVerdict forgotten:
                connection.Keep("DELETE FROM memory_verdicts WHERE plug = ?1").Bind(1, forgotten.Plug.ToString()).Run();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(change), change, "no memory table");
        }
    }

    /// <summary>Table and column names are constants of this class; a null value takes the row away.</summary>
    private static void Put(SqliteConnection connection, string table, string keyColumn, string valueColumn, string key, string? value)
    {
        if (value is null)
        {
            connection.Keep($"DELETE FROM {table} WHERE {keyColumn} = ?1").Bind(1, key).Run();
            return;
        }

        connection.Keep($"INSERT OR REPLACE INTO {table} ({keyColumn}, {valueColumn}) VALUES (?1, ?2)").Bind(1, key).Bind(2, value).Run();
    }

    private static void WriteDevice(SqliteConnection connection, RememberedDevice device) =>
        connection.Keep(
            """
            INSERT OR REPLACE INTO memory_devices (id, key, port_key, usb_id, serial, name, first_seen, last_seen)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """)
            .Bind(1, device.Id.ToString())
            .Bind(2, device.Key.Text)
            .Bind(3, device.PortKey.Text)
            .Bind(4, device.UsbId.ToString())
            .Bind(5, device.Serial)
            .Bind(6, device.Name)
            .Bind(7, StoredText.Of(device.FirstSeen))
            .Bind(8, StoredText.Of(device.LastSeen))
            .Run();

    private static RememberedDevice DeviceOf(SqliteStatement row) => new(
        StoredText.Device(row.Text(0)), DeviceKey.Parse(row.Text(1)), DeviceKey.Parse(row.Text(2)), StoredText.UsbIdOf(row.Text(3)),
        row.TextOrNull(4), row.Text(5), StoredText.Time(row.Text(6)), StoredText.Time(row.Text(7)));

    /// <summary>Not before its migration.</summary>
    private static bool HasVerdicts(SqliteConnection connection) =>
        connection.Scalar("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'memory_verdicts'") is not null;

    private static StoredVerdict VerdictOf(SqliteStatement row) => new(
        StoredText.Plug(row.Text(0)), row.Text(1),
        int.TryParse(row.Text(2), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var place) ? place : throw new FormatException("not a rule's place"));

    private void Read(SqliteConnection connection, string table, string columns, Action<SqliteStatement> add)
    {
        try
        {
            using var rows = connection.Prepare($"SELECT {columns} FROM {table}");
            while (rows.Step())
            {
                try
                {
                    add(rows);
                }
                catch (FormatException e)
                {
                    StoreLog.MemoryRowSkipped(logger, path, table, rows.TextOrNull(0) ?? "", e.Message);
                }
            }
        }
        catch (SqliteException e) when (e.IsDamage)
        {
            GiveUp(table, e);
        }
    }
}
