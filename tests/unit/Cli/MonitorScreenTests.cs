// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Cli;
using UsbHostd.Cli.Monitor;
using Type = UsbHostd.Api.V1.WatchEvent.Types.Type;

namespace UsbHostd.Tests.Cli;

[TestFixture]
internal sealed partial class MonitorScreenTests
{
    private const int Rows = 12;

    private MonitorModel model = null!;

    [SetUp]
    public void SetUp() => model = new MonitorModel { Version = "1.2.3" };

    [Test]
    public void Frame_DeviceWithClaim_IsOneRow()
    {
        var stick = CliFixture.Stick;
        stick.ClaimId = "cbbbbbbbbbbbb";
        Tell(Type.Snapshot, stick, CliFixture.Claim(Phase.Held, Reason.DetachedByOther, "taken out", "claim-retry"));

        var frame = Frame(100);
        Assert.That(
            (frame[4], frame[5], frame[^2]),
            Is.EqualTo((
                "1-4.2  Kingston DataTraveler 3.0  4C530001230405  0951:1666  win10  held   detached-by-other", "",
                "claim cbbbbbbbbbbbb; taken out; claim-retry")));
    }

    [Test]
    public void Frame_ClaimWithoutDevice_HasARow()
    {
        Tell(Type.Snapshot, CliFixture.Claim(Phase.WaitingForDevice, Reason.DeviceAbsent));

        Assert.That(Frame(100)[4], Is.EqualTo("-     DataTraveler 3.0  -       -       win10  waiting-for-device  device-absent"));
    }

    [Test]
    public void Frame_ClaimWithoutDevice_IsToldApartBySerialAndPort()
    {
        var (one, two) = (CliFixture.Claim(Phase.WaitingForDevice), CliFixture.Claim(Phase.WaitingForDevice));
        (one.Serial, one.Port, two.Id, two.Serial, two.Port) = ("S-1", "1-2", "cccccccccccc", "S-2", "1-3");
        Tell(Type.Snapshot, one, two);

        Assert.That((Frame(100)[4][..33], Frame(100)[5][..33]), Is.EqualTo(("1-2   DataTraveler 3.0  S-1     -", "1-3   DataTraveler 3.0  S-2     -")));
    }

    [Test]
    public void Frame_Counts_AreOfWhatIsThere()
    {
        Tell(
            Type.Snapshot, CliFixture.Stick, new Device { Id = "dh", Hub = true }, CliFixture.Claim(Phase.Attached),
            new Guest { Name = "win10", Uuid = "1", State = Guest.Types.State.Running }, new Guest { Name = "erp", Uuid = "2" });

        Assert.That(Frame(100)[1], Is.EqualTo("1 devices   2 guests, 1 running   1 claims: 1 attached"));
    }

    [Test]
    public void Frame_Resync_ShowsTheOldUntilTheNewIsComplete()
    {
        Tell(Type.Snapshot, CliFixture.Stick);
        model.Take(new WatchEvent { Type = Type.Resync });
        var before = Frame(100)[1];
        model.Take(new WatchEvent { Type = Type.SnapshotEnd });

        Assert.That((before[..9], Frame(100)[1][..9]), Is.EqualTo(("1 devices", "0 devices")));
    }

    [Test]
    public void Frame_RemovedAndReleased_AreGone()
    {
        Tell(Type.Snapshot, CliFixture.Stick, CliFixture.Claim(Phase.Attached));
        model.Take(new WatchEvent { Type = Type.Removed, Device = CliFixture.Stick });
        model.Take(new WatchEvent { Type = Type.Changed, Claim = CliFixture.Claim(Phase.Released) });

        Assert.That(Frame(100)[1], Is.EqualTo("0 devices   0 guests, 0 running   0 claims"));
    }

    [TestCase(100)]
    [TestCase(80)]
    [TestCase(40)]
    [TestCase(10)]
    [TestCase(1)]
    public void Frame_AnyWidth_IsCutAndNeverWraps(int columns)
    {
        var wide = CliFixture.Stick;
        wide.ProductName = string.Concat(Enumerable.Repeat("漢字", 40)) + "\u001b[2J";
        Tell(Type.Snapshot, wide, CliFixture.Claim(Phase.Failed, Reason.InUseByHost, new string('m', 200)));

        Assert.That(Frame(columns).Max(TerminalText.WidthOf), Is.LessThanOrEqualTo(columns));
    }

