// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store;
using UsbHostd.Daemon.Store.Sqlite;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Tests.Store;

/// <summary>Databases that the daemon must not serve, and must not touch.</summary>
[TestFixture]
internal sealed class StoreRefusalTests
{
    private StoreFolder folder = null!;

    [SetUp]
    public void SetUp() => folder = new StoreFolder().With(
        [.. Enumerable.Range(0, 200).Select(n => new StoreChange.PutClaim(StoreFolder.Claim(n)))]);

    [TearDown]
    public void TearDown() => folder.Dispose();

    [Test]
    public void Open_NewerSchema_IsRefusedUntouched()
    {
        folder.Execute("PRAGMA user_version = 99");

        Assert.That(RefusalOfOpen(), Does.Contain("newer usbhostd (schema 99"));
    }

    [Test]
    public void Open_AnotherProgramsDatabase_IsRefusedUntouched()
    {
        folder.Execute("PRAGMA application_id = 1");

        Assert.That(RefusalOfOpen(), Does.Contain("another program"));
    }

    [Test]
    public void Open_Garbage_IsRefusedUntouched()
    {
        File.WriteAllText(folder.File, string.Concat(Enumerable.Repeat("not a database. ", 1000)));

        Assert.That(RefusalOfOpen(), Does.Contain("not a database"));
    }

    [Test]
    public void Open_CorruptHeader_IsRefusedUntouched()
    {
        Overwrite(0, 16);

        Assert.That(RefusalOfOpen(), Does.Contain("not a database"));
    }

    [Test]
    public void Open_CorruptSchemaPage_IsRefusedUntouched()
    {
        Overwrite(100, 300);

        Assert.That(RefusalOfOpen(), Does.Contain("damaged"));
    }

    [Test]
    public void Open_CorruptClaimsTable_IsRefusedUntouched()
    {
        OverwriteRootOf("claims");

        Assert.That(RefusalOfOpen(), Does.Contain("damaged"));
    }

    [TestCase(50)]
    [TestCase(4096)]
    [TestCase(6000)]
    public void Open_TruncatedFile_IsRefusedUntouched(int length)
    {
        using (var file = File.OpenWrite(folder.File))
        {
            file.SetLength(length);
        }

        Assert.That(RefusalOfOpen(), Is.Not.Empty);
    }

    [TestCase("UPDATE claims SET mode = 'teleport' WHERE id = '{0}'", "mode \"teleport\" is not one of hostdev, spicevmc, usbredir")]
    [TestCase("UPDATE claims SET hold = 'None' WHERE id = '{0}'", "hold \"None\"")]
    [TestCase("UPDATE claims SET guest = 'web' WHERE id = '{0}'", "not a UUID: web")]
    [TestCase("UPDATE claims SET created = '2025' WHERE id = '{0}'", "not a time: 2025")]
    [TestCase("UPDATE claims SET ids = '' WHERE id = '{0}'", "not a vendor:product")]
    [TestCase("UPDATE claims SET lifetime_run = 'x' WHERE id = '{0}'", "not a guest's run: x")]
    public void Load_ClaimThatCannotBeRead_NamesTableAndRowAndLeavesTheFile(string sql, string expected)
    {
        var id = StoreFolder.Claim(3).Id;
        folder.Execute(string.Format(sql, id));
        var before = folder.Snapshot();

        using (var store = folder.Open())
        {
            Assert.That(
                Assert.Throws<StoreException>(() => store.Load()).Message,
                Does.StartWith(folder.File).And.Contain($"table claims, row {id}").And.Contain(expected));
        }

        Assert.That(folder.Snapshot(), Is.EqualTo(before));
    }

    [Test]
    public void Load_RefusedWithAWalOfACrash_LeavesTheWalToo()
    {
        var copy = Path.Combine(folder.Root, "copy");
        Directory.CreateDirectory(copy);
        var file = Path.Combine(copy, "usbhostd.db");
        using (var running = folder.Open())
        {
            _ = running.Load();
            running.Connection.Execute("UPDATE claims SET mode = 'teleport'");
            File.Copy(folder.File, file);
            File.Copy(folder.File + "-wal", file + "-wal");
        }

        var before = (Convert.ToHexString(File.ReadAllBytes(file)), Convert.ToHexString(File.ReadAllBytes(file + "-wal")));
        using (var store = folder.Open(StoreSchema.Migrations, file))
        {
            Assert.Throws<StoreException>(() => store.Load());
        }

        Assert.That((Convert.ToHexString(File.ReadAllBytes(file)), Convert.ToHexString(File.ReadAllBytes(file + "-wal"))), Is.EqualTo(before));
    }

