// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Tests.Grpc;
using Type = UsbHostd.Api.V1.WatchEvent.Types.Type;

namespace UsbHostd.Tests.Cli;

/// <summary>The live view in a real terminal.</summary>
[TestFixture]
internal sealed class MonitorTerminalTests
{
    private GrpcFixture grpc = null!;
    private Channel<WatchEvent> told = null!;

    [SetUp]
    public async Task SetUp()
    {
        grpc = await GrpcFixture.StartAsync();
        told = Answer(grpc, "1.2.3");
    }

    [TearDown]
    public async Task TearDown() => await grpc.DisposeAsync();

    [Test]
    public async Task Monitor_DeviceIsPlugged_IsShown()
    {
        await using var terminal = await StartAsync();
        await terminal.UntilAsync("0 devices");

        told.Writer.TryWrite(new WatchEvent { Type = Type.Changed, Device = CliFixture.Stick });

        await terminal.UntilAsync("1-4.2  Kingston DataTraveler 3.0  4C530001230405  0951:1666");
        Assert.That(await terminal.StateAsync("#{alternate_on} #{cursor_flag}"), Is.EqualTo("1 0"));
    }

    [Test]
    public async Task Monitor_Quit_LeavesTheTerminalAsItWas()
    {
        await using var terminal = await StartAsync();
        await terminal.UntilAsync("0 devices");

        await terminal.TypeAsync("q");

        Assert.That(await terminal.UntilAsync("left with "), Is.EqualTo("left with 0, opost icanon echo"));
        Assert.That(await terminal.StateAsync("#{alternate_on} #{cursor_flag} #{wrap_flag}"), Is.EqualTo("0 1 1"));
    }

    [TestCase("TERM")]
    [TestCase("HUP")]
    public async Task Monitor_Signal_LeavesTheTerminalAsItWas(string signal)
    {
        await using var terminal = await StartAsync();
        await terminal.UntilAsync("0 devices");

        await terminal.SignalAsync(signal);

        Assert.That(await terminal.UntilAsync("left with "), Does.EndWith(", opost icanon echo"));
        Assert.That(await terminal.StateAsync("#{alternate_on} #{cursor_flag} #{wrap_flag}"), Is.EqualTo("0 1 1"));
    }

    [Test]
    public async Task Monitor_TerminalGetsNarrow_IsDrawnAnew()
    {
        await using var terminal = await StartAsync();
        await terminal.UntilAsync("0 devices");
        told.Writer.TryWrite(new WatchEvent { Type = Type.Changed, Device = CliFixture.Stick });
        await terminal.UntilAsync("DataTraveler 3.0 ");

        await terminal.ResizeAsync(50, 10);

        var screen = await terminal.UntilAsync("1-4.2  Kingsto…  4C53000…  0951:1666  -      free");
        Assert.That(screen.Split('\n')[0], Does.StartWith("usbhostd 1.2.3 at unix:").And.EndWith("…").And.Length.EqualTo(50));
    }

    [Test]
    public async Task Monitor_DaemonStartsAnew_IsWatchedAnew()
    {
        await using var terminal = await StartAsync();
        await terminal.UntilAsync("usbhostd 1.2.3");

        told.Writer.TryComplete();
        await grpc.StopServerAsync();
        await terminal.UntilAsync("not connected, trying again");
        await using var next = await GrpcFixture.StartAsync(options => options with { SocketPath = grpc.Options.SocketPath });
        Answer(next, "4.5.6");

        Assert.That(await terminal.UntilAsync("usbhostd 4.5.6"), Does.Not.Contain("not connected"));
    }

    [Test]
    public async Task Monitor_InTheShell_GivesTheKeysBack()
    {
        await using var terminal = await TmuxTerminal.StartAsync("", ("USBHOSTD_CONNECT", grpc.Address), ("HOME", "/nonexistent"), ("XDG_STATE_HOME", ""));
        await terminal.UntilAsync("usbhostd ");
        await terminal.EnterAsync("monitor");
        await terminal.UntilAsync("0 devices");

        await terminal.TypeAsync("q");
        await terminal.UntilAsync("'help' lists");
        await terminal.EnterAsync("uri");

        await terminal.UntilAsync(grpc.Address);
    }

    [Test]
    public async Task Monitor_NoTerminal_SaysWhatNeedsNone()
    {
        var result = await CliResult.OfAsync(["monitor", "--connect", grpc.Address], null, _ => null);

        Assert.That((result.Exit, result.Error), Is.EqualTo((2,
            "error: monitor needs a terminal that can place the cursor\n"
            + "hint: see what there is: usbhostctl claim-list; or what changes: usbhostctl event --loop\n")));
    }

    private static Channel<WatchEvent> Answer(GrpcFixture grpc, string version)
    {
        var changes = Channel.CreateUnbounded<WatchEvent>();
        changes.Writer.TryWrite(new WatchEvent { Type = Type.SnapshotEnd });
        grpc.Service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = version });
        grpc.Service.OnWatch = (_, _, token) => WatchAsync(changes, token);
        return changes;
    }

    private static async IAsyncEnumerable<WatchEvent> WatchAsync(Channel<WatchEvent> changes, [EnumeratorCancellation] CancellationToken token)
    {
        await foreach (var change in changes.Reader.ReadAllAsync(token))
        {
            yield return change;
        }
    }

    private Task<TmuxTerminal> StartAsync() => TmuxTerminal.StartAsync("monitor", ("USBHOSTD_CONNECT", grpc.Address));
}
