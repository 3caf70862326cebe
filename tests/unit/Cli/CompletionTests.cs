using System.Diagnostics;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Tests.Architecture;

namespace UsbHostd.Tests.Cli;

[TestFixture]
internal sealed class CompletionTests
{
    private CliFixture cli = null!;

    [SetUp]
    public async Task SetUp()
    {
        cli = await CliFixture.StartAsync();
        cli.Service.On<ListDevicesRequest>(_ => new ListDevicesResponse
        {
            Devices = { CliFixture.Stick, new Device { Id = "dhhhhhhhhhhhh", Port = "usb1", Hub = true }, new Device { Id = "deeeeeeeeeeee", Port = "1-5", Serial = "$(reboot)", SerialUnique = true } },
        });
        cli.Service.On<ListGuestsRequest>(_ => new ListGuestsResponse { Guests = { new Guest { Name = "win10" }, new Guest { Name = "a b;c" } } });
    }

    [TearDown]
    public async Task TearDown() => await cli.DisposeAsync();

    [TestCase(new[] { "device-l" }, new[] { "device-label", "device-list" })]
    [TestCase(new[] { "device-info", "4C53" }, new[] { "4C530001230405" })]
    [TestCase(new[] { "device-info", "" }, new[] { "1-4.2", "1-5", "4C530001230405", "daaaaaaaaaaaa", "deeeeeeeeeeee" })]
    [TestCase(new[] { "attach", "1-4.2", "w" }, new[] { "win10" })]
    [TestCase(new[] { "attach", "1-4.2", "win10", "--for" }, new[] { "--force" })]
    [TestCase(new[] { "no-such-verb", "x" }, new string[0])]
    public async Task Complete_LastWord_IsWhatItMayBe(string[] words, string[] expected)
    {
        var lines = (await cli.RunAsync(["complete", "--", .. words])).Lines.Where(l => l.Length > 0 && (words[^1].Length > 0 || !l.StartsWith('-')));

        Assert.That(lines, Is.EqualTo(expected));
    }

    [Test]
    public async Task Complete_WordsThatAShellWouldRun_AreNotOffered() =>
        Assert.That((await cli.RunAsync("complete", "--", "attach", "1-4.2", "")).Lines, Has.None.Contains(";").And.None.Contains("$"));

    [Test]
    public async Task Complete_DaemonRefuses_OffersTheOptionsAndSaysNothing()
    {
        cli.Service.On<ListDevicesRequest>(_ => throw new Daemon.Service.HostException(ErrorCode.ErrorPermissionDenied, "no"));

        var result = await cli.RunAsync("complete", "--", "device-info", "");

        Assert.That((result.Exit, result.Error), Is.EqualTo((0, "")));
    }

    [Test]
    public async Task Bash_Completes_WithWhatTheProgramSays()
    {
        var script = Path.Combine(Repository.Root, "contrib/completions/usbhostctl.bash");
        var start = new ProcessStartInfo("bash", ["-c",
            $"usbhostctl() {{ printf '%s\n' \"$*\" one; }}; . {script}; COMP_WORDS=(usbhostctl attach port:x w) COMP_CWORD=3; _usbhostctl; printf '%s|' \"${{COMPREPLY[@]}}\""])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using var bash = Process.Start(start)!;

        Assert.That(await bash.StandardOutput.ReadToEndAsync(), Is.EqualTo("complete -- attach port:x w|one|"));
    }
}
