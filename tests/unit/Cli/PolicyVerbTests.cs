// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;

namespace UsbHostd.Tests.Cli;

[TestFixture]
internal sealed class PolicyVerbTests
{
    private static readonly PolicyRule AllowStick = new()
    {
        Text = "allow id 0951:1666 name \"\\xc3\\xa4\"",
        File = "/etc/usbhostd/rules.conf",
        Line = 3,
        DeviceIds = { "daaaaaaaaaaaa" },
    };

    private CliFixture cli = null!;

    [SetUp]
    public async Task StartAsync() => cli = await CliFixture.StartAsync();

    [TearDown]
    public async Task StopAsync() => await cli.DisposeAsync();

    [Test]
    public async Task Show_Rules_HavePlaceAndDevices()
    {
        cli.Service.On<GetPolicyRequest>(_ => new Api.V1.Policy { Rules = { AllowStick }, Warnings = { "bus\u001b" } });
        cli.Service.On<ListDevicesRequest>(_ => new ListDevicesResponse { Devices = { CliFixture.Stick } });

        var result = await cli.RunAsync("policy-show");

        Assert.That((result.Exit, result.Out, result.Error), Is.EqualTo((0,
            """
            /etc/usbhostd/rules.conf:3: allow id 0951:1666 name "\xc3\xa4"
                daaaaaaaaaaaa 1-4.2 0951:1666 Kingston DataTraveler 3.0

            """,
            "warning: bus\\x1b\n")));
    }

    [Test]
    public async Task Show_NoRules_SaysWhatThatMeans()
    {
        cli.Service.On<GetPolicyRequest>(_ => new Api.V1.Policy());

        Assert.That((await cli.RunAsync("policy-show")).Out, Is.EqualTo("There is no rule: no guest may have any device\n"));
    }

    [Test]
    public async Task Show_Json_IsTheContractsOwn()
    {
        cli.Service.On<GetPolicyRequest>(_ => new Api.V1.Policy { Rules = { AllowStick } });

        var rule = (await cli.RunAsync("policy-show", "--json")).Json.GetProperty("rules")[0];

        Assert.That((rule.GetProperty("line").GetInt32(), rule.GetProperty("deviceIds")[0].GetString()), Is.EqualTo((3, "daaaaaaaaaaaa")));
    }

    [Test]
    public async Task Explain_Denied_SaysWhyAndExitsSo()
    {
        cli.Service.On<ExplainPolicyRequest>(_ => new Explanation
        {
            Target = "block",
            Message = "policy does not allow stick\u202e for guest erp",
            Hint = "add a rule",
            DecidesSameNow = true,
            LeftOut = 4,
            Before =
            {
                new Mismatch { Rule = AllowStick, Attribute = "serial", Wanted = "\"A\"", Found = "\"\\x1b\u001b\"" },
            },
        });

        var result = await cli.RunAsync("policy-explain", "port:1-4.2", "erp");

        Assert.Multiple(() =>
        {
            Assert.That(cli.Service.Asked.Single().Request, Is.EqualTo(new ExplainPolicyRequest { Device = "port:1-4.2", Guest = "erp" }));
            Assert.That((result.Exit, result.Out), Is.EqualTo((5,
                """
                block: policy does not allow stick\u202e for guest erp
                No rule matches, and what no rule allows is blocked
                hint: add a rule

                 Rule before it               Attribute   Wanted   Found
                --------------------------------------------------------------
                 /etc/usbhostd/rules.conf:3   serial      "A"      "\x1b\x1b"

                4 more rules before it do not match either

                """)));
        });
    }

    [Test]
    public async Task Explain_Allowed_NamesTheRule()
    {
        cli.Service.On<ExplainPolicyRequest>(_ => new Explanation { Target = "allow", Allowed = true, Message = "allowed", Rule = AllowStick });

        var result = await cli.RunAsync("policy-explain", "port:1-4.2");

        Assert.That((result.Exit, result.Lines[1], result.Lines[2]), Is.EqualTo((
            0,
            "/etc/usbhostd/rules.conf:3: allow id 0951:1666 name \"\\xc3\\xa4\"",
            "Another rule would decide now: conditions are looked at when a device is plugged in and at a reload, and held")));
    }

