// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store;
using UsbHostd.Daemon.Store.Sqlite;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Tests.Store;

/// <summary>Power cuts, full disks and upgrades.</summary>
[TestFixture]
internal sealed class StoreCrashTests
{
    private StoreFolder folder = null!;

    [SetUp]
    public void SetUp() => folder = new StoreFolder();

    [TearDown]
    public void TearDown() => folder.Dispose();

    [Test]
    public void Migrate_FromBeforeThereWereRules_ClaimsThatStandPassPolicy()
    {
        folder.Old(1, StoreFolder.Claim(1), StoreFolder.Claim(2) with { Released = StoreFolder.Now }, StoreFolder.Claim(3) with { OverrideReason = "own" });

        var claims = folder.Reload().Claims.ToDictionary(c => c.Id, c => c.OverrideReason);

        Assert.That(claims[StoreFolder.Claim(1).Id], Is.Not.Empty.And.Not.Null);
        Assert.That(claims[StoreFolder.Claim(2).Id], Is.Null);
        Assert.That(claims[StoreFolder.Claim(3).Id], Is.EqualTo("own"));
    }

    [Test]
    public void Migrate_FromBeforeItWasKeptWhoAsked_ClaimsStayAndThatIsNotKnown()
    {
        folder.Old(3, StoreFolder.Claim(1, "r1"));

        var claim = folder.Reload().Claims.Single();

        Assert.That((claim.Owner, claim.RequestId, claim.Uid, claim.Gids.Length, claim.Request), Is.EqualTo(("uid:1000", "r1", (uint?)null, 0, (RequestPrint?)null)));
    }

    [Test]
    public void Load_FilesAsAKillLeavesThem_HasEveryCommitThatReturned()
    {
        using var store = folder.Open();
        _ = store.Load();
        for (var n = 1; n <= 20; n++)
        {
            store.Commit([new StoreChange.PutClaim(StoreFolder.Claim(n)), Audit(n)]);
            Assert.That(Reopened(n, wal => wal).Claims, Has.Count.EqualTo(n));
        }
    }

    [Test]
    public void Load_WalCutAnywhere_HasAPrefixOfWholeCommits()
    {
        using var store = folder.Open();
        _ = store.Load();
        for (var n = 1; n <= 8; n++)
        {
            store.Commit([
                new StoreChange.PutClaim(StoreFolder.Claim(n)), new StoreChange.PutGuestStart(StoreFolder.Claim(n).Guest, StoreFolder.Now),
            ]);
        }

        var length = (int)new FileInfo(folder.File + "-wal").Length;
        var counts = new List<int>();
        for (var cut = 0; cut <= length; cut += 997)
        {
            var keep = cut;
            var state = Reopened(cut, wal => wal[..keep]);
            Assert.That(state.GuestStarts, Has.Count.EqualTo(state.Claims.Count), "half a commit");
            Assert.That(
                state.Claims.Select(c => c.Id), Is.EqualTo(Enumerable.Range(1, state.Claims.Count).Select(n => StoreFolder.Claim(n).Id)), "a gap");
            counts.Add(state.Claims.Count);
        }

        Assert.That(counts, Is.Ordered);
        Assert.That(counts.Distinct().Count(), Is.GreaterThan(4));
    }

    [Test]
    public void Commit_DiskFull_SaysSoWritesNothingAndWorksAgain()
    {
        using (var store = folder.Open())
        {
            _ = store.Load();
            store.Commit([new StoreChange.PutClaim(StoreFolder.Claim(1))]);
            store.Connection.Execute($"PRAGMA max_page_count = {store.Connection.Scalar("PRAGMA page_count")}");

            var full = Assert.Throws<StoreException>(
                () => store.Commit([.. Enumerable.Range(2, 500).Select(n => new StoreChange.PutClaim(StoreFolder.Claim(n)))]));
            Assert.That(full.IsDiskFull, Is.True);
            Assert.That(full.Message, Does.StartWith(folder.File).And.Contain("no space left"));

            store.Connection.Execute("PRAGMA max_page_count = 1000000");
            store.Commit([new StoreChange.PutClaim(StoreFolder.Claim(1000))]);
        }

        Assert.That(folder.Reload().Claims.Select(c => c.Id), Is.EqualTo(new[] { StoreFolder.Claim(1).Id, StoreFolder.Claim(1000).Id }));
    }

