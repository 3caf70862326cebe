// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Daemon.Store.Sqlite;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Daemon.Store;

/// <summary>A claim as a row of the table <c>claims</c>.</summary>
internal static class ClaimRows
{
    private const string Columns =
        "id, target, guest, follows, ids, mode, lifetime, origin, owner, door, request_id, guest_reset, override_reason, "
        + "force_reason, lifetime_plug, lifetime_run, hold, created, released, uid, gids, request_device, request_digest, mover_uid, mover_gids";

    /// <summary>Claims that stand.</summary>
    public const string SelectStanding = $"SELECT {Columns} FROM claims WHERE released IS NULL";

    /// <summary>The claims that ended last, newest first; ?1 is how many.</summary>
    public const string SelectEnded = $"SELECT {Columns} FROM claims WHERE released IS NOT NULL ORDER BY released DESC, id DESC LIMIT ?1";

    /// <summary>?1 is its id.</summary>
    public const string SelectOne = $"SELECT {Columns} FROM claims WHERE id = ?1";

    /// <summary>Not INSERT OR REPLACE: that would delete another claim which has the same owner and request id.</summary>
    public const string Upsert =
        $"""
        INSERT INTO claims ({Columns})
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)
        ON CONFLICT (id) DO UPDATE SET
            target = excluded.target, guest = excluded.guest, follows = excluded.follows, ids = excluded.ids,
            mode = excluded.mode, lifetime = excluded.lifetime, origin = excluded.origin, owner = excluded.owner,
            door = excluded.door, request_id = excluded.request_id, guest_reset = excluded.guest_reset,
            override_reason = excluded.override_reason, force_reason = excluded.force_reason,
            lifetime_plug = excluded.lifetime_plug, lifetime_run = excluded.lifetime_run, hold = excluded.hold,
            created = excluded.created, released = excluded.released, uid = excluded.uid, gids = excluded.gids,
            request_device = excluded.request_device, request_digest = excluded.request_digest,
            mover_uid = excluded.mover_uid, mover_gids = excluded.mover_gids
        """;

    /// <summary>
    /// A request id is good for as long as memory has its claim, and memory alone decides that. A new claim with the same request id means that
    /// memory has forgotten the ended one, so its row gives the request id up.
    /// </summary>
    public const string ForgetRequest =
        "UPDATE claims SET request_id = NULL WHERE owner = ?1 AND request_id = ?2 AND id <> ?3 AND released IS NOT NULL";

    public static void Bind(SqliteStatement row, Claim claim) =>
        row.Bind(1, claim.Id.ToString())
            .Bind(2, StoredText.Target.Of(claim.Target))
            .Bind(3, claim.Guest.ToString())
            .Bind(4, claim.Follows.Text)
            .Bind(5, StoredText.Of(claim.Ids))
            .Bind(6, StoredText.Mode.Of(claim.Mode))
            .Bind(7, StoredText.Lifetime.Of(claim.Lifetime))
            .Bind(8, StoredText.Origin.Of(claim.Origin))
            .Bind(9, claim.Owner)
            .Bind(10, claim.Door)
            .Bind(11, claim.RequestId)
            .Bind(12, StoredText.GuestReset.Of(claim.GuestReset))
            .Bind(13, claim.OverrideReason)
            .Bind(14, claim.ForceReason)
            .Bind(15, claim.LifetimePlug?.ToString())
            .Bind(16, claim.LifetimeRun?.ToString())
            .Bind(17, StoredText.Hold.Of(claim.Hold))
            .Bind(18, StoredText.Of(claim.Created))
            .Bind(19, claim.Released is { } released ? StoredText.Of(released) : null)
            .Bind(20, claim.Uid is { } uid ? StoredText.Of(uid) : null)
            .Bind(21, claim.Uid is null ? null : StoredText.Of(claim.Gids))
            .Bind(22, claim.Request?.Device)
            .Bind(23, claim.Request?.Digest)
            .Bind(24, claim.MoverUid is { } mover ? StoredText.Of(mover) : null)
            .Bind(25, claim.MoverUid is null ? null : StoredText.Of(claim.MoverGids));

    /// <exception cref="FormatException">A column holds what no version of this schema writes.</exception>
    public static Claim Read(SqliteStatement row) => new()
    {
        Id = ClaimId.Parse(row.Text(0)),
        Target = StoredText.Target.Read(row.Text(1)),
        Guest = StoredText.Guest(row.Text(2)),
        Follows = DeviceKey.Parse(row.Text(3)),
        Ids = StoredText.UsbIds(row.Text(4)),
        Mode = StoredText.Mode.Read(row.Text(5)),
        Lifetime = StoredText.Lifetime.Read(row.Text(6)),
        Origin = StoredText.Origin.Read(row.Text(7)),
        Owner = row.Text(8),
        Door = row.Text(9),
        RequestId = row.TextOrNull(10),
        GuestReset = StoredText.GuestReset.Read(row.Text(11)),
        OverrideReason = row.TextOrNull(12),
        ForceReason = row.TextOrNull(13),
        LifetimePlug = row.TextOrNull(14) is { } plug ? StoredText.Plug(plug) : null,
        LifetimeRun = row.TextOrNull(15) is { } run ? StoredText.Run(run) : null,
        Hold = StoredText.Hold.Read(row.Text(16)),
        Created = StoredText.Time(row.Text(17)),
        Released = row.TextOrNull(18) is { } released ? StoredText.Time(released) : null,
        Uid = row.TextOrNull(19) is { } uid ? StoredText.Number(uid) : null,
        Gids = StoredText.Numbers(row.TextOrNull(20) ?? ""),
        Request = row.TextOrNull(21) is { } device && row.TextOrNull(22) is { } digest ? new RequestPrint(device, digest) : null,
        MoverUid = row.TextOrNull(23) is { } mover ? StoredText.Number(mover) : null,
        MoverGids = StoredText.Numbers(row.TextOrNull(24) ?? ""),
    };
}
