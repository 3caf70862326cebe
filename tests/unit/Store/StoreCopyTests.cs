// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store;

namespace UsbHostd.Tests.Store;

/// <summary>A copy of the database that is made while it is written.</summary>
[TestFixture]
internal sealed class StoreCopyTests
{
    private StoreFolder folder = null!;
    private SqliteClaimStore store = null!;

    [SetUp]
    public void SetUp()
    {
        folder = new StoreFolder().With([.. Enumerable.Range(0, 2000).Select(n => new StoreChange.PutClaim(StoreFolder.Claim(n)))]);
        store = folder.Open();
        _ = store.Load();
    }

    [TearDown]
    public void TearDown()
    {
        store.Dispose();
        folder.Dispose();
    }

    [Test]
    public void Copy_OfADatabaseThatIsWritten_IsWholeAndHasAllThatWasCommitted()
    {
        using var copy = store.BeginCopy();
        var steps = 0;
        FileStream? file;
        while ((file = copy.Step()) is null)
        {
            store.Commit([new StoreChange.PutClaim(StoreFolder.Claim(5000 + steps)), new StoreChange.PutClaim(StoreFolder.Claim(steps) with { Released = StoreFolder.Now })]);
            steps++;
        }

        using var other = new StoreFolder();
        using (file)
        using (var to = File.Create(other.File))
        {
            file.CopyTo(to);
        }

        Assert.That(steps, Is.Positive, "it was made at once, and nothing was written meanwhile");
        Assert.That(
            other.Reload().Claims.Select(c => (c.Id, c.Released)),
            Is.EquivalentTo(Enumerable.Range(0, 2000).Select(n => (StoreFolder.Claim(n).Id, n < steps ? StoreFolder.Now : (DateTimeOffset?)null))
                .Concat(Enumerable.Range(5000, steps).Select(n => (StoreFolder.Claim(n).Id, (DateTimeOffset?)null)))));
    }

    [Test]
    public void Copy_Made_HasNoName()
    {
        using var copy = store.BeginCopy();
        using var file = Finished(copy);

        copy.Dispose();

        Assert.That(Directory.GetFiles(folder.Root).Select(Path.GetFileName), Has.None.Contains("copy"));
        Assert.That(file.ReadByte(), Is.EqualTo((int)'S'));
    }

    [Test]
    public void Copy_DiskIsFull_SaysSoAndLeavesNothing()
    {
        using (var copy = (SqliteCopy)store.BeginCopy())
        {
            copy.Target.Execute("PRAGMA max_page_count = 10");

            Assert.That(Assert.Throws<StoreException>(() => Finished(copy))!.IsDiskFull, Is.True);
        }

        Assert.That(Directory.GetFiles(folder.Root).Select(Path.GetFileName), Has.None.Contains("copy"));
        store.Commit([new StoreChange.PutClaim(StoreFolder.Claim(9000))]);
    }

    [Test]
    public void Copy_PlaceCannotBeUsed_SaysSo()
    {
        Directory.CreateDirectory(SqliteCopy.PathFor(folder.File));

        Assert.That(Assert.Throws<StoreException>(() => store.BeginCopy())!.Message, Does.Contain(SqliteCopy.PathFor(folder.File)));
    }

    [Test]
    public void Open_CopyThatACrashLeft_IsTakenAway()
    {
        store.Dispose();
        File.WriteAllText(SqliteCopy.PathFor(folder.File), "half");

        store = folder.Open();

        Assert.That(File.Exists(SqliteCopy.PathFor(folder.File)), Is.False);
    }

    private static FileStream Finished(IStoreCopy copy)
    {
        while (true)
        {
            if (copy.Step() is { } file)
            {
                return file;
            }
        }
    }
}
