// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using NUnit.Framework;
using UsbHostd.Api.V1;
using Type = UsbHostd.Api.V1.WatchEvent.Types.Type;

namespace UsbHostd.Tests.Cli;

[TestFixture]
internal sealed class AttachTests
{
    private CliFixture cli = null!;

    [SetUp]
    public async Task StartAsync()
    {
        cli = await CliFixture.StartAsync();
        cli.Service.On<CreateClaimRequest>(_ => CliFixture.Claim(Phase.WaitingForGuest, Reason.GuestOff, "win10 is off", "start it"));
    }

    [TearDown]
    public async Task StopAsync() => await cli.DisposeAsync();

    [Test]
    public async Task Attach_AllOptions_AreSent()
    {
        var result = await cli.RunAsync(
            "attach", "port:1-4", "win10", "--by", "port", "--follow", "303a:1001,303a:4001", "--once", "--move", "--guest-reset",
            "uninitialized", "--force", "maintenance", "--override", "ticket 7", "--dry-run");

        Assert.That(
            cli.Service.Asked.Single().Request,
            Is.EqualTo(new CreateClaimRequest
            {
                Device = "port:1-4",
                Guest = "win10",
                Follow = Follow.Port,
                FollowIds = { "303a:1001", "303a:4001" },
                Lifetime = Lifetime.UntilUnplug,
                Move = true,
                GuestReset = GuestReset.Uninitialized,
                ForceReason = "maintenance",
                OverrideReason = "ticket 7",
                DryRun = true,
            }),
            result.Error);
    }

    [Test]
    public async Task Attach_NoWait_ShowsWhereTheClaimStands()
    {
        var result = await cli.RunAsync("attach", "d1", "win10");

        Assert.That((result.Exit, result.Out), Is.EqualTo((0,
            "Claim cbbbbbbbbbbbb of DataTraveler 3.0 for guest win10: waiting-for-guest, guest-off\nwin10 is off\nhint: start it\n")));
    }

    [TestCase("--once", "--until-guest-stops")]
    [TestCase("--dry-run", "--wait")]
    [TestCase("--timeout", "3")]
    [TestCase("--wait", "--timeout=0")]
    [TestCase("--wait", "--timeout=soon")]
    [TestCase("--by", "colour")]
    [TestCase("--nonsense", "x")]
    public async Task Attach_OptionsThatDoNotFit_AreRefusedBeforeAsking(string first, string second)
    {
        var result = await cli.RunAsync("attach", "d1", "win10", first, second);

        Assert.Multiple(() =>
        {
            Assert.That(result.Exit, Is.EqualTo(2));
            Assert.That(result.Error, Does.StartWith("error: ").And.EndWith("hint: usbhostctl attach --help\n"));
            Assert.That(cli.Service.Asked, Is.Empty);
        });
    }

    [Test]
    public async Task Wait_ClaimAttaches_ExitsWithOk()
    {
        Changes(CliFixture.Claim(Phase.WaitingForGuest), CliFixture.Claim(Phase.Attaching), CliFixture.Claim(Phase.Attached));

        var result = await cli.RunAsync("attach", "d1", "win10", "--wait", "--timeout", "30");

        Assert.Multiple(() =>
        {
            Assert.That((result.Exit, result.Out), Is.EqualTo((0, "Claim cbbbbbbbbbbbb of DataTraveler 3.0 for guest win10: attached\n")));
            Assert.That(result.Error, Is.EqualTo("waiting-for-guest, guest-off: win10 is off\nwaiting-for-guest\nattaching\n"));
            Assert.That(((WatchRequest)cli.Service.Asked[1].Request).ClaimId, Is.EqualTo("cbbbbbbbbbbbb"));
        });
    }

    [TestCase(Phase.Failed, Reason.NoFreePort, 8)]
    [TestCase(Phase.Failed, Reason.InUseByHost, 7)]
    [TestCase(Phase.Failed, Reason.HeldByOther, 6)]
    [TestCase(Phase.Held, Reason.DetachedByOther, 12)]
    [TestCase(Phase.Released, Reason.LifetimeEnded, 12)]
    public async Task Wait_ClaimComesToRestElsewhere_ExitsByItsReason(Phase phase, Reason reason, int exit)
    {
        Changes(CliFixture.Claim(phase, reason, "it can't be", "do this"));

        var result = await cli.RunAsync("attach", "d1", "win10", "--wait");

        Assert.Multiple(() =>
        {
            Assert.That(result.Exit, Is.EqualTo(exit));
            Assert.That(result.Error, Does.Contain("error: it can't be\nhint: do this\n"));
        });
    }

