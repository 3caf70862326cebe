// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Tests.Grpc;

namespace UsbHostd.Tests.Cli;

/// <summary>The shell in a real terminal.</summary>
[TestFixture]
internal sealed class ShellTerminalTests
{
    private GrpcFixture grpc = null!;
    private DirectoryInfo home = null!;

    private string HistoryFile => Path.Combine(home.FullName, "state", "usbhostd", "history");

    [SetUp]
    public async Task SetUp()
    {
        grpc = await GrpcFixture.StartAsync();
        home = Directory.CreateTempSubdirectory("usbhostd-home-");
        grpc.Service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = "1.2.3" });
        grpc.Service.On<ListDevicesRequest>(_ => new ListDevicesResponse
        {
            Devices = { new Device { Id = "daaaaaaaaaaaa", Port = "1-4.2", Label = "blue stick", VendorId = "0951", ProductId = "1666" } },
        });
        grpc.Service.On<GetDeviceRequest>(request => new Device { Id = "daaaaaaaaaaaa", Port = "1-4.2", ProductName = "asked for " + request.Device });
    }

    [TearDown]
    public async Task TearDown()
    {
        await grpc.DisposeAsync();
        home.Delete(recursive: true);
    }

    [Test]
    public async Task Shell_SecondSession_HasTheLinesOfTheFirst()
    {
        await using (var first = await StartAsync())
        {
            await first.UntilAsync("usbhostd ");
            await first.EnterAsync("uri; version");
            await first.UntilAsync(screen => screen.Contains("1.2.3", StringComparison.Ordinal) && screen.Split('\n')[^1].StartsWith("usbhostd ", StringComparison.Ordinal));
            await first.PressAsync("C-d");
            await first.UntilAsync("left with 0");
        }

        await using var second = await StartAsync();
        await second.UntilAsync("usbhostd ");
        await second.PressAsync("Up", "Enter");

        Assert.That(await second.UntilAsync("1.2.3"), Does.Contain("uri; version"));
        Assert.That(File.GetUnixFileMode(HistoryFile), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    [Test]
    public async Task Shell_Tab_CompletesVerbsAndADevicesName()
    {
        await using var terminal = await StartAsync();
        await terminal.UntilAsync("usbhostd ");

        await terminal.TypeAsync("device-i");
        await terminal.PressAsync("Tab");
        await terminal.UntilAsync("device-info");
        await terminal.TypeAsync("bl");
        await terminal.PressAsync("Tab");
        await terminal.UntilAsync(@"device-info blue\ stick");
        await terminal.PressAsync("Enter");

        await terminal.UntilAsync("asked for blue stick");
    }

    [Test]
    public async Task Shell_CtrlC_EndsTheVerbAndNotTheShell()
    {
        var (asked, cancelled) = (new TaskCompletionSource(), new TaskCompletionSource());
        grpc.Service.On<GetVersionRequest>((_, _, token) =>
        {
            asked.TrySetResult();
            return new ValueTask<Google.Protobuf.IMessage>(NoAnswer.UntilCancelledAsync(cancelled, token));
        });
        await using var terminal = await StartAsync();
        await terminal.UntilAsync("usbhostd ");

        await terminal.EnterAsync("version");
        await asked.Task.WaitAsync(TimeSpan.FromMinutes(1));
        await terminal.PressAsync("C-c");
        await cancelled.Task.WaitAsync(TimeSpan.FromMinutes(1));
        await terminal.EnterAsync("uri");

        await terminal.UntilAsync(grpc.Address);
    }

    [Test]
    public async Task Shell_CtrlCAtThePrompt_GivesUpTheLine()
    {
        await using var terminal = await StartAsync();
        await terminal.UntilAsync("usbhostd ");

        await terminal.TypeAsync("no such verb");
        await terminal.PressAsync("C-c");
        await terminal.EnterAsync("uri");

        Assert.That(await terminal.UntilAsync(grpc.Address), Does.Contain("no such verb^C").And.Not.Contain("error"));
    }

    [Test]
    public async Task Shell_Terminated_LeavesTheTerminalAsItWas()
    {
        await using var terminal = await StartAsync();
        await terminal.UntilAsync("usbhostd ");

        await terminal.SignalAsync("TERM");

        Assert.That(await terminal.UntilAsync("left with "), Does.Contain("left with 143, opost icanon echo"));
    }

    [Test]
    public async Task Shell_Connect_AsksTheOther()
    {
        await using var other = await GrpcFixture.StartAsync();
        other.Service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = "7.7.7" });
        await using var terminal = await StartAsync();
        await terminal.UntilAsync("usbhostd ");

        await terminal.EnterAsync("connect unix:/nonexistent/api.sock");
        await terminal.UntilAsync("no socket at /nonexistent/api.sock");
        await terminal.EnterAsync("uri");
        await terminal.UntilAsync(grpc.Address);
        await terminal.EnterAsync("connect " + other.Address);

        await terminal.UntilAsync("connected to usbhostd 7.7.7 at " + other.Address);
    }

    [Test]
    public async Task Shell_DaemonStartsAnew_IsAskedAnew()
    {
        await using var terminal = await StartAsync();
        await terminal.UntilAsync("usbhostd ");
        await terminal.EnterAsync("version");
        await terminal.UntilAsync("1.2.3");

        await grpc.StopServerAsync();
        await using var next = await GrpcFixture.StartAsync(options => options with { SocketPath = grpc.Options.SocketPath });
        next.Service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = "4.5.6" });
        await terminal.EnterAsync("version");

        await terminal.UntilAsync("4.5.6");
    }

    [Test]
    public async Task Shell_CtrlR_FindsTheLine()
    {
        await using var terminal = await StartAsync();
        await terminal.UntilAsync("usbhostd ");
        await terminal.EnterAsync("version");
        await terminal.UntilAsync("1.2.3");
        await terminal.EnterAsync("uri");

        // Until the shell reads keys again, C-r is the terminal's own.
        await terminal.UntilAsync(screen => screen.Contains(grpc.Address, StringComparison.Ordinal) && screen.Split('\n')[^1].StartsWith("usbhostd ", StringComparison.Ordinal));
        await terminal.PressAsync("C-r");
        await terminal.TypeAsync("vers");

        await terminal.UntilAsync("(reverse-i-search)'vers': version");
    }

    private Task<TmuxTerminal> StartAsync() => TmuxTerminal.StartAsync(
        "", ("USBHOSTD_CONNECT", grpc.Address), ("XDG_STATE_HOME", Path.Combine(home.FullName, "state")));
}
