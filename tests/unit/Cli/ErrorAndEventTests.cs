// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;
using Type = UsbHostd.Api.V1.WatchEvent.Types.Type;

namespace UsbHostd.Tests.Cli;

[TestFixture]
internal sealed class ErrorAndEventTests
{
    private CliFixture cli = null!;

    private static IEnumerable<ErrorCode> Codes => Enum.GetValues<ErrorCode>();

    [SetUp]
    public async Task StartAsync() => cli = await CliFixture.StartAsync();

    [TearDown]
    public async Task StopAsync() => await cli.DisposeAsync();

    [TestCaseSource(nameof(Codes))]
    public async Task Error_OfEachCode_ExitsByTheTable(ErrorCode code)
    {
        cli.Service.On<GetClaimRequest>(_ => throw new HostException(code, "no\u001b[2J", "yes"));

        var result = await cli.RunAsync("claim-info", "c1");

        Assert.That((result.Exit, result.Error), Is.EqualTo(((int)ErrorCodes.Of(code).Exit, "error: no\\x1b[2J\nhint: yes\n")));
    }

    [TestCase("attach", "d", "g", "--by", "no")]
    [TestCase("attach", "d", "g", "--guest-reset", "no")]
    [TestCase("device-list", "--color", "no")]
    [TestCase("policy-generate", "--target", "no")]
    [TestCase("policy-import", "no", "x")]
    [TestCase("policy-export", "--as", "no")]
    public async Task Error_WordThatIsNoChoice_SaysTheChoicesInOneLine(params string[] args)
    {
        var result = await cli.RunAsync(args);

        Assert.That((result.Exit, result.Error.Split('\n').Length), Is.EqualTo((2, 3)));
        Assert.That(result.Error, Does.Match(@"^error: [-\w]+ is 'no', expected [a-z, ]+ or [a-z]+\n").And.Not.Contain(@"\x"));
    }

    [Test]
    public async Task Error_WordThatIsNoChoice_IsEscaped() =>
        Assert.That((await cli.RunAsync("attach", "d", "g", "--by", "\u001b[2J")).Error, Does.StartWith(@"error: --by is '\x1b[2J', expected serial or port"));

    [Test]
    public async Task Error_WithAClaim_TellsItsDeviceApart()
    {
        var claim = CliFixture.Claim(Phase.Attached);
        (claim.Serial, claim.Port) = ("4C53", "1-4.2");
        cli.Service.On<GetDeviceRequest>(_ => throw new HostException(ErrorCode.ErrorHeldByGuest, "taken", "wait") { Claim = claim });

        Assert.That((await cli.RunAsync("device-info", "x")).Error, Does.Contain("claim cbbbbbbbbbbbb of DataTraveler 3.0 (serial 4C53, port 1-4.2): guest win10, attached"));
    }

    [Test]
    public async Task Error_Ambiguous_ListsCandidatesAsTheyAreNamed()
    {
        cli.Service.On<GetDeviceRequest>(_ => throw new HostException(ErrorCode.ErrorAmbiguous, "two", "choose")
        {
            Candidates = [CliFixture.Stick],
        });

        var result = await cli.RunAsync("device-info", "0951:1666");

        Assert.That((result.Exit, result.Error), Is.EqualTo((4,
            """
            error: two
            hint: choose

             Id                 Port         USB id      Name                        Serial
            ----------------------------------------------------------------------------------------
             id:daaaaaaaaaaaa   port:1-4.2   0951:1666   Kingston DataTraveler 3.0   4C530001230405


            """)));
    }

    [Test]
    public async Task Error_Json_IsTheDetail()
    {
        cli.Service.On<GetDeviceRequest>(_ => throw new HostException(ErrorCode.ErrorDeviceNotFound, "none", "look"));

        var result = await cli.RunAsync("device-info", "d1", "--json");

        var error = System.Text.Json.JsonDocument.Parse(result.Error).RootElement;
        Assert.That((result.Exit, error.GetProperty("code").GetString()), Is.EqualTo((3, "ERROR_DEVICE_NOT_FOUND")));
    }

    [Test]
    public async Task Error_NoDaemon_SaysHowToStartIt()
    {
        var result = await CliResult.OfAsync(["device-list", "--connect", "unix:/nonexistent/api.sock"], null, _ => null);

        Assert.That((result.Exit, result.Error), Is.EqualTo((9,
            "error: usbhostd is not running (no socket at /nonexistent/api.sock)\nhint: start it: systemctl start usbhostd\n")));
    }

    [Test]
    public async Task Error_NoAddress_IsUsage()
    {
        var result = await CliResult.OfAsync(["device-list", "--connect", "here"], null, _ => null);

        Assert.That($"{result.Exit} {result.Error}", Does.StartWith("2 error: 'here' is no address of a usbhostd\nhint: "));
    }

    [Test]
    public async Task Event_NoLoop_EndsWithTheFirstChange()
    {
        Feed(
            new WatchEvent { Type = Type.Snapshot, Device = CliFixture.Stick },
            new WatchEvent { Type = Type.SnapshotEnd },
            new WatchEvent { Type = Type.Changed, Device = CliFixture.Stick },
            new WatchEvent { Type = Type.Removed, Device = CliFixture.Stick });

        var result = await cli.RunAsync("event");

        Assert.That((result.Exit, result.Out), Is.EqualTo((0,
            "event 'device-changed' for daaaaaaaaaaaa Kingston DataTraveler 3.0, serial 4C530001230405, port 1-4.2: free\nevents received: 1\n")));
    }

    [Test]
    public async Task Event_LoopInJson_IsOneDocumentALine()
    {
        Feed(
            new WatchEvent { Type = Type.SnapshotEnd },
            new WatchEvent { Type = Type.Changed, Claim = CliFixture.Claim(Phase.Attaching) },
            new WatchEvent { Type = Type.Resync },
            new WatchEvent { Type = Type.Removed, Guest = new Guest { Name = "a\nb" } });

        var result = await cli.RunAsync("event", "--loop", "--json");

        var types = result.Out.TrimEnd('\n').Split('\n')
            .Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("type").GetString());
        Assert.That(types, Is.EqualTo(["CHANGED", "RESYNC", "REMOVED"]));
    }

    private void Feed(params WatchEvent[] changes) => cli.Service.OnWatch = (_, _, _) => changes.ToAsyncEnumerable();
}
