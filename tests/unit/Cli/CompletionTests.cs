// SPDX-License-Identifier: Apache-2.0
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
        cli.Service.On<ListGuestsRequest>(_ => new ListGuestsResponse { Guests = { new Guest { Name = "win10" }, new Guest { Name = "a b;c" }, new Guest { Name = "uuid:x" } } });
        cli.Service.On<ListAnswersRequest>(_ => new ListAnswersResponse { Answers = { new DeviceAnswer { Id = "aaaaaaaaaaaaa" } } });
    }

    [TearDown]
    public async Task TearDown() => await cli.DisposeAsync();

    [TestCase(new[] { "device-l" }, new[] { "device-label", "device-list" })]
    [TestCase(new[] { "device-info", "4C53" }, new[] { "4C530001230405" })]
    [TestCase(new[] { "device-info", "" }, new[] { "1-4.2", "1-5", "4C530001230405", "daaaaaaaaaaaa", "deeeeeeeeeeee" })]
    [TestCase(new[] { "attach", "" }, new[] { "1-4.2", "1-5", "4C530001230405", "daaaaaaaaaaaa", "deeeeeeeeeeee" })]
    [TestCase(new[] { "attach", "ser" }, new[] { "serial:4C530001230405" })]
    [TestCase(new[] { "attach", "serial:" }, new[] { "serial:4C530001230405" })]
    [TestCase(new[] { "attach", "port:" }, new[] { "port:1-4.2", "port:1-5" })]
    [TestCase(new[] { "attach", "id:d" }, new[] { "id:daaaaaaaaaaaa", "id:deeeeeeeeeeee" })]
    [TestCase(new[] { "attach", "usb:0951" }, new[] { "usb:0951:1666" })]
    [TestCase(new[] { "attach", "w" }, new string[0])]
    [TestCase(new[] { "attach", "1-4.2", "" }, new[] { "uuid:x", "win10" })]
    [TestCase(new[] { "attach", "1-4.2", "w" }, new[] { "win10" })]
    [TestCase(new[] { "attach", "1-4.2", "1" }, new string[0])]
    [TestCase(new[] { "attach", "1-4.2", "win10", "" }, new string[0])]
    [TestCase(new[] { "attach", "--wait", "1-4.2", "" }, new[] { "uuid:x", "win10" })]
    [TestCase(new[] { "attach", "--", "1-4.2", "" }, new[] { "uuid:x", "win10" })]
    [TestCase(new[] { "attach", "1-4.2", "win10", "--for" }, new[] { "--force" })]
    [TestCase(new[] { "attach", "--by", "" }, new[] { "port", "serial" })]
    [TestCase(new[] { "attach", "--by=s" }, new[] { "--by=serial" })]
    [TestCase(new[] { "attach", "--timeout", "" }, new string[0])]
    [TestCase(new[] { "device-list", "-" }, new[] { "--color", "--connect", "--help", "--json", "--tls-ca", "--tls-certificate", "--tls-key", "-h" })]
    [TestCase(new[] { "policy-import", "" }, new[] { "openstack", "usbredir" })]
    [TestCase(new[] { "answer-forget", "" }, new[] { "aaaaaaaaaaaaa" })]
    [TestCase(new[] { "health", "" }, new string[0])]
    [TestCase(new[] { "/" }, new string[0])]
    [TestCase(new[] { "no-such-verb", "x" }, new string[0])]
    [TestCase(new[] { "no-such-verb", "" }, new string[0])]
    public async Task Complete_LastWord_IsWhatItMayBe(string[] words, string[] expected) =>
        Assert.That((await cli.RunAsync(["complete", "--", .. words])).Lines.Where(l => l.Length > 0), Is.EqualTo(expected));

    [Test]
    public async Task Complete_Nothing_OffersTheVerbsOnly()
    {
        var lines = (await cli.RunAsync("complete", "--", "")).Lines;

        Assert.That(lines, Does.Contain("attach").And.Contain("policy-show"));
        Assert.That(lines, Has.None.StartsWith("-").And.None.StartsWith("/").And.None.EqualTo("complete"));
    }

    [Test]
    public async Task Complete_WordsThatAShellWouldRun_AreNotOffered() =>
        Assert.That((await cli.RunAsync("complete", "--", "attach", "1-4.2", "")).Lines, Has.None.Contains(";").And.None.Contains("$"));

    [Test]
    public async Task Complete_DaemonRefuses_SaysNothing()
    {
        cli.Service.On<ListDevicesRequest>(_ => throw new Daemon.Errors.HostException(ErrorCode.ErrorPermissionDenied, "no"));

        var result = await cli.RunAsync("complete", "--", "device-info", "");

        Assert.That((result.Exit, result.Out, result.Error), Is.EqualTo((0, "", "")));
    }

    [TestCase("usbhostctl attach port:x w", "usbhostctl attach port : x w", "attach|port:x|w", "win10", ExpectedResult = "win10")]
    [TestCase("usbhostctl attach serial:", "usbhostctl attach serial :", "attach|serial:", "serial:4C53", ExpectedResult = "4C53")]
    [TestCase("usbhostctl attach serial:4", "usbhostctl attach serial : 4", "attach|serial:4", "serial:4C53", ExpectedResult = "4C53")]
    [TestCase("usbhostctl attach usb:0951:1", "usbhostctl attach usb : 0951 : 1", "attach|usb:0951:1", "usb:0951:1666", ExpectedResult = "1666")]
    [TestCase("usbhostctl attach ser", "usbhostctl attach ser", "attach|ser", "serial:4C53", ExpectedResult = "serial:4C53")]
    [TestCase("usbhostctl attach x g --by=", "usbhostctl attach x g --by =", "attach|x|g|--by=", "--by=port", ExpectedResult = "port")]
    [TestCase("usbhostctl attach  serial:1 ", "usbhostctl attach serial : 1 ''", "attach|serial:1|", "win10", ExpectedResult = "win10")]
    [TestCase("usbhostctl attach a@b", "usbhostctl attach a @ b", "attach|a@b", "a@bcd", ExpectedResult = "@bcd")]
    public async Task<string> Bash_WordsThatItBreaks_AreOneForTheProgram(string line, string words, string asked, string offered)
    {
        var script = Path.Combine(Repository.Root, "contrib/completions/usbhostctl.bash");
        var start = new ProcessStartInfo("bash", ["-c", $$"""
            . {{script}}
            COMP_WORDS=({{words}}); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE=$LINE; COMP_POINT=${#LINE}
            usbhostctl() { shift 2; IFS='|'; printf '%s' "$*" >"$ASKED"; echo "$OFFERED"; }
            _usbhostctl; printf '%s' "${COMPREPLY[*]}"
            """])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        var told = Path.GetTempFileName();
        (start.Environment["LINE"], start.Environment["OFFERED"], start.Environment["ASKED"]) = (line, offered, told);
        using var bash = Process.Start(start)!;
        var reply = await bash.StandardOutput.ReadToEndAsync();
        Assert.That(await File.ReadAllTextAsync(told), Is.EqualTo(asked));
        File.Delete(told);
        return reply;
    }
}
