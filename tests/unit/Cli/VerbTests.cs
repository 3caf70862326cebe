// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Cli;
using UsbHostd.Daemon.Errors;

namespace UsbHostd.Tests.Cli;

[TestFixture]
internal sealed class VerbTests
{
    private CliFixture cli = null!;

    [SetUp]
    public async Task StartAsync() => cli = await CliFixture.StartAsync();

    [TearDown]
    public async Task StopAsync() => await cli.DisposeAsync();

    [Test]
    public async Task DeviceList_Devices_AreRows()
    {
        var taken = CliFixture.Stick;
        taken.Guest = new GuestRef { Name = "win10" };
        cli.Service.On<ListDevicesRequest>(_ => new ListDevicesResponse { Devices = { CliFixture.Stick, taken } });

        var result = await cli.RunAsync("device-list");

        Assert.That((result.Exit, result.Lines[0], result.Lines[2], result.Lines[3]), Is.EqualTo((
            0,
            " Id              Port    USB id      Name                        Serial           State",
            " daaaaaaaaaaaa   1-4.2   0951:1666   Kingston DataTraveler 3.0   4C530001230405   free",
            " daaaaaaaaaaaa   1-4.2   0951:1666   Kingston DataTraveler 3.0   4C530001230405   in win10")));
    }

    [Test]
    public async Task DeviceList_NarrowTerminal_FitsIt()
    {
        cli.Service.On<ListDevicesRequest>(_ => new ListDevicesResponse { Devices = { CliFixture.Stick } });

        var result = await cli.RunAsync(80, ["device-list"]);

        Assert.That(result.Lines.Max(line => line.Length), Is.LessThanOrEqualTo(80));
    }

    [Test]
    public async Task DeviceList_HostileDevice_IsShownEscaped()
    {
        var hostile = CliFixture.Stick;
        hostile.ProductName = "\u001b[2J\nroot\u202e";
        cli.Service.On<ListDevicesRequest>(_ => new ListDevicesResponse { Devices = { hostile } });

        var result = await cli.RunAsync("device-list");

        Assert.That(result.Lines[2], Does.Contain(@"Kingston \x1b[2J\x0aroot\u202e "));
    }

    [Test]
    public async Task DeviceList_Json_IsTheContractsOwn()
    {
        cli.Service.On<ListDevicesRequest>(_ => new ListDevicesResponse { Devices = { CliFixture.Stick } });

        var result = await cli.RunAsync("device-list", "--json");

        Assert.That(result.Json.GetProperty("devices")[0].GetProperty("vendorId").GetString(), Is.EqualTo("0951"));
    }

    [Test]
    public async Task DeviceInfo_Device_ShowsFieldsAndInterfaces()
    {
        cli.Service.On<GetDeviceRequest>(request => request.Device == "port:1-4.2" ? CliFixture.Stick : new Device());

        var result = await cli.RunAsync("device-info", "port:1-4.2");

        Assert.Multiple(() =>
        {
            Assert.That(result.Exit, Is.Zero);
            Assert.That(result.Lines, Has.Member("USB id:           0951:1666"));
            Assert.That(result.Lines, Has.Member("Speed:            5 Gb/s"));
            Assert.That(result.Lines, Has.Member(" 1-4.2:1.0   08:06:50   usb-storage   yes"));
        });
    }

    [Test]
    public async Task DeviceInfo_Device_ShowsWhatRulesSee()
    {
        cli.Service.On<GetDeviceRequest>(_ => CliFixture.Stick);

        var result = await cli.RunAsync("device-info", "port:1-4.2");

        Assert.Multiple(() =>
        {
            Assert.That(result.Lines, Has.Member("Connect type:     hotplug"));
            Assert.That(result.Lines, Has.Member("Interface types:  08:06:50 08:06:62"));
            Assert.That(result.Lines, Has.Member("Hash:             lKr1kQh29WiiiWM2LGKjWY9ZvVy795P21sLfSY6Dh08="));
            Assert.That(result.Lines, Has.Member("Parent hash:      m5lQfOThWyUvbKz24NmQFYxIuDeE4j0yD8tZ5fSsGIE="));
        });
    }

    [Test]
    public async Task DeviceLabel_Label_IsSent()
    {
        cli.Service.On<SetDeviceLabelRequest>(request => new Device { Id = "d1", Label = request.Label });

        var result = await cli.RunAsync("device-label", "d1", "blue stick");

        Assert.That(result.Out, Is.EqualTo("Device d1 (blue stick) is labelled\n"));
    }

    [Test]
    public async Task DeviceTrustSerial_Device_IsSent()
    {
        cli.Service.On<TrustSerialRequest>(request => new Device { Id = request.Device, Label = "x" });

        Assert.That((await cli.RunAsync("device-trust-serial", "d1")).Out, Does.StartWith("Device d1 (x) is told apart"));
    }

