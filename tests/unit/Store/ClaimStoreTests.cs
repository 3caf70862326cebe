// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Reflection;
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store;
using UsbHostd.Daemon.Store.Sqlite;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Tests.Store;

[TestFixture]
internal sealed class ClaimStoreTests
{
    private static readonly string[] Kinds =
    [
        "PutClaim", "DropClaim", "PutGuestStart", "DropGuestStart", "AdoptionDone", "PutAnswer", "DropAnswer", "RememberDevice", "ForgetDevice", "RememberLabel", "RememberGuest",
        "RememberSerialShared", "RememberQuarantine", "RememberVerdict", "ForgetVerdict", "AppendAudit",
    ];

    private StoreFolder folder = null!;

    private static Claim Full => StoreFolder.Claim(7) with
    {
        Target = ClaimTarget.Export,
        Ids = [new UsbId(0x303a, 0x1001), new UsbId(0x303a, 0x4001)],
        Mode = ClaimMode.Usbredir,
        Lifetime = ClaimLifetime.UntilGuestStops,
        Origin = ClaimOrigin.Metadata,
        Owner = "CN=Ünïcode, O=\"quoted\"",
        Uid = uint.MaxValue,
        Gids = [0, 27, 4_000_000_000],
        MoverUid = 1001,
        MoverGids = [27, 1001],
        Door = "",
        RequestId = "line\nbreak\0nul",
        Request = new RequestPrint("serial:0951:1666:a\nb", "rabcdefghijkl"),
        GuestReset = GuestReset.Uninitialized,
        OverrideReason = "an override",
        ForceReason = "a force",
        LifetimePlug = PlugToken.Of("boot", "/devices/x", 17),
        LifetimeRun = new GuestRun("6f2c", 4, 204140),
        Hold = ClaimHold.DetachedByOther,
        Created = StoreFolder.Now.AddTicks(1234567),
        Released = StoreFolder.Now.AddTicks(7654321),
    };

    [SetUp]
    public void SetUp() => folder = new StoreFolder();

    [TearDown]
    public void TearDown() => folder.Dispose();

    [Test]
    public void Load_NewDatabase_IsEmpty()
    {
        var state = folder.Reload();

        Assert.That(state.Claims, Is.Empty);
        Assert.That(state.Devices, Is.Empty);
    }

