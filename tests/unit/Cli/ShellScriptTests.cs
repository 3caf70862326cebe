// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;

namespace UsbHostd.Tests.Cli;

/// <summary>The shell with no terminal: lines of the standard input.</summary>
[TestFixture]
internal sealed class ShellScriptTests
{
    private CliFixture cli = null!;

    [SetUp]
    public async Task StartAsync()
    {
        cli = await CliFixture.StartAsync();
        cli.Service.On<SetDeviceLabelRequest>(request => new Device { Id = "d1", Label = request.Label });
        cli.Service.On<GetDeviceRequest>(_ => throw new HostException(ErrorCode.ErrorDeviceNotFound, "none", "look"));
    }

    [TearDown]
    public async Task StopAsync() => await cli.DisposeAsync();

    [Test]
    public async Task Lines_All_AreRunWithTheirQuotes()
    {
        var result = await cli.RunLinesAsync("# two labels\ndevice-label d1 'blue stick'\n\ndevice-label d1 red; device-label d1 green");

        Assert.That(
            (result.Exit, result.Out, result.Error),
            Is.EqualTo((0, "Device d1 (blue stick) is labelled\nDevice d1 (red) is labelled\nDevice d1 (green) is labelled\n", "")));
    }

    [Test]
    public async Task Lines_OneFails_IsTheLast()
    {
        var result = await cli.RunLinesAsync("device-label d1 red\ndevice-info d9\ndevice-label d1 green\n");

        Assert.That(
            (result.Exit, result.Out, result.Error),
            Is.EqualTo((3, "Device d1 (red) is labelled\n", "error: none\nhint: look\nstopped at line 2: device-info d9\n")));
    }

    [Test]
    public async Task Lines_BehindQuit_AreNotRun() =>
        Assert.That((await cli.RunLinesAsync("quit\ndevice-info d9\n")).Exit, Is.Zero);

    [TestCase("device-list 'x", "error: a quote has no end\n")]
    [TestCase("no-such-verb", "hint: help\n")]
    public async Task Lines_NoCommand_IsUsage(string line, string expected)
    {
        var result = await cli.RunLinesAsync(line + "\n");

        Assert.That((result.Exit, result.Error), Is.EqualTo((2, result.Error)));
        Assert.That(result.Error, Does.Contain(expected));
    }

    [Test]
    public async Task Json_OfTheShell_IsThatOfItsCommands()
    {
        var result = await cli.RunLinesAsync("device-label d1 red\n", "--json");

        Assert.That(result.Json.GetProperty("label").GetString(), Is.EqualTo("red"));
    }

    [TestCase("help devices", "Devices (help devices):\n  device-list ")]
    [TestCase("help claim-info", "claim-info <CLAIM>")]
    [TestCase("help", "Shell (help shell):")]
    public async Task Help_Topic_IsShown(string line, string expected) =>
        Assert.That((await cli.RunLinesAsync(line + "\n")).Out, Does.Contain(expected));

    [Test]
    public async Task Help_UnknownTopic_NamesTheGroups()
    {
        var result = await cli.RunAsync("help", "nothing");

        Assert.That((result.Exit, result.Error), Is.EqualTo((2,
            "error: 'nothing' is neither a verb nor a group of verbs\nhint: groups are devices, claims, guests, policy, rules, daemon, shell; see the verbs: usbhostctl --help\n")));
    }
}