    [Test]
    public async Task ClaimList_Claims_AreRows()
    {
        cli.Service.On<ListClaimsRequest>(request =>
        {
            var claim = CliFixture.Claim(request.IncludeReleased ? Phase.Released : Phase.Held, Reason.DetachedByOther);
            (claim.Serial, claim.Port) = ("4C53", "1-4.2");
            return new ListClaimsResponse { Claims = { claim } };
        });

        var result = await cli.RunAsync("claim-list");
        var all = await cli.RunAsync("claim-list", "--all");

        Assert.Multiple(() =>
        {
            Assert.That(result.Lines[0], Is.EqualTo(" Id              Device             Serial   Port    Guest   Phase   Reason"));
            Assert.That(result.Lines[2], Is.EqualTo(" cbbbbbbbbbbbb   DataTraveler 3.0   4C53     1-4.2   win10   held    detached-by-other"));
            Assert.That(all.Lines[2], Does.Contain("released"));
        });
    }

    [TestCase("always", "\u001b[31mheld\u001b[0m    detached-by-other")]
    [TestCase("never", " held    detached-by-other")]
    [TestCase("auto", " held    detached-by-other")]
    public async Task ClaimList_Color_IsAsItIsAskedFor(string color, string expected)
    {
        cli.Service.On<ListClaimsRequest>(_ => new ListClaimsResponse { Claims = { CliFixture.Claim(Phase.Held, Reason.DetachedByOther) } });

        Assert.That((await cli.RunAsync("claim-list", "--color", color)).Lines[2], Does.EndWith(expected));
    }

    [TestCase("xterm", null, true)]
    [TestCase("xterm", "", true)]
    [TestCase("xterm", "1", false)]
    [TestCase("dumb", null, false)]
    [TestCase(null, null, false)]
    public void HasColors_Surroundings_DecideIt(string? term, string? noColor, bool expected) =>
        Assert.That(CliTerminal.HasColors(name => name == "TERM" ? term : noColor), Is.EqualTo(expected));

    [Test]
    public async Task ClaimInfo_Claim_ShowsMessageAndHint()
    {
        cli.Service.On<GetClaimRequest>(_ => CliFixture.Claim(Phase.Failed, Reason.InUseByHost, "mounted", "umount it"));

        var result = await cli.RunAsync("claim-info", "cbbbbbbbbbbbb");

        Assert.That(result.Lines, Is.SupersetOf(["Phase:            failed", "Message:          mounted", "Hint:             umount it"]));
    }

    [TestCase("claim-release", "cbbbbbbbbbbbb", "cbbbbbbbbbbbb", "")]
    [TestCase("detach", "cbbbbbbbbbbbb", "cbbbbbbbbbbbb", "")]
    [TestCase("detach", "serial:cbbbbbbbbbbbb", "", "serial:cbbbbbbbbbbbb")]
    [TestCase("detach", "usb:0951:1666", "", "usb:0951:1666")]
    public async Task Release_ClaimOrDevice_IsSentAsSuch(string verb, string name, string id, string device)
    {
        cli.Service.On<ReleaseClaimRequest>(_ => CliFixture.Claim(Phase.Detaching));

        var result = await cli.RunAsync(verb, name);

        Assert.That(cli.Service.Asked.Single().Request, Is.EqualTo(new ReleaseClaimRequest { Id = id, Device = device }), result.Error);
    }

    [Test]
    public async Task Detach_WithGuest_NamesBoth()
    {
        cli.Service.On<ReleaseClaimRequest>(_ => CliFixture.Claim(Phase.Detaching));

        var result = await cli.RunAsync("detach", "port:1-4.2", "win10");

        Assert.Multiple(() =>
        {
            Assert.That(cli.Service.Asked.Single().Request, Is.EqualTo(new ReleaseClaimRequest { Device = "port:1-4.2", Guest = "win10" }));
            Assert.That(result.Out, Is.EqualTo("Claim cbbbbbbbbbbbb of DataTraveler 3.0 for guest win10: detaching\n"));
        });
    }

    [Test]
    public async Task ClaimRetry_Claim_ShowsWhereItStands()
    {
        cli.Service.On<RetryClaimRequest>(_ => CliFixture.Claim(Phase.Attaching));

        Assert.That((await cli.RunAsync("claim-retry", "cbbbbbbbbbbbb")).Out, Does.EndWith("win10: attaching\n"));
    }

    [Test]
    public async Task GuestList_Guests_AreRows()
    {
        var guest = new Guest
        {
            Name = "win10",
            DomainId = 3,
            State = Guest.Types.State.Running,
            Attachments = { new Attachment(), new Attachment { Missing = true } },
            Controllers = { new UsbController { Ports = 15, FreePorts = 13 } },
            ClaimIds = { "c1", "c2" },
        };
        cli.Service.On<ListGuestsRequest>(_ => new ListGuestsResponse { Guests = { guest } });

        Assert.That((await cli.RunAsync("guest-list")).Lines[2], Is.EqualTo(" 3    win10   running   1             13           2"));
    }

