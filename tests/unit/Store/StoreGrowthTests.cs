// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store;

namespace UsbHostd.Tests.Store;

/// <summary>What a start reads does not grow with the claims that ended.</summary>
[TestFixture]
internal sealed class StoreGrowthTests
{
    private StoreFolder folder = null!;

    [SetUp]
    public void SetUp() => folder = new StoreFolder();

    [TearDown]
    public void TearDown() => folder.Dispose();

    [Test]
    public void Load_ManyEndedClaims_GivesTheNewestAndAllThatStand()
    {
        var most = SqliteClaimStore.MostEnded;
        folder.With([.. Enumerable.Range(0, most + 50).Select(n => new StoreChange.PutClaim(StoreFolder.Claim(n) with { Released = StoreFolder.Now.AddSeconds(n) }))])
            .With(new StoreChange.PutClaim(StoreFolder.Claim(-1)));

        var claims = folder.Reload().Claims;

        Assert.That(claims.Where(c => c.Released is null).Select(c => c.Id), Is.EqualTo([StoreFolder.Claim(-1).Id]));
        Assert.That(claims.Where(c => c.Released is not null).Select(c => c.Id), Is.EquivalentTo(Enumerable.Range(50, most).Select(n => StoreFolder.Claim(n).Id)));
    }

    [Test]
    public void Find_EndedClaimThatIsNotLoaded_IsGivenAsItWasPut()
    {
        var old = StoreFolder.Claim(0) with { Released = StoreFolder.Now.AddDays(-1) };
        folder.With(
            [new StoreChange.PutClaim(old), .. Enumerable.Range(1, SqliteClaimStore.MostEnded).Select(n => new StoreChange.PutClaim(StoreFolder.Claim(n) with { Released = StoreFolder.Now }))]);
        using var store = folder.Open();

        Assume.That(store.Load().Claims.Select(c => c.Id), Has.No.Member(old.Id));
        Assert.That((store.Find(old.Id)?.Released, store.Find(StoreFolder.Claim(-1).Id)), Is.EqualTo((old.Released, (Claim?)null)));
    }

    [TestCase(nameof(ClaimRows.SelectStanding), ClaimRows.SelectStanding)]
    [TestCase(nameof(ClaimRows.SelectEnded), ClaimRows.SelectEnded)]
    public void Load_Plan_GoesByTheIndexAndSortsNothing(string name, string sql)
    {
        using var store = folder.Open();
        using var plan = store.Connection.Prepare("EXPLAIN QUERY PLAN " + sql);
        var steps = new List<string>();
        while (plan.Step())
        {
            steps.Add(plan.Text(3));
        }

        Assert.That(steps, Has.Count.EqualTo(1), name);
        Assert.That(steps[0], Does.Contain("INDEX claims_released"));
    }
}
