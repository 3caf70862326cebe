// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;
using UsbHostd.Tests.Reconcile.Sim;
using UsbHostd.Tests.Store;

namespace UsbHostd.Tests.Service;

/// <summary>The audit as it is read, and the database as it is copied, of a real store.</summary>
[TestFixture]
internal sealed class AuditServiceTests : StickTest
{
    private StoreFolder folder = null!;
    private string claim = "";
    private DateTimeOffset later;

    protected override World Begin()
    {
        folder = new StoreFolder();
        return new World(_ => folder.Open());
    }

    [SetUp]
    public void AskForSomething()
    {
        claim = world.Create(new() { Device = "port:1-4", Guest = "guest" }, World.Member).Id;
        world.Advance(60);
        later = world.Time.GetUtcNow();
        Assert.Throws<HostException>(() => world.Create(new() { Device = "port:9%9", Guest = "guest" }, World.User));
        world.Ask(s => s.ReleaseClaimAsync(World.Member, new() { Id = claim }, default));
    }

    [TearDown]
    public void RemoveFolder() => folder.Dispose();

    [Test]
    public void ListAudit_All_IsNewestFirst()
    {
        var lines = List(new());

        Assert.That(
            lines.Where(l => l.Verb.StartsWith("claim-", StringComparison.Ordinal)).Select(l => (l.Verb, l.Caller, l.Outcome)),
            Is.EqualTo([("claim-release", "uid:1000", "ok"), ("claim-create", "uid:1002", "ERROR_DEVICE_NOT_FOUND"), ("claim-create", "uid:1000", "ok")]));
    }

    [TestCase("caller", "uid:1002", 1)]
    [TestCase("caller", "uid:7", 0)]
    [TestCase("verb", "claim-create", 2)]
    [TestCase("subject", "port:9%9", 1)]
    [TestCase("outcome", "refused", 1)]
    [TestCase("outcome", "ERROR_DEVICE_NOT_FOUND", 1)]
    [TestCase("outcome", "ERROR_NOT_ALLOWED", 0)]
    [TestCase("text", "GUEST GUEST", 4)]
    [TestCase("text", "9%9", 1)]
    [TestCase("text", "9_9", 0)]
    public void ListAudit_Filter_LeavesOutTheOthers(string field, string value, int count)
    {
        var request = new ListAuditRequest();
        ListAuditRequest.Descriptor.FindFieldByName(field).Accessor.SetValue(request, value);

        Assert.That(List(request), Has.Count.EqualTo(count));
    }

    [Test]
    public void ListAudit_Times_AreABeginAndAnEnd()
    {
        var at = Timestamp.FromDateTimeOffset(later);

        Assert.That(List(new() { Since = at, Verb = "claim-create" }).Select(l => l.Caller), Is.EqualTo(["uid:1002"]));
        Assert.That(List(new() { Until = at, Verb = "claim-create" }).Select(l => l.Caller), Is.EqualTo(["uid:1000"]));
    }

    [Test]
    public void ListAudit_MoreThanTheLimit_SaysSo()
    {
        var answer = world.Ask(s => s.ListAuditAsync(World.Root, new() { Limit = 1, Verb = "claim-create" }, default));

        Assert.That((answer.Lines.Single().Caller, answer.More), Is.EqualTo(("uid:1002", true)));
        Assert.That(world.Ask(s => s.ListAuditAsync(World.Root, new() { Limit = 2, Verb = "claim-create" }, default)).More, Is.False);
    }

    [Test]
    public void ListAudit_MoreRowsThanASliceHas_FindsTheOldest()
    {
        for (var i = 0; i < 50; i++)
        {
            world.Create(new() { Device = "port:1-4", Guest = "guest" }, World.Root);
            world.Ask(s => s.ReleaseClaimAsync(World.Root, new() { Id = world.State.Claims.Values.Single(e => e.Stands).Id.ToString() }, default));
        }

        var slices = 0;
        var (lines, next) = (new List<string>(), (long?)null);
        do
        {
            var slice = Run(store => store.ReadAudit(Daemon.Store.AuditTable.Audit, new Daemon.Store.AuditQuery { Verb = "claim-create" }, next, 7));
            (next, slices) = (slice.Next, slices + 1);
            lines.AddRange(slice.Lines.Select(l => l.Caller));
        }
        while (next is not null);

        Assert.That((lines.Count, lines[^1]), Is.EqualTo((51, "uid:1000")));
        Assert.That(slices, Is.GreaterThan(10));
    }

    [Test]
    public void ListAudit_Operator_IsDenied() => Assert.That(
        Assert.Throws<HostException>(() => world.Ask(s => s.ListAuditAsync(World.Member, new(), default)))!.Code, Is.EqualTo(ErrorCode.ErrorPermissionDenied));

    [Test]
    public void ListAudit_TextTooLong_IsRefused() => Assert.That(
        Assert.Throws<HostException>(() => world.Ask(s => s.ListAuditAsync(World.Root, new() { Text = new string('x', 300) }, default)))!.Code,
        Is.EqualTo(ErrorCode.ErrorInvalidArgument));

    [Test]
    public void Backup_Root_GetsADatabaseThatADaemonStartsFrom()
    {
        using var other = new StoreFolder();
        using (var copy = world.Ask(s => s.BackupAsync(World.Root, new(), default)))
        using (var to = File.Create(other.File))
        {
            copy.CopyTo(to);
        }

        Assert.That(other.Reload().Claims.Select(c => c.Id.ToString()), Is.EqualTo([claim]));
        Assert.That(List(new() { Verb = "backup" }).Select(l => (l.Caller, l.Outcome)), Is.EqualTo([("uid:0", "ok")]));
    }

    [Test]
    public void Backup_CannotBeMade_IsRefusedAndAudited()
    {
        Directory.CreateDirectory(Daemon.Store.SqliteCopy.PathFor(folder.File));

        var refused = Assert.Throws<HostException>(() => world.Ask(s => s.BackupAsync(World.Root, new(), default)))!;

        Assert.That(List(new() { Verb = "backup", Outcome = "refused" }), Has.Count.EqualTo(1));
        Directory.Delete(Daemon.Store.SqliteCopy.PathFor(folder.File));
        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorInternal));
        Assert.That(() => world.Ask(s => s.BackupAsync(World.Root, new(), default)).Dispose(), Throws.Nothing, "the next one is not kept from it");
    }

    private RepeatedField<AuditLine> List(ListAuditRequest request) => world.Ask(s => s.ListAuditAsync(World.Root, request, default)).Lines;

    private T Run<T>(Func<Daemon.Store.IClaimStore, T> work) => world.Ask(_ => new ValueTask<T>(world.Loop.WithStoreAsync(work)));
}
