// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store;
using UsbHostd.Daemon.Store.Sqlite;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Tests.Store;

/// <summary>A folder of its own with a real database in it.</summary>
internal sealed class StoreFolder : IDisposable
{
    public static readonly DateTimeOffset Now = new(2025, 3, 4, 5, 6, 7, TimeSpan.Zero);

    public StoreFolder()
    {
        Root = Directory.CreateTempSubdirectory("usbhostd-store-").FullName;
        File = Path.Combine(Root, "usbhostd.db");
    }

    public string Root { get; }

    public string File { get; }

    public SqliteClaimStore Open() => Open(StoreSchema.Migrations);

    public SqliteClaimStore Open(IReadOnlyList<string> migrations, string? file = null, ILogger? logger = null, RetentionLimits? retained = null) =>
        SqliteClaimStore.Open(file ?? File, new FixedTime(Now), logger ?? NullLogger.Instance, migrations, retained);

    /// <summary>Makes a database with these changes in it, and closes it.</summary>
    public StoreFolder With(params StoreChange[] changes)
    {
        using var store = Open();
        _ = store.Load();
        store.Commit(changes);
        return this;
    }

    /// <summary>What somebody with the sqlite3 shell would do while the daemon is stopped.</summary>
    public StoreFolder Execute(string sql)
    {
        using var connection = SqliteConnection.Open(File);
        connection.Execute(sql);
        return this;
    }

    /// <summary>A database of an earlier version of the schema with these claims in it, as that version wrote them.</summary>
    public StoreFolder Old(int version, params Claim[] claims)
    {
        Open([.. StoreSchema.Migrations.Take(version)]).Dispose();
        foreach (var claim in claims)
        {
            Execute(
                $"""
                INSERT INTO claims (id, target, guest, follows, ids, mode, lifetime, origin, owner, door, request_id, guest_reset, override_reason, hold, created, released)
                VALUES ('{claim.Id}', 'guest', '{claim.Guest}', '{claim.Follows.Text}', '{StoredText.Of(claim.Ids)}', 'hostdev', 'forever', 'explicit', '{claim.Owner}',
                    'grpc', {Quoted(claim.RequestId)}, 'off', {Quoted(claim.OverrideReason)}, 'none', '{StoredText.Of(claim.Created)}',
                    {Quoted(claim.Released is { } at ? StoredText.Of(at) : null)})
                """);
        }

        return this;

        static string Quoted(string? text) => text is null ? "NULL" : $"'{text}'";
    }

    public StoredState Reload(string? file = null)
    {
        using var store = Open(StoreSchema.Migrations, file);
        return store.Load();
    }

    /// <summary>Every file but the lock, by name, with all its bytes.</summary>
    public Dictionary<string, string> Snapshot() =>
        Directory.GetFiles(Root).Where(f => !f.EndsWith(".lock", StringComparison.Ordinal))
            .ToDictionary(f => Path.GetFileName(f), f => Convert.ToBase64String(System.IO.File.ReadAllBytes(f)), StringComparer.Ordinal);

    public static Claim Claim(int number, string? requestId = null, string owner = "uid:1000") => new()
    {
        Id = ClaimId.Of(new Guid(number, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])),
        Guest = new GuestId(new Guid(number, 1, 0, [1, 2, 3, 4, 5, 6, 7, 8])),
        Follows = DeviceKey.Serial(new UsbId(0x0951, 0x1666), $"SN-{number}"),
        Ids = [new UsbId(0x0951, 0x1666)],
        Owner = owner,
        Door = "grpc",
        RequestId = requestId,
        Created = Now.AddSeconds(number),
    };

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

internal sealed class FixedTime(DateTimeOffset now) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => now;
}

/// <summary>Keeps the messages of what was logged.</summary>
internal sealed class RecordingLogger : ILogger
{
    public List<(EventId Id, string Message)> Entries { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Entries.Add((eventId, formatter(state, exception)));
}