    [Test]
    public async Task Wait_RetryLater_GoesOnWaiting()
    {
        Changes(CliFixture.Claim(Phase.Failed, Reason.RetryLater), CliFixture.Claim(Phase.Attached));

        Assert.That((await cli.RunAsync("attach", "d1", "win10", "--wait")).Exit, Is.Zero);
    }

    [Test]
    public async Task Wait_GuestConfiguresTheDevice_IsAttachedWithoutAReason()
    {
        Changes(CliFixture.Claim(Phase.Attached, Reason.GuestNotConfigured), CliFixture.Claim(Phase.Attached));

        var result = await cli.RunAsync("attach", "d1", "win10", "--wait");

        Assert.That((result.Exit, result.Out), Is.EqualTo((0, "Claim cbbbbbbbbbbbb of DataTraveler 3.0 for guest win10: attached\n")));
    }

    [Test]
    public async Task Wait_GuestNeverConfiguresTheDevice_IsAttachedAllTheSame()
    {
        Changes(CliFixture.Claim(Phase.Attached, Reason.GuestNotConfigured, "it has not configured it", "wait"));

        var result = await cli.RunAsync("attach", "d1", "win10", "--wait", "--timeout", "0.2");

        Assert.That((result.Exit, result.Out), Is.EqualTo((0, "Claim cbbbbbbbbbbbb of DataTraveler 3.0 for guest win10: attached, guest-not-configured\nit has not configured it\nhint: wait\n")));
    }

    [Test]
    public async Task Wait_ClaimGoneBeforeTheWatch_IsLookedUp()
    {
        cli.Service.OnWatch = (_, _, _) => Once(new WatchEvent { Type = Type.SnapshotEnd });
        cli.Service.On<GetClaimRequest>(_ => CliFixture.Claim(Phase.Released, Reason.LifetimeEnded));

        Assert.That((await cli.RunAsync("attach", "d1", "win10", "--wait")).Exit, Is.EqualTo(12));
    }

    [Test]
    public async Task Wait_TimeIsOver_SaysWhereTheClaimStands()
    {
        Changes(CliFixture.Claim(Phase.WaitingForGuest, Reason.GuestOff, "win10 is off", "start it"));

        var result = await cli.RunAsync("attach", "d1", "win10", "--wait", "--timeout", "0.2");

        Assert.Multiple(() =>
        {
            Assert.That(result.Exit, Is.EqualTo(10));
            Assert.That(result.Error, Does.Contain(
                "error: not attached after 0.2 s: waiting-for-guest, guest-off (win10 is off)\nhint: start it\n"));
        });
    }

    [Test]
    public async Task Wait_DaemonThatDoesNotAnswer_EndsWithTheTime()
    {
        cli.Service.On<CreateClaimRequest>(async (_, _, cancellation) =>
        {
            await new TaskCompletionSource().Task.WaitAsync(cancellation);
            throw new InvalidOperationException("cancelled before");
        });

        var result = await cli.RunAsync("attach", "d1", "win10", "--wait", "--timeout", "0.2");

        Assert.That((result.Exit, result.Error), Is.EqualTo((10,
            "error: usbhostd did not say within 0.2 s whether it made the claim\nhint: see whether it did: usbhostctl claim-list\n")));
    }

    [Test]
    public async Task Wait_Json_IsTheClaimAsItAttached()
    {
        Changes(CliFixture.Claim(Phase.Attached));

        var result = await cli.RunAsync("attach", "d1", "win10", "--wait", "--json");

        Assert.That(result.Json.GetProperty("phase").GetString(), Is.EqualTo("ATTACHED"));
    }

    private void Changes(params Claim[] claims) => cli.Service.OnWatch = (_, _, token) => ThenNothing(
        [.. claims.Select(claim => new WatchEvent { Type = Type.Changed, Claim = claim })], token);

    private static async IAsyncEnumerable<WatchEvent> Once(WatchEvent change)
    {
        await Task.Yield();
        yield return change;
    }

    private static async IAsyncEnumerable<WatchEvent> ThenNothing(
        WatchEvent[] changes, [EnumeratorCancellation] CancellationToken token)
    {
        foreach (var change in changes)
        {
            yield return change;
        }

        await new TaskCompletionSource().Task.WaitAsync(token);
    }
}
