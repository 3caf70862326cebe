// SPDX-License-Identifier: Apache-2.0
using System.Text;
using NUnit.Framework;
using UsbHostd.Cli;

namespace UsbHostd.Tests.Cli;

/// <summary>policy-check, policy-import and policy-export, with no daemon anywhere.</summary>
[TestFixture]
internal sealed class OfflinePolicyTests
{
    private RuleFolder folder = null!;

    [SetUp]
    public void Make() => folder = new RuleFolder();

    [TearDown]
    public void Remove() => folder.Dispose();

    [Test]
    public async Task Check_GoodFile_IsCounted()
    {
        var path = folder.Write("good", "# mine\nallow id 0951:1666\nblock\n");

        var result = await RunAsync("policy-check", path);

        Assert.That((result.Exit, result.Out, result.Error), Is.EqualTo((0, $"{path}: 2 rules\n", "")));
    }

    [Test]
    public async Task Check_BadFile_IsRefusedWithPlaceFoundAndExpected()
    {
        var (bad, good) = (folder.Write("bad", "allow\nallow id \u001b[2J\n"), folder.Write("good", "block\n"));

        var result = await RunAsync("policy-check", bad, good);

        Assert.Multiple(() =>
        {
            Assert.That((result.Exit, result.Out), Is.EqualTo((2, $"{good}: 1 rule\n")));
            Assert.That(result.Error, Does.Match($@"^{bad}:2:10: found ""\\x1b\[2J"", expected .+\n$"));
        });
    }

    [Test]
    public async Task Check_Warning_IsNoFailure()
    {
        var path = folder.Write("bus", "allow on-bus 2\n");

        var result = await RunAsync("policy-check", path);

        Assert.That(result.Exit, Is.Zero);
        Assert.That(result.Error, Does.StartWith($"{path}:1:").And.Contain(": warning: "));
    }