    [Test]
    public void Open_NewDatabase_OnlyItsOwnerMayReadIt()
    {
        using var store = folder.Open();
        store.Commit([new StoreChange.PutClaim(StoreFolder.Claim(1))]);

        foreach (var file in Directory.GetFiles(folder.Root))
        {
            Assert.That(File.GetUnixFileMode(file), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite), file);
        }
    }

    [TestCaseSource(nameof(ClaimProperties))]
    public void Load_AfterPutClaim_GivesTheFieldBack(PropertyInfo property)
    {
        var bare = StoreFolder.Claim(8);
        folder.With(new StoreChange.PutClaim(Full), new StoreChange.PutClaim(bare));

        var claims = folder.Reload().Claims.ToDictionary(c => c.Id);

        Assert.That(Shown(property, Full), Is.Not.EqualTo(Shown(property, bare)), "the full claim must differ, or this test shows nothing");
        Assert.That(Shown(property, claims[Full.Id]), Is.EqualTo(Shown(property, Full)));
        Assert.That(Shown(property, claims[bare.Id]), Is.EqualTo(Shown(property, bare)));
    }

    [Test]
    public void Load_AfterPutOfTheSameClaim_GivesTheSecondOnly()
    {
        folder.With(new StoreChange.PutClaim(StoreFolder.Claim(1)))
            .With(new StoreChange.PutClaim(StoreFolder.Claim(1) with { Hold = ClaimHold.DetachedByOther, Released = StoreFolder.Now }));

        var claim = folder.Reload().Claims.Single();

        Assert.That((claim.Hold, claim.Released), Is.EqualTo((ClaimHold.DetachedByOther, (DateTimeOffset?)StoreFolder.Now)));
    }

    [Test]
    public void Commit_SameRequestIdOfAnotherOwner_IsStored()
    {
        folder.With(
            new StoreChange.PutClaim(StoreFolder.Claim(1, "r1", "uid:1")), new StoreChange.PutClaim(StoreFolder.Claim(2, "r1", "uid:2")));

        Assert.That(folder.Reload().Claims, Has.Count.EqualTo(2));
    }

    [Test]
    public void Commit_SameRequestIdOfTheSameOwner_ThrowsAndWritesNothing()
    {
        folder.With(new StoreChange.PutClaim(StoreFolder.Claim(1, "r1")));
        using (var store = folder.Open())
        {
            _ = store.Load();
            Assert.Throws<StoreException>(() => store.Commit([new StoreChange.PutClaim(StoreFolder.Claim(2, "r1"))]));
        }

        Assert.That(folder.Reload().Claims.Single().Id, Is.EqualTo(StoreFolder.Claim(1).Id));
    }

    [Test]
    public void Commit_RequestIdOfAnEndedClaim_GoesToTheNewOne()
    {
        folder.With(new StoreChange.PutClaim(StoreFolder.Claim(1, "r1") with { Released = StoreFolder.Now }))
            .With(new StoreChange.PutClaim(StoreFolder.Claim(2, "r1")));

        Assert.That(folder.Reload().Claims.Select(c => (c.Id, c.RequestId)), Is.EqualTo([(StoreFolder.Claim(1).Id, null), (StoreFolder.Claim(2).Id, "r1")]));
    }

    [Test]
    public void Commit_FailureInTheMiddle_LeavesNothingOfIt()
    {
        folder.With(new StoreChange.PutClaim(StoreFolder.Claim(1, "r1")));
        using (var store = folder.Open())
        {
            _ = store.Load();
            Assert.Throws<StoreException>(() => store.Commit([
                new StoreChange.PutGuestStart(StoreFolder.Claim(1).Guest, StoreFolder.Now),
                new StoreChange.PutClaim(StoreFolder.Claim(2)),
                new StoreChange.PutClaim(StoreFolder.Claim(3, "r1")),
                new StoreChange.PutClaim(StoreFolder.Claim(4)),
            ]));
            store.Commit([new StoreChange.PutClaim(StoreFolder.Claim(5))]);
        }

        var state = folder.Reload();
        Assert.That(state.Claims.Select(c => c.Id), Is.EqualTo(new[] { StoreFolder.Claim(1).Id, StoreFolder.Claim(5).Id }));
        Assert.That(state.GuestStarts, Is.Empty);
    }

    [Test]
    public void Load_GuestStarts_GivesThoseThatWereNotDropped()
    {
        var (one, two) = (StoreFolder.Claim(1).Guest, StoreFolder.Claim(2).Guest);
        folder.With(
            new StoreChange.PutGuestStart(one, StoreFolder.Now), new StoreChange.PutGuestStart(two, StoreFolder.Now),
            new StoreChange.DropGuestStart(one));

        Assert.That(folder.Reload().GuestStarts, Is.EqualTo(new Dictionary<GuestId, DateTimeOffset> { [two] = StoreFolder.Now }));
    }

    [Test]
    public void Load_Memory_GivesWhatWasRememberedLast()
    {
        var key = DeviceKey.Serial(new UsbId(0x0951, 0x1666), "SN 1");
        var port = DeviceKey.Port(new UsbController("pci", "0000:00:14.0"), UsbHalf.Usb3, "4.2");
        var device = new RememberedDevice(
            DeviceId.OfKey(key), key, port, new UsbId(0x0951, 0x1666), null, "\u001b[31mred\n<x>", StoreFolder.Now, StoreFolder.Now.AddTicks(1));
        var guest = StoreFolder.Claim(1).Guest;
        folder.With(
            new StoreChange.RememberDevice(device with { Name = "before" }),
            new StoreChange.RememberDevice(device),
            new StoreChange.RememberDevice(device with { Id = DeviceId.Of(port, device.UsbId), Key = port }),
            new StoreChange.ForgetDevice(DeviceId.Of(port, device.UsbId)),
            new StoreChange.RememberLabel(device.Id, "dongle"),
            new StoreChange.RememberLabel(DeviceId.Of(port, device.UsbId), "taken away"),
            new StoreChange.RememberLabel(DeviceId.Of(port, device.UsbId), null),
            new StoreChange.RememberGuest(guest, "web"),
            new StoreChange.RememberGuest(new GuestId(new Guid("33333333-3333-3333-3333-333333333333")), "gone"),
            new StoreChange.RememberGuest(new GuestId(new Guid("33333333-3333-3333-3333-333333333333")), null),
            new StoreChange.RememberSerialShared(key, true),
            new StoreChange.RememberSerialShared(key, true),
            new StoreChange.RememberQuarantine(StoreFolder.Claim(1).Id, "flapped"),
            new StoreChange.RememberQuarantine(StoreFolder.Claim(2).Id, "flapped"),
            new StoreChange.RememberQuarantine(StoreFolder.Claim(2).Id, null));

        var state = folder.Reload();

        Assert.That(state.Devices, Is.EqualTo(new[] { device }));
        Assert.That(state.Labels, Is.EqualTo(new Dictionary<DeviceId, string> { [device.Id] = "dongle" }));
        Assert.That(state.GuestNames, Is.EqualTo(new Dictionary<GuestId, string> { [guest] = "web" }));
        Assert.That(state.SharedSerials, Is.EqualTo(new[] { key }));
        Assert.That(state.Quarantined, Is.EqualTo(new Dictionary<ClaimId, string> { [StoreFolder.Claim(1).Id] = "flapped" }));
    }

    [Test]
    public void Load_Answers_GivesThoseThatWereNotDroppedAsTheyWerePutLast()
    {
        var (claim, plug) = (StoreFolder.Claim(1), PlugToken.Of("boot", "/devices/x", 17));
        var yes = new Answer
        {
            Follows = claim.Follows,
            UsbId = claim.Ids[0],
            Guest = claim.Guest,
            IsRemembered = true,
            Plug = plug,
            Owner = "uid:1000",
            Uid = 1000,
            Gids = [1000, 27],
            Door = "dbus",
            At = StoreFolder.Now,
        };
        var no = yes with { Follows = StoreFolder.Claim(2).Follows, Guest = null, IsRemembered = false, Gids = [] };
        folder.With(
            new StoreChange.PutAnswer(yes with { IsRemembered = false }), new StoreChange.PutAnswer(yes with { Left = StoreFolder.Now }), new StoreChange.PutAnswer(no),
            new StoreChange.PutAnswer(no with { Follows = StoreFolder.Claim(3).Follows }),
            new StoreChange.DropAnswer(AnswerId.Of(StoreFolder.Claim(3).Follows, no.UsbId)));

        var answers = folder.Reload().Answers;

        Assert.That(answers.Select(a => a with { Gids = [] }), Is.EquivalentTo(new[] { yes with { Gids = [] }, no with { Gids = [] } }));
        Assert.That(answers.Single(a => a.Id == yes.Id).Gids, Is.EqualTo(yes.Gids));
    }

    [Test]
    public void Load_Verdicts_GivesThoseThatWereNotForgottenAsTheyWereRememberedLast()
    {
        var (one, two) = (PlugToken.Of("boot", "/devices/x", 17), PlugToken.Of("boot", "/devices/x", 18));
        folder.With(
            new StoreChange.RememberVerdict(new StoredVerdict(one, "before", 3)),
            new StoreChange.RememberVerdict(new StoredVerdict(one, "0a1b", -1)),
            new StoreChange.RememberVerdict(new StoredVerdict(two, "0a1b", 1)),
            new StoreChange.ForgetVerdict(two));

        Assert.That(folder.Reload().Verdicts, Is.EqualTo(new[] { new StoredVerdict(one, "0a1b", -1) }));
    }

    [Test]
    public void Load_SerialTrustedAgain_IsNoLongerShared()
    {
        var key = DeviceKey.Serial(new UsbId(0x0951, 0x1666), "SN 1");
        folder.With(new StoreChange.RememberSerialShared(key, true)).With(new StoreChange.RememberSerialShared(key, false));

        Assert.That(folder.Reload().SharedSerials, Is.Empty);
    }

    [Test]
    public void Commit_DropClaim_LeavesNoRow()
    {
        folder.With(new StoreChange.PutClaim(StoreFolder.Claim(1)), new StoreChange.DropClaim(StoreFolder.Claim(1).Id));

        Assert.That(folder.Reload().Claims, Is.Empty);
    }

    [Test]
    public void Load_FileThatWasNotThere_IsNewUntilAdoptionIsDone()
    {
        Assert.That(folder.Reload().IsNew, Is.True);
        folder.With(new StoreChange.PutClaim(StoreFolder.Claim(1)));
        Assert.That(folder.Reload().IsNew, Is.True);

        folder.With(new StoreChange.AdoptionDone());

        Assert.That(folder.Reload().IsNew, Is.False);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Migrate_FromBeforeAdoptionWasMarked_IsNewWhereNothingWasEverDone(bool isUsed)
    {
        folder.Old(3);
        if (isUsed)
        {
            folder.Execute("INSERT INTO audit (at, caller, door, verb, subject, outcome, detail) VALUES ('', 'uid:0', 'grpc', 'claim-create', 'c', 'ok', '')");
        }

        Assert.That(folder.Reload().IsNew, Is.EqualTo(!isUsed));
    }

    [Test]
    public void Commit_EveryKindOfChange_HasATable()
    {
        var kinds = typeof(StoreChange).GetNestedTypes().Where(t => t.IsSubclassOf(typeof(StoreChange))).Select(t => t.Name);

        Assert.That(kinds, Is.EquivalentTo(Kinds), "a new kind needs a place in SqliteClaimStore.Write and a test here");
    }

    [Test]
    public void ReadAudit_Limit_GivesTheNewestOldestFirst()
    {
        var entries = Enumerable.Range(0, 5).Select(Audit).ToArray();
        folder.With([.. entries]);
        using var store = folder.Open();

        Assert.That(store.ReadAudit(2), Is.EqualTo(entries[3..]));
    }

    [TestCase("UPDATE audit SET caller = 'nobody'")]
    [TestCase("DELETE FROM audit WHERE seq = 2")]
    [TestCase("INSERT OR REPLACE INTO audit SELECT seq, at, 'nobody', door, verb, subject, outcome, detail FROM audit")]
    public void Audit_ChangedByHand_IsRefused(string sql)
    {
        folder.With(Audit(1), Audit(2));

        Assert.Throws<SqliteException>(() => folder.Execute(sql));
        using var store = folder.Open();
        Assert.That(store.ReadAudit(10), Is.EqualTo(new[] { Audit(1), Audit(2) }));
    }

    [Test]
    public void Load_TenThousandClaims_GivesEachOnce()
    {
        folder.With([.. Enumerable.Range(0, 10_000).Select(n => new StoreChange.PutClaim(StoreFolder.Claim(n, $"r{n}")))]);

        Assert.That(folder.Reload().Claims.Select(c => c.Id).Distinct().Count(), Is.EqualTo(10_000));
    }

    private static StoreChange.AppendAudit Audit(int n) =>
        new(StoreFolder.Now.AddSeconds(n), "uid:0", "grpc", "claim-create", $"c{n}", "ok", "");

    private static IEnumerable<TestCaseData> ClaimProperties() =>
        typeof(Claim).GetProperties().Where(p => p.CanWrite).Select(p => new TestCaseData(p).SetArgDisplayNames(p.Name));

    private static string? Shown(PropertyInfo property, Claim claim) => property.GetValue(claim) switch
    {
        ImmutableArray<UsbId> ids => string.Join(' ', ids),
        ImmutableArray<uint> numbers => string.Join(' ', numbers),
        DateTimeOffset at => at.ToString("O"),
        var value => value?.ToString(),
    };
}
