// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Doors;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>Devices that follow each other in one port: a rule gives each of them, and nothing of one passes to the next.</summary>
public sealed class OnePort : RulesTest
{
    private const int Controller = 0;
    private const string Port = "5-1";

    [TestCase(null, null, null)]
    [TestCase("OP-1", null, "OP-3")]
    public async Task Assign_ThreeDevicesInTurn_EachIsInTheGuestUntilItsPull(params string?[] serials)
    {
        var guest = await Bed.AlphaAsync();
        await AssignAsync(guest);
        foreach (var (serial, (id, function)) in serials.Zip([("303a:1001", "acm"), ("303a:1002", "mass_storage"), ("303a:1003", "hid")]))
        {
            await ComesAndGoesAsync(guest, id, serial, function);
        }
    }

    [Test]
    public async Task Assign_SecondDeviceAfterACrash_IsInTheGuest()
    {
        var guest = await Bed.AlphaAsync();
        await AssignAsync(guest);
        await ComesAndGoesAsync(guest, "303a:1011", serial: null);

        await Daemon.KillAsync();
        await Daemon.StartAsync();

        await ComesAndGoesAsync(guest, "303a:1012", serial: null);
        await ComesAndGoesAsync(guest, "303a:1011", serial: null);
    }

    [Test]
    public async Task Release_BeforeThePull_HoldsThatDeviceAndNotTheNext()
    {
        const string Released = "303a:1021";
        var guest = await Bed.AlphaAsync();
        await AssignAsync(guest);
        var mark = await guest.MarkAsync();
        var first = await Gadget.PlugAsync(Host, Released, serial: null, Controller);
        await guest.SeesAsync($"{Released}:", mark);
        var claim = await AnyClaimAsync("", Phase.Attached);
        await Api.CallAsync<Claim>("ReleaseClaim", new ReleaseClaimRequest { Id = claim.Id });
        await guest.NoLongerSeesAsync($"{Released}:", mark);
        await PhaseAsync(claim, Phase.Held, Reason.Withheld);
        await first.PullAsync();

        await ComesAndGoesAsync(guest, "303a:1022", serial: null);

        mark = await guest.MarkAsync();
        await first.ReplugAsync(Controller);
        await Host.DriverIsAsync(Port, "cdc_acm");
        Assert.That((await DeviceAsync("port:" + Port)).ProductId, Is.EqualTo("1021"));
        await PhaseAsync(claim, Phase.Held, Reason.Withheld);
        Assert.That(await guest.HostdevsAsync(), Is.Empty);
        await first.PullAsync();

        await ComesAndGoesAsync(guest, "303a:1023", serial: null);
        Assert.That(await guest.SaidAsync(mark), Does.Not.Contain(Released));
    }

    [Test]
    public async Task Label_OfADeviceWithoutASerial_DoesNotNameTheNextInItsPort()
    {
        const string Labelled = "303a:1031";
        var guest = await Bed.AlphaAsync();
        var first = await Gadget.PlugAsync(Host, Labelled, serial: null, Controller);
        await DeviceAsync("port:" + Port);
        await LabelAsync("zigbee");
        await first.PullAsync();
        var next = await Gadget.PlugAsync(Host, "303a:1032", serial: null, Controller);
        Assert.That((await DeviceAsync("port:" + Port)).ProductId, Is.EqualTo("1032"));

        var notShown = await RefusalAsync(() => DeviceAsync("zigbee"));
        var notGiven = await new CliDoor(Host).RefusedAsync("zigbee", guest.Name);

        Assert.That((notShown.Code, notGiven), Is.EqualTo((ErrorCode.ErrorDeviceNotFound, ErrorCode.ErrorDeviceNotFound)));
        Assert.That(await ClaimsAsync(), Is.Empty);
        await next.PullAsync();
        await first.ReplugAsync(Controller);
        await ClaimAndSeeAsync("zigbee", guest, $"{Labelled}:");
        await LabelAsync("");
    }

    private static Task AssignAsync(GuestVm guest) => RulesAsync(Lab, $"assign via-port \"{Port}\" to-guest \"{guest.Name}\"\n");

    private static Task<Device> LabelAsync(string label) =>
        Api.CallAsync<Device>("SetDeviceLabel", new SetDeviceLabelRequest { Device = "port:" + Port, Label = label });

    private static async Task ComesAndGoesAsync(GuestVm guest, string id, string? serial, string function = "acm")
    {
        var mark = await guest.MarkAsync();
        var device = await Gadget.PlugAsync(Host, id, serial, Controller, function);
        await guest.SeesAsync($"{id}:{serial}", mark);
        Assert.That(await OursAsync(guest), Has.Count.EqualTo(1));

        await device.PullAsync();

        await guest.NoLongerSeesAsync($"{id}:{serial}", mark);
        await guest.NoLongerHoldsAsync(Alias);
    }
}
