// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store;

namespace UsbHostd.Tests.Store;

/// <summary>What ended, was done or was refused stays for a while, and no longer.</summary>
[TestFixture]
internal sealed class StoreRetentionTests
{
    private static readonly RetentionLimits Few = new(
        new Retained(TimeSpan.FromDays(30), 100), new Retained(TimeSpan.FromDays(400), 100), new Retained(TimeSpan.FromDays(30), 100));

    private StoreFolder folder = null!;
    private SqliteClaimStore store = null!;

    [SetUp]
    public void SetUp()
    {
        folder = new StoreFolder();
        store = folder.Open(StoreSchema.Migrations, retained: Few);
        _ = store.Load();
    }

    [TearDown]
    public void TearDown()
    {
        store.Dispose();
        folder.Dispose();
    }

    [Test]
    public void Commit_ClaimsThatEndedTooLongAgo_Go()
    {
        store.Commit([Ended(1, days: 31), Ended(2, days: 29), new StoreChange.PutClaim(StoreFolder.Claim(3) with { Created = StoreFolder.Now.AddDays(-1000) })]);

        Assert.That(Ids(), Is.EquivalentTo([2, 3]));
    }

    [Test]
    public void Commit_TooManyEndedClaims_TheOldestGo()
    {
        store.Commit([.. Enumerable.Range(0, 150).Select(n => new StoreChange.PutClaim(StoreFolder.Claim(n) with { Released = StoreFolder.Now.AddSeconds(n) }))]);

        Assert.That(Ids(), Is.EquivalentTo(Enumerable.Range(50, 100)));
    }

    [Test]
    public void Commit_ManyMoreThanAreKept_GoInBoundedBatches()
    {
        store.Commit([.. Enumerable.Range(0, 100 + StoreRetention.Batch + 7).Select(n => Ended(n, days: 1))]);
        Assert.That(Count("claims"), Is.EqualTo(107));

        store.Commit([.. Enumerable.Range(0, StoreRetention.RowsBetween).Select(n => Ended(5000 + n, days: 1))]);

        Assert.That(Count("claims"), Is.EqualTo(100));
    }

    [TestCase("ok", "audit")]
    [TestCase("ErrorNotAllowed", "refusals")]
    public void Commit_TooManyLines_TheOldestGo(string outcome, string table)
    {
        store.Commit([.. Enumerable.Range(0, 150).Select(n => Line(n, outcome))]);

        Assert.That(AuditRows.Newest(store.Connection, table, 1000).Select(l => l.Subject), Is.EqualTo(Enumerable.Range(50, 100).Select(n => $"c{n}")));
    }

    [TestCase("ok", "audit", 401)]
    [TestCase("ErrorNotAllowed", "refusals", 31)]
    public void Commit_LinesThatAreTooOld_Go(string outcome, string table, int days)
    {
        store.Commit([Line(1, outcome, days), Line(2, outcome, days - 2), Line(3, outcome)]);

        Assert.That(AuditRows.Newest(store.Connection, table, 1000).Select(l => l.Subject), Is.EqualTo(["c2", "c3"]));
    }

    [Test]
    public void Commit_RefusalsWithoutEnd_PushOutNothingThatWasDone()
    {
        store.Commit([Line(1, "ok")]);

        for (var i = 0; i < 5; i++)
        {
            store.Commit([.. Enumerable.Range(0, 100).Select(n => Line(n, "ErrorNotAllowed"))]);
        }

        Assert.That((Count("audit"), Count("refusals")), Is.EqualTo((1, 100)));
    }

    [Test]
    public void Commit_OldRowsCannotBeDeleted_IsStoredAllTheSame()
    {
        store.Connection.Execute("CREATE TRIGGER stubborn BEFORE DELETE ON claims BEGIN SELECT RAISE(ABORT, 'no'); END;");

        store.Commit([Ended(1, days: 31)]);

        Assert.That(Ids(), Is.EqualTo([1]));
    }

    private static StoreChange.PutClaim Ended(int number, int days) => new(StoreFolder.Claim(number) with { Released = StoreFolder.Now.AddDays(-days) });

    private static StoreChange.AppendAudit Line(int number, string outcome, int days = 0) =>
        new(StoreFolder.Now.AddDays(-days), "uid:1000", "grpc", "claim-create", $"c{number}", outcome, "");

    private IEnumerable<int> Ids() => Enumerable.Range(0, 200).Where(n => store.Find(StoreFolder.Claim(n).Id) is not null);

    private int Count(string table) => int.Parse(store.Connection.Scalar($"SELECT count(*) FROM {table}")!, System.Globalization.CultureInfo.InvariantCulture);
}