    [Test]
    public async Task GuestStart_Active_HasItsExitCode()
    {
        cli.Service.On<StartGuestRequest>(_ => throw new HostException(ErrorCode.ErrorGuestActive, "win10 is running", "nothing to do"));

        var result = await cli.RunAsync("guest-start", "win10");

        Assert.That((result.Exit, result.Error), Is.EqualTo((8, "error: win10 is running\nhint: nothing to do\n")));
    }

    [Test]
    public async Task Version_Daemon_IsShown()
    {
        cli.Service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = "9.8.7", LibvirtUri = "qemu:///system" });

        Assert.That((await cli.RunAsync("version")).Lines, Is.SupersetOf(["usbhostd:         9.8.7", "URI:              qemu:///system"]));
    }

    [Test]
    public async Task Health_TellsWhatTheDaemonTakes()
    {
        cli.Service.On<GetHealthRequest>(_ => new Health { LibvirtConnected = true, HeapBytes = 3 * 1024 * 1024 / 2, OpenDescriptors = 134 });

        Assert.That((await cli.RunAsync("health")).Lines, Is.SupersetOf(["Heap:             1.5 MiB", "Descriptors:      134"]));
    }

    [TestCase("", "Rules:            in force")]
    [TestCase("not loaded, /r.conf:1:1\u001b", @"Rules:            not loaded, /r.conf:1:1\x1b")]
    public async Task Health_Rules_TellsWhetherTheyAreInForce(string waiting, string line)
    {
        cli.Service.On<GetHealthRequest>(_ => new Health { LibvirtConnected = true, RulesWaiting = waiting });

        Assert.That((await cli.RunAsync("health")).Lines, Has.Member(line));
    }

    [Test]
    public async Task GuestInfo_WishThatIsNotMet_SaysWhyAndWhatToDo()
    {
        cli.Service.On<GetGuestRequest>(_ => new Guest
        {
            Name = "erp",
            Wishes = { new GuestWish { Device = "serial:X", ClaimId = "caaaaaaaaaaaa" }, new GuestWish { Device = "usb:1050:0407", Optional = true, Message = "no device", Hint = "plug it in" } },
        });

        Assert.That((await cli.RunAsync("guest-info", "erp")).Lines, Is.SupersetOf(
            ["Asks for:         serial:X", "  claim:          caaaaaaaaaaaa", "Asks for:         usb:1050:0407, optional", "  not met:        no device", "  hint:           plug it in"]));
    }

    [Test]
    public async Task AnswerList_Answers_AreShownEscaped()
    {
        cli.Service.On<ListAnswersRequest>(_ => new ListAnswersResponse
        {
            Answers =
            {
                new DeviceAnswer { Id = "a1", DeviceName = "st\u001bick", Key = "serial 0951:1666 X", Guest = new GuestRef { Name = "erp" }, Remembered = true, Owner = "uid:1000" },
                new DeviceAnswer { Id = "a2", DeviceName = "key", Key = "port p", Owner = "uid:1001" },
            },
        });

        var lines = (await cli.RunAsync("answer-list")).Lines;

        Assert.That(lines[2], Does.Match(@"a1 +st\\x1bick +serial 0951:1666 X +erp +always +uid:1000"));
        Assert.That(lines[3], Does.Match("a2 +key +port p +no +this plug +uid:1001"));
    }

    [Test]
    public async Task AnswerForget_Answer_IsSent()
    {
        cli.Service.On<ForgetAnswerRequest>(request => new DeviceAnswer { Id = request.Id, DeviceName = "stick" });

        Assert.That((await cli.RunAsync("answer-forget", "a1")).Lines[0], Is.EqualTo("Answer a1 (stick) is forgotten"));
    }

    [Test]
    public async Task DeviceStats_Pairs_AreShown()
    {
        cli.Service.On<GetStatisticsRequest>(_ => new Statistics { Pairs = { new IdPairStatistics { VendorId = "0951", ProductId = "1666", Total = 3, Free = 1, Claimed = 2 } } });

        Assert.That((await cli.RunAsync("device-stats")).Lines[2].Split(' ', StringSplitOptions.RemoveEmptyEntries), Is.EqualTo(["0951:1666", "3", "1", "2"]));
    }

    [Test]
    public async Task Health_SilentLibvirt_SaysSinceWhen()
    {
        cli.Service.On<GetHealthRequest>(_ => new Health { LibvirtError = "not answering since 2026-03-01 12:00:00 UTC" });

        Assert.That((await cli.RunAsync("health")).Lines[0], Is.EqualTo("libvirt:          unavailable: not answering since 2026-03-01 12:00:00 UTC"));
    }

    [TestCase(true, 0)]
    [TestCase(false, 9)]
    public async Task Health_Libvirt_DecidesTheExitCode(bool connected, int exit)
    {
        cli.Service.On<GetHealthRequest>(_ => new Health { LibvirtConnected = connected });

        Assert.That((await cli.RunAsync("health")).Exit, Is.EqualTo(exit));
    }
}
