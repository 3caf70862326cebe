// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf.WellKnownTypes;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Tests.Cli;

[TestFixture]
internal sealed class AuditAndBackupTests
{
    private CliFixture cli = null!;
    private string folder = "";

    [SetUp]
    public async Task StartAsync()
    {
        cli = await CliFixture.StartAsync();
        folder = Directory.CreateTempSubdirectory("usbhostctl-").FullName;
    }

    [TearDown]
    public async Task StopAsync()
    {
        await cli.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    private string Target => Path.Combine(folder, "copy.db");

    [Test]
    public async Task AuditList_Options_BecomeTheRequest()
    {
        cli.Service.On<ListAuditRequest>(_ => new ListAuditResponse());

        await cli.RunAsync(
            "audit-list", "--since", "2026-03-01T14:30:00Z", "--until", "2026-03-02T00:00:00+01:00", "--caller", "uid:1000", "--verb", "attach", "--subject", "c1",
            "--outcome", "refused", "--text", "SN", "--limit", "7");

        Assert.That(cli.Service.Asked.Single().Request, Is.EqualTo(new ListAuditRequest
        {
            Since = Timestamp.FromDateTime(new DateTime(2026, 3, 1, 14, 30, 0, DateTimeKind.Utc)),
            Until = Timestamp.FromDateTime(new DateTime(2026, 3, 1, 23, 0, 0, DateTimeKind.Utc)),
            Caller = "uid:1000",
            Verb = "attach",
            Subject = "c1",
            Outcome = "refused",
            Text = "SN",
            Limit = 7,
        }));
    }

    [TestCase("--since", "yesterday")]
    [TestCase("--limit", "0")]
    [TestCase("--limit", "1001")]
    public async Task AuditList_ValueThatIsNone_IsAnErrorOfUse(string option, string value) =>
        Assert.That((await cli.RunAsync("audit-list", option, value)).Exit, Is.EqualTo(2));

    [Test]
    public async Task AuditList_Lines_AreShownEscaped()
    {
        cli.Service.On<ListAuditRequest>(_ => new ListAuditResponse
        {
            Lines = { new AuditLine { At = Timestamp.FromDateTime(DateTime.UnixEpoch), Caller = "uid:1000", Door = "grpc", Verb = "claim-create", Subject = "a\u001b[31mb", Outcome = "ok", Detail = "x\ny" } },
            More = true,
        });

        var result = await cli.RunAsync("audit-list");

        Assert.That(result.Lines[2], Does.Match(@"1970-01-01 00:00:00Z +uid:1000 +grpc +claim-create +a\\x1b\[31mb +ok +x\\x0ay"));
        Assert.That(result.Error, Does.StartWith("Older lines match"));
    }

    [Test]
    public async Task Backup_Copy_IsWrittenWholeForItsOwnerOnly()
    {
        var bytes = Enumerable.Range(0, 200_000).Select(n => (byte)(n * 7)).ToArray();
        await File.WriteAllBytesAsync(Path.Combine(folder, "source"), bytes);
        await File.WriteAllTextAsync(Target, "an older copy");
        cli.Service.OnBackup = () => File.OpenRead(Path.Combine(folder, "source"));

        var result = await cli.RunAsync("backup", Target);

        Assert.That((result.Exit, result.Lines[0]), Is.EqualTo((0, $"{Target}: 200000 bytes")));
        Assert.That(await File.ReadAllBytesAsync(Target), Is.EqualTo(bytes));
        Assert.That(File.GetUnixFileMode(Target), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(Directory.GetFiles(folder), Has.Length.EqualTo(2));
    }

    [Test]
    public async Task Backup_Refused_LeavesTheOlderCopy()
    {
        await File.WriteAllTextAsync(Target, "an older copy");
        cli.Service.OnBackup = () => throw new HostException(ErrorCode.ErrorStorageFull, "no room", "make room");

        var result = await cli.RunAsync("backup", Target);

        Assert.That((result.Exit, await File.ReadAllTextAsync(Target), Directory.GetFiles(folder).Length), Is.EqualTo((11, "an older copy", 1)));
    }

    [Test]
    public async Task Backup_ThatBreaksOff_LeavesTheOlderCopy()
    {
        await File.WriteAllBytesAsync(Path.Combine(folder, "source"), new byte[200_000]);
        await File.WriteAllTextAsync(Target, "an older copy");
        cli.Service.OnBackup = () => new BrokenFile(Path.Combine(folder, "source"));

        var result = await cli.RunAsync("backup", Target);

        Assert.That((result.Exit, await File.ReadAllTextAsync(Target), Directory.GetFiles(folder).Length), Is.EqualTo((1, "an older copy", 2)));
    }

    [Test]
    public async Task Backup_FileThatCannotBeMade_SaysSo()
    {
        var file = Path.Combine(folder, "none", "copy.db");

        var result = await cli.RunAsync("backup", file);

        Assert.That(result.Exit, Is.EqualTo(1));
        Assert.That(result.Error, Does.Contain($"{file}: the copy could not be written").And.Contain("hint: name a file in a folder that you may write"));
    }

    /// <summary>Reads a part, then no more.</summary>
    private sealed class BrokenFile(string path) : FileStream(path, FileMode.Open, FileAccess.Read)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Position > 0 ? throw new InvalidOperationException("broken") : base.ReadAsync(buffer, cancellationToken);
    }
}