    [Test]
    public void Open_SecondDaemon_IsRefusedAndTheFirstGoesOn()
    {
        using (var first = folder.Open())
        {
            _ = first.Load();
            Assert.That(Assert.Throws<StoreException>(() => folder.Open()).Message, Does.Contain(folder.File).And.Contain("another usbhostd"));
            first.Commit([new StoreChange.PutClaim(StoreFolder.Claim(1000))]);
        }

        Assert.That(folder.Reload().Claims, Has.Count.EqualTo(201));
    }

    [Test]
    public void Open_FolderThatIsAFile_SaysWhich()
    {
        var file = Path.Combine(folder.Root, "plain");
        File.WriteAllText(file, "");

        var refusal = Assert.Throws<StoreException>(() => folder.Open(StoreSchema.Migrations, Path.Combine(file, "usbhostd.db")));

        Assert.That(refusal.Message, Does.StartWith(file));
    }

    [Test]
    public void Open_DatabaseThatIsAFolder_SaysWhich()
    {
        var path = Path.Combine(folder.Root, "sub");
        Directory.CreateDirectory(path);

        Assert.That(Assert.Throws<StoreException>(() => folder.Open(StoreSchema.Migrations, path)).Message, Does.StartWith(path));
    }

    [Test]
    public void Load_CorruptMemoryTable_GivesTheClaimsAndGoesOnWithoutIt()
    {
        OverwriteRootOf("memory_labels");
        var log = new RecordingLogger();
        using (var store = folder.Open(StoreSchema.Migrations, logger: log))
        {
            Assert.That(store.Load().Claims, Has.Count.EqualTo(200));
            store.Commit([
                new StoreChange.RememberLabel(DeviceId.OfKey(StoreFolder.Claim(1).Follows), "lost"), new StoreChange.PutClaim(StoreFolder.Claim(201)),
            ]);
        }

        Assert.That(folder.Reload().Claims, Has.Count.EqualTo(201));
        Assert.That(log.Entries.Select(e => e.Id.Id), Has.One.EqualTo(1202));
    }

    [Test]
    public void Commit_MemoryTableFoundCorrupt_StoresTheRest()
    {
        OverwriteRootOf("memory_quarantine");
        using (var store = folder.Open())
        {
            store.Commit([new StoreChange.PutClaim(StoreFolder.Claim(201)), new StoreChange.RememberQuarantine(StoreFolder.Claim(1).Id, "flapped")]);
        }

        Assert.That(folder.Reload().Claims, Has.Count.EqualTo(201));
    }

    [Test]
    public void Load_MemoryRowThatCannotBeRead_IsPassedOver()
    {
        folder.Execute("INSERT INTO memory_labels VALUES ('nonsense', 'x')");
        var log = new RecordingLogger();
        using var store = folder.Open(StoreSchema.Migrations, logger: log);

        Assert.That(store.Load().Labels, Is.Empty);
        Assert.That(log.Entries.Select(e => e.Message), Has.One.Contains("memory_labels, row nonsense"));
    }

    /// <summary>The message; asserts that it names the file and that no byte has changed and no file has come.</summary>
    private string RefusalOfOpen()
    {
        var before = folder.Snapshot();
        var refusal = Assert.Throws<StoreException>(() =>
        {
            using var store = folder.Open();
            _ = store.Load();
        });
        Assert.That(folder.Snapshot(), Is.EqualTo(before));
        Assert.That(refusal.Message, Does.StartWith(folder.File).And.Contain("as it was"));
        return refusal.Message;
    }

    private void OverwriteRootOf(string table)
    {
        using (var connection = SqliteConnection.Open(folder.File))
        {
            var page = int.Parse(connection.Scalar($"SELECT rootpage FROM sqlite_master WHERE name = '{table}'")!);
            var size = int.Parse(connection.Scalar("PRAGMA page_size")!);
            Position = (page - 1) * size;
        }

        Overwrite(Position, 64);
    }

    private int Position { get; set; }

    private void Overwrite(int offset, int count)
    {
        using var file = File.OpenWrite(folder.File);
        file.Position = offset;
        file.Write(Enumerable.Repeat((byte)0xA5, count).ToArray());
    }
}