    [Test]
    public async Task Check_FileThatAnybodyMayWrite_IsWarnedOf()
    {
        var path = folder.Write("open", "block\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherWrite);

        Assert.That((await RunAsync("policy-check", path)).Error, Does.StartWith($"{path}: warning: everybody may write to it"));
    }

    [Test]
    public async Task Check_NoSuchFile_IsUsage()
    {
        var result = await RunAsync("policy-check", folder.Path + "/none");

        Assert.That(result.Exit, Is.EqualTo(2));
        Assert.That(result.Error, Does.StartWith($"error: can't read {folder.Path}/none: "));
    }

    [Test]
    public async Task Check_Dash_IsTheStandardInput()
    {
        var result = await RunWithAsync("allow\nblok\n", "policy-check", "-");

        Assert.That(result.Error, Does.StartWith("-:2:1: found \"blok\", expected "));
    }

    [Test]
    public async Task Check_Json_IsRefused() =>
        Assert.That((await RunAsync("policy-check", "--json", "x")).Error, Does.StartWith("error: policy-check writes no JSON\n"));

    [Test]
    public async Task Import_Usbredir_IsRules()
    {
        var result = await RunWithAsync("0x08,0x0951,0x1666,-1,1|-1,-1,-1,-1,0\n", "policy-import", "usbredir", "-");

        Assert.That((result.Exit, result.Out.Split('\n')[0]), Is.EqualTo((0, "block id 0951:1666 with-interface match-all { 03:00:00 }")), result.Error);
    }

    [Test]
    public async Task Import_UsbredirThatRulesCanNotSay_IsRefused()
    {
        var result = await RunAsync("policy-import", "usbredir", "-1,0x0951,0x1666,0x0100,1");

        Assert.That(result.Exit, Is.EqualTo(2));
        Assert.That(result.Error, Does.StartWith("error: rule 1 of the usbredir filter asks for a bcdDevice"));
    }

    [Test]
    public async Task Import_OpenStackOff_ImportsNothingAndSaysSo()
    {
        var list = folder.Write("nova.conf", "usb_passthrough_whitelist = [{\"vendor\": \"0x136b\"}]\n");

        var result = await RunAsync("policy-import", "openstack", list);

        Assert.That((result.Exit, result.Out), Is.EqualTo((2, "")));
        Assert.That(result.Error, Does.StartWith("error: nothing is imported: the list usb_passthrough_whitelist in line 1 is switched off"));
    }

    [Test]
    public async Task Import_ByteOrderMarkBeforeTheFirstKey_IsPassedOver()
    {
        var list = folder.Write("nova.conf", "\ufeffusb_white_list_switch = true\nusb_white_list = [{\"vendor\": \"0x136b\"}]\n");

        var result = await RunAsync("policy-import", "openstack", list);

        Assert.That((result.Exit, result.Out, result.Error), Is.EqualTo((0, "allow id 136b:*\n", "")));
    }

    [TestCase("")]
    [TestCase("[DEFAULT]\nusb_passthrough = on\n")]
    [TestCase("usb_white_list_switch = on\nusb_white_list = []\n")]
    public async Task Import_NothingInTheFile_IsNoSuccess(string text)
    {
        var result = await RunAsync("policy-import", "openstack", folder.Write("nova.conf", text));

        Assert.That((result.Exit, result.Out), Is.EqualTo((2, "")));
        Assert.That(result.Error, Does.StartWith("error: nothing is imported: "));
    }

    [Test]
    public async Task Check_AsteriskInAText_IsWarnedOf()
    {
        var path = folder.Write("star", "allow name \"DataTraveler*\"\n");

        var result = await RunAsync("policy-check", path);

        Assert.That(result.Exit, Is.Zero);
        Assert.That(result.Error, Does.StartWith($"{path}:1:12: warning: * stands for itself"));
    }

    [Test]
    public async Task Import_OpenStackWithoutAddresses_NeedsNoDaemon()
    {
        var list = folder.Write("nova.conf", "usb_passthrough = on\nusb_passthrough_whitelist = [{\"vendor\": \"0x136b\", \"product\": \"0x0003\", \"bus\": \"2\"}]\n");

        Assert.That((await RunAsync("policy-import", "openstack", list)).Out, Is.EqualTo("allow id 136b:0003 on-bus 2\n"));
    }

    [Test]
    public async Task Import_OpenStackAddressAndNoDaemon_IsRefused()
    {
        var list = folder.Write("nova.conf", "usb_passthrough = on\nusb_passthrough_whitelist = [{\"vendor\": \"0x136b\", \"bus\": \"2\", \"device\": \"2\"}]\n");

        var result = await RunAsync("policy-import", "openstack", list);

        Assert.That(result.Exit, Is.EqualTo(9));
        Assert.That(result.Error, Does.StartWith("error: the list has a device number, which only a running usbhostd can tell the port of: "));
    }

    [TestCase("usbredir", "-1,0x0951,0x1666,-1,1|-1,-1,-1,-1,0\n")]
    [TestCase("redirfilter", """
        <redirfilter>
          <usbdev vendor="0x0951" product="0x1666" allow="yes" />
          <usbdev allow="no" />
        </redirfilter>

        """)]
    public async Task Export_RulesOnIds_AreTheFilter(string form, string filter)
    {
        var rules = folder.Write("rules", "allow id 0951:1666\n");

        var result = await RunAsync("policy-export", "--as", form, "--rules", rules);

        Assert.That((result.Exit, result.Out), Is.EqualTo((0, filter)), result.Error);
    }

    [Test]
    public async Task Export_RuleThatAFilterCanNotSay_IsRefusedByPlace()
    {
        var rules = folder.Write("rules", "block\nallow serial \"A\"\n");

        var result = await RunAsync("policy-export", "--as", "usbredir", "--rules", rules);

        Assert.That((result.Exit, result.Out), Is.EqualTo((2, "")));
        Assert.That(result.Error, Does.StartWith($"error: {rules}:2: serial can't be exported"));
    }

    private static Task<CliResult> RunAsync(params string[] args) => RunWithAsync("", args);

    private static async Task<CliResult> RunWithAsync(string input, params string[] args)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        var terminal = new CliTerminal(output, error, null, name => name == CommandLine.ConnectVariable ? "unix:/nonexistent/api.sock" : null)
        {
            OpenInput = () => new MemoryStream(Encoding.UTF8.GetBytes(input)),
        };
        var exit = await new CommandLine(terminal).RunAsync(args);
        return new CliResult(exit, output.ToString(), error.ToString());
    }
}