    [TestCase(13, 0, true)]
    [TestCase(10 | (3 << 8), 28, true)]
    [TestCase(10 | (3 << 8), 122, true)]
    [TestCase(10 | (3 << 8), 5, false)]
    [TestCase(11, 0, false)]
    public void SqliteException_IsDiskFull_OnlyWhereSpaceOrQuotaIsOut(int code, int errno, bool expected) =>
        Assert.That(new SqliteException(code, errno, "x").IsDiskFull, Is.EqualTo(expected));

    [Test]
    public void Open_Version1Database_IsMigratedWithItsClaims()
    {
        folder.Old(1, StoreFolder.Claim(1));

        using (var store = folder.Open([StoreSchema.Migrations[0], "CREATE TABLE later (x TEXT); ALTER TABLE audit ADD COLUMN later TEXT;"]))
        {
            Assert.That(store.Connection.Scalar("SELECT count(*) FROM claims"), Is.EqualTo("1"));
            Assert.That(store.Connection.Scalar("PRAGMA user_version"), Is.EqualTo("2"));
        }

        Assert.That(Assert.Throws<StoreException>(() => folder.Open([StoreSchema.Migrations[0]])).Message, Does.Contain("newer"));
    }

    [Test]
    public void Open_DatabaseOfBeforeVerdictsWereKept_IsMigratedAndKeepsThem()
    {
        folder.Old(StoreSchema.Migrations.TakeWhile(m => !m.Contains("memory_verdicts", StringComparison.Ordinal)).Count(), StoreFolder.Claim(1));
        var verdict = new StoredVerdict(PlugToken.Of("boot", "/devices/x", 17), "0a1b", 2);
        folder.With(new StoreChange.RememberVerdict(verdict));

        var state = folder.Reload();
        Assert.That((state.Claims.Count, state.Verdicts.Single()), Is.EqualTo((1, verdict)));
    }

    [Test]
    public void Open_MigrationThatFails_LeavesTheVersionBefore()
    {
        folder.With(new StoreChange.PutClaim(StoreFolder.Claim(1)));

        Assert.Throws<StoreException>(() => folder.Open([.. StoreSchema.Migrations, "CREATE TABLE later (x TEXT); SELECT nonsense;"]));

        using var store = folder.Open();
        Assert.That(store.Load().Claims, Has.Count.EqualTo(1));
        Assert.That(store.Connection.Scalar("SELECT count(*) FROM sqlite_master WHERE name = 'later'"), Is.EqualTo("0"));
    }

    [Test]
    public void Open_VersionInTheHeader_IsNeverBehindTheWal()
    {
        using var store = folder.Open();
        var copy = Path.Combine(folder.Root, "header");
        File.Copy(folder.File, copy);

        Assert.That(File.ReadAllBytes(copy)[63], Is.EqualTo(StoreSchema.Migrations.Count));
    }

    [Test]
    public void Open_EmptyFileOfAnEarlyKill_IsANewDatabase()
    {
        File.WriteAllBytes(folder.File, []);

        Assert.That(folder.Reload().Claims, Is.Empty);
    }

    [Test]
    public void Dispose_AfterLoad_LeavesOneFile()
    {
        folder.With(new StoreChange.PutClaim(StoreFolder.Claim(1)));

        Assert.That(folder.Snapshot().Keys.Single(), Is.EqualTo("usbhostd.db"));
    }

    /// <summary>What is found after the process ended here, with the WAL as <paramref name="cut"/> leaves it.</summary>
    private StoredState Reopened(int name, Func<byte[], byte[]> cut)
    {
        var copy = Path.Combine(folder.Root, $"copy-{name}.db");
        File.Copy(folder.File, copy);
        using (var wal = new FileStream(folder.File + "-wal", FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
        {
            var bytes = new byte[wal.Length];
            wal.ReadExactly(bytes);
            File.WriteAllBytes(copy + "-wal", cut(bytes));
        }

        return folder.Reload(copy);
    }

    private static StoreChange.AppendAudit Audit(int n) => new(StoreFolder.Now, "usbhostd", "startup", "attach", $"c{n}", "ok", "");
}