    [Test]
    public async Task Reload_Answer_SaysWhoLostWhat()
    {
        cli.Service.On<ReloadPolicyRequest>(_ => new ReloadPolicyResponse
        {
            Files = 2,
            Rules = 5,
            Warnings = { "rules.conf:1:7: bus numbers change" },
            Lost = { CliFixture.Claim(Phase.Detaching) },
        });

        var result = await cli.RunAsync("policy-reload");

        Assert.That((result.Exit, result.Out, result.Error), Is.EqualTo((
            0,
            "Rules in force: 5. Files read: 2.\nClaim cbbbbbbbbbbbb of DataTraveler 3.0 lost its right: the device leaves guest win10\n",
            "warning: rules.conf:1:7: bus numbers change\n")));
    }

    [Test]
    public async Task Reload_RulesRefused_HasItsExitCode()
    {
        cli.Service.On<ReloadPolicyRequest>(_ => throw new HostException(ErrorCode.ErrorRulesRefused, "rules.conf:1:1: found", "mend it"));

        Assert.That((await cli.RunAsync("policy-reload")).Exit, Is.EqualTo(2));
    }

    [TestCase("", GeneratePolicyRequest.Types.Ports.Unspecified, GeneratePolicyRequest.Types.Hashes.Unspecified, "")]
    [TestCase("-p -X -t block", GeneratePolicyRequest.Types.Ports.AllPorts, GeneratePolicyRequest.Types.Hashes.NoHashes, "block")]
    [TestCase("--no-ports-sn --hash-only --target reject", GeneratePolicyRequest.Types.Ports.NoPorts, GeneratePolicyRequest.Types.Hashes.OnlyHashes, "reject")]
    public async Task Generate_Options_AreThoseOfUsbguard(
        string options, GeneratePolicyRequest.Types.Ports ports, GeneratePolicyRequest.Types.Hashes hashes, string catchAll)
    {
        cli.Service.On<GeneratePolicyRequest>(_ => new GeneratePolicyResponse { Rules = "allow id 0951:1666 name \"\\x1b\"\n" });

        var result = await cli.RunAsync(["policy-generate", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

        Assert.Multiple(() =>
        {
            Assert.That(cli.Service.Asked.Single().Request, Is.EqualTo(new GeneratePolicyRequest { Ports = ports, Hashes = hashes, CatchAll = catchAll }));
            Assert.That(result.Out, Is.EqualTo("allow id 0951:1666 name \"\\x1b\"\n"));
        });
    }

    [TestCase("-p", "-P")]
    [TestCase("-X", "-H")]
    [TestCase("-t", "match")]
    public async Task Generate_OptionsThatDoNotFit_AreRefusedBeforeAsking(string first, string second)
    {
        var result = await cli.RunAsync("policy-generate", first, second);

        Assert.That((result.Exit, cli.Service.Asked.Count), Is.EqualTo((2, 0)), result.Error);
    }

    [Test]
    public async Task Import_AddressInTheList_IsAskedOfTheDaemon()
    {
        cli.Service.On<ListDevicesRequest>(_ => new ListDevicesResponse { Devices = { CliFixture.Stick } });
        using var folder = new RuleFolder();
        var list = folder.Write("nova.conf", "usb_passthrough = on\nusb_passthrough_whitelist = [{\"vendor\": \"0x0951\", \"product\": \"0x1666\", \"bus\": \"1\", \"device\": \"7\"}]\n");

        var result = await cli.RunAsync("policy-import", "openstack", list);

        Assert.That((result.Exit, result.Out), Is.EqualTo((0, "allow id 0951:1666 via-port \"1-4.2\"\n")), result.Error);
    }
}
