// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Store;

/// <summary>
/// The schema as an ordered list of migrations: the n-th script takes user_version from n - 1 to n. A script that has been
/// released is never changed; a change of the schema is a further script.
/// </summary>
internal static class StoreSchema
{
    /// <summary>application_id of the file's header (sqlite.org/fileformat2.html, offset 68): "UHst".</summary>
    public const int ApplicationId = 0x55487374;

    public static IReadOnlyList<string> Migrations { get; } = [Version1, Version2, Version3, Version4, Version5, Version6, Version7, Version8];

    /// <summary>
    /// Times are UTC text, fixed in length, so that they sort and a person can read them. Rows of claims stay after release.
    /// A BEFORE trigger sees seq -1 where SQLite is to choose it; without the third one INSERT OR REPLACE would get past the
    /// trigger on DELETE.
    /// </summary>
    private const string Version1 =
        """
        CREATE TABLE claims (
            id TEXT NOT NULL PRIMARY KEY,
            target TEXT NOT NULL,
            guest TEXT NOT NULL,
            follows TEXT NOT NULL,
            ids TEXT NOT NULL,
            mode TEXT NOT NULL,
            lifetime TEXT NOT NULL,
            origin TEXT NOT NULL,
            owner TEXT NOT NULL,
            door TEXT NOT NULL,
            request_id TEXT,
            guest_reset TEXT NOT NULL,
            override_reason TEXT,
            force_reason TEXT,
            lifetime_plug TEXT,
            lifetime_run TEXT,
            hold TEXT NOT NULL,
            created TEXT NOT NULL,
            released TEXT,
            UNIQUE (owner, request_id)
        ) WITHOUT ROWID;

        CREATE TABLE guest_starts (
            guest TEXT NOT NULL PRIMARY KEY,
            since TEXT NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE memory_devices (
            id TEXT NOT NULL PRIMARY KEY,
            key TEXT NOT NULL,
            port_key TEXT NOT NULL,
            usb_id TEXT NOT NULL,
            serial TEXT,
            name TEXT NOT NULL,
            first_seen TEXT NOT NULL,
            last_seen TEXT NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE memory_labels (
            device TEXT NOT NULL PRIMARY KEY,
            label TEXT NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE memory_guests (
            guest TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE memory_shared_serials (
            key TEXT NOT NULL PRIMARY KEY
        ) WITHOUT ROWID;

        CREATE TABLE memory_quarantine (
            claim TEXT NOT NULL PRIMARY KEY,
            reason TEXT NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE audit (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            caller TEXT NOT NULL,
            door TEXT NOT NULL,
            verb TEXT NOT NULL,
            subject TEXT NOT NULL,
            outcome TEXT NOT NULL,
            detail TEXT NOT NULL
        );

        CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

        CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

        CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
        WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)
        BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
        """;

    /// <summary>
    /// Claims of a time when no rule was needed go on without one: an upgrade detaches nothing.
    /// </summary>
    private const string Version2 =
        """
        UPDATE claims SET override_reason = 'claimed before there were rules' WHERE released IS NULL AND override_reason IS NULL;
        """;

    /// <summary>What people answered where a rule says ask.</summary>
    private const string Version3 =
        """
        CREATE TABLE answers (
            id TEXT NOT NULL PRIMARY KEY,
            follows TEXT NOT NULL,
            usb_id TEXT NOT NULL,
            guest TEXT,
            remembered TEXT NOT NULL,
            plug TEXT NOT NULL,
            owner TEXT NOT NULL,
            uid TEXT NOT NULL,
            gids TEXT NOT NULL,
            door TEXT NOT NULL,
            at TEXT NOT NULL
        ) WITHOUT ROWID;
        """;

    /// <summary>
    /// That a database is new outlives a start which saw no guests. A database in which nothing was ever done has no audit, and that stays so
    /// where the daemon dies between two migrations.
    /// </summary>
    private const string Version4 =
        """
        CREATE TABLE adoption (pending TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
        INSERT INTO adoption (pending) SELECT 'yes' WHERE NOT EXISTS (SELECT 1 FROM audit);
        """;

    /// <summary>
    /// Who made a claim, for rules with owner or group, and what the request said. Of claims from before neither is known, and they pass as they did: an
    /// upgrade detaches nothing.
    /// </summary>
    private const string Version5 =
        """
        ALTER TABLE claims ADD COLUMN uid TEXT;
        ALTER TABLE claims ADD COLUMN gids TEXT;
        ALTER TABLE claims ADD COLUMN request_device TEXT;
        ALTER TABLE claims ADD COLUMN request_digest TEXT;
        """;

    /// <summary>What was decided for plugs where conditions had a say; memory.</summary>
    private const string Version6 =
        """
        CREATE TABLE memory_verdicts (
            plug TEXT NOT NULL PRIMARY KEY,
            rules TEXT NOT NULL,
            place TEXT NOT NULL
        ) WITHOUT ROWID;
        """;

    /// <summary>
    /// Ended claims are found by their age. Refusals have a table of their own, so that a caller who is refused without end pushes out no line about
    /// what was done. The oldest lines of both may be deleted, and no others: a line in the middle can't be taken out.
    /// </summary>
    private const string Version7 =
        """
        CREATE INDEX claims_released ON claims (released);

        CREATE TABLE refusals (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            caller TEXT NOT NULL,
            door TEXT NOT NULL,
            verb TEXT NOT NULL,
            subject TEXT NOT NULL,
            outcome TEXT NOT NULL,
            detail TEXT NOT NULL
        );

        DROP TRIGGER audit_no_delete;

        CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
        WHEN EXISTS (SELECT 1 FROM audit WHERE seq < OLD.seq)
        BEGIN SELECT RAISE(ABORT, 'audit is append-only: only its oldest line may go'); END;

        CREATE TRIGGER refusals_no_update BEFORE UPDATE ON refusals
        BEGIN SELECT RAISE(ABORT, 'refusals is append-only'); END;

        CREATE TRIGGER refusals_no_delete BEFORE DELETE ON refusals
        WHEN EXISTS (SELECT 1 FROM refusals WHERE seq < OLD.seq)
        BEGIN SELECT RAISE(ABORT, 'refusals is append-only: only its oldest line may go'); END;

        CREATE TRIGGER refusals_no_replace BEFORE INSERT ON refusals
        WHEN EXISTS (SELECT 1 FROM refusals WHERE seq = NEW.seq)
        BEGIN SELECT RAISE(ABORT, 'refusals is append-only'); END;
        """;

    /// <summary>Who moved a claim last, for rules with owner or group. Of moves from before it is not known, and they pass as they did.</summary>
    private const string Version8 =
        """
        ALTER TABLE claims ADD COLUMN mover_uid TEXT;
        ALTER TABLE claims ADD COLUMN mover_gids TEXT;
        """;
}