    [TestCase(1)]
    [TestCase(3)]
    [TestCase(6)]
    public void Frame_FewRows_ShowsNoMore(int rows)
    {
        Tell(Type.Snapshot, CliFixture.Stick);

        Assert.That(new MonitorScreen("unix:/s", isColored: false).Frame(model, 80, rows), Does.Not.Contain($"\u001b[{rows + 1};1H"));
    }

    [Test]
    public void Frame_HostileDevice_SteersNothing()
    {
        var hostile = CliFixture.Stick;
        hostile.ProductName = "\u001b]0;x\a\u202e";
        Tell(Type.Snapshot, hostile);

        Assert.That(string.Concat(Frame(100)), Does.Contain(@"\x1b]0;x\x07\u202e").And.Not.Contain("\a"));
    }

    [Test]
    public void Frame_MoreThanFits_ScrollsToTheSelected()
    {
        Tell(Type.Snapshot, [.. Enumerable.Range(1, 30).Select(i => new Device { Id = $"d{i}", Port = $"1-{i}", Label = "x" })]);
        var screen = new MonitorScreen("unix:/s", isColored: false);
        Frame(screen, 80);

        screen.Move(9);
        var moved = Frame(screen, 80);

        Assert.That((moved[4][..4], moved[9][..5]), Is.EqualTo(("1-5 ", "1-10 ")));
    }

    [Test]
    public void Frame_DeviceBeforeTheSelectedGoes_SelectionStaysOnItsDevice()
    {
        Tell(Type.Snapshot, new Device { Id = "d1", Port = "1-1", Label = "x" }, new Device { Id = "d2", Port = "1-2", Label = "y" }, new Device { Id = "d3", Port = "1-3", Label = "z" });
        var screen = new MonitorScreen("unix:/s", isColored: false);
        screen.Frame(model, 80, Rows);
        screen.Move(1);
        screen.Frame(model, 80, Rows);

        model.Take(new WatchEvent { Type = Type.Removed, Device = new Device { Id = "d1", Port = "1-1" } });

        Assert.That(screen.Frame(model, 80, Rows), Does.Match(@"\x1b\[7m1-2 "));
    }

    [TestCase(Phase.Attached, "\u001b[32mattached")]
    [TestCase(Phase.Failed, "\u001b[31mfailed")]
    [TestCase(Phase.Attaching, "\u001b[33mattaching")]
    public void Frame_Phase_HasItsColour(Phase phase, string expected)
    {
        Tell(Type.Snapshot, new Device { Id = "d0", Port = "1-1", Label = "selected" }, CliFixture.Claim(phase));
        var screen = new MonitorScreen("unix:/s", isColored: true);
        screen.Move(1);

        Assert.That(screen.Frame(model, 100, Rows), Does.Contain(expected));
    }

    [Test]
    public void Frame_NoConnection_SaysWhy()
    {
        model.Failure = "nobody answers";

        Assert.That(Frame(100)[0], Is.EqualTo("usbhostd 1.2.3 at unix:/s: not connected, trying again: nobody answers"));
    }

    [GeneratedRegex(@"\x1b\[\d+;1H", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex LineStart();

    [GeneratedRegex(@"\x1b\[\d*[mKJ]", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Styles();

    private void Tell(Type type, params Google.Protobuf.IMessage[] objects)
    {
        foreach (var told in objects)
        {
            model.Take(told switch
            {
                Device device => new WatchEvent { Type = type, Device = device },
                Claim claim => new WatchEvent { Type = type, Claim = claim },
                _ => new WatchEvent { Type = type, Guest = (Guest)told },
            });
        }

        model.Take(new WatchEvent { Type = Type.SnapshotEnd });
    }

    private string[] Frame(int columns) => Frame(new MonitorScreen("unix:/s", isColored: true), columns);

    private string[] Frame(MonitorScreen screen, int columns) =>
        [.. LineStart().Split(screen.Frame(model, columns, Rows)).Skip(1).Select(line => Styles().Replace(line, "").TrimEnd())];
}
