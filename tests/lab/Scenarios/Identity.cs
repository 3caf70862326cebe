// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>Devices that look alike are told apart, or refused; never guessed.</summary>
public sealed class Identity : DaemonTest
{
    [Test]
    public async Task TwoAlike_NamedByVendorAndProduct_AreRefusedWithBothCandidates()
    {
        var guest = await Bed.AlphaAsync();
        await Gadget.PlugAsync(Host, "303a:1001", "TWIN", controller: 0);
        await Gadget.PlugAsync(Host, "303a:1001", serial: null, controller: 1);

        var refusal = await RefusalAsync(() => ClaimAsync("usb:303a:1001", guest));

        Assert.That(refusal.Code, Is.EqualTo(ErrorCode.ErrorAmbiguous));
        Assert.That(refusal.Candidates.Select(c => c.Port), Is.EquivalentTo(["5-1", "6-1"]));
        Assert.That(await guest.HostdevsAsync(), Is.Empty);
    }

    [Test]
    public async Task TwoAlike_NamedByPort_GoEachToItsOwnGuest()
    {
        var alpha = await Bed.AlphaAsync();
        var gamma = await Bed.GammaAsync();
        await Gadget.PlugAsync(Host, "303a:1001", "TWIN", controller: 0);
        await Gadget.PlugAsync(Host, "303a:1001", serial: null, controller: 1);

        var named = await ClaimAndSeeAsync("port:5-1", alpha, "303a:1001:TWIN");
        var nameless = await ClaimAndSeeAsync("port:6-1", gamma, "303a:1001:");

        Assert.Multiple(() =>
        {
            Assert.That(named.Follow, Is.EqualTo(Follow.Serial));
            Assert.That(nameless.Follow, Is.EqualTo(Follow.Port));
        });
        Assert.That(await alpha.HostdevsAsync(), Has.Count.EqualTo(1));
        Assert.That(await gamma.HostdevsAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task ClonedSerial_ArrivingLater_StaysOutsideAndChangesNothing()
    {
        var guest = await Bed.AlphaAsync();
        await (await QemuDevice.StickAsync(Host, "CLONE", "the-original-one")).PlugAsync("x0.5");
        var claim = await ClaimAndSeeAsync("serial:CLONE", guest, "46f4:0001:CLONE");
        var list = await guest.UsbListAsync();
        var alias = await OursAsync(guest);

        var clone = await (await QemuDevice.StickAsync(Host, "CLONE", "the-clone-of-it-")).PlugAsync("x0.6");
        await Host.DriverIsAsync(clone.PortPath, "usb-storage");
        var refusal = await RefusalAsync(() => ClaimAsync("serial:CLONE", guest));

        Assert.That(refusal.Code, Is.EqualTo(ErrorCode.ErrorAmbiguous));
        Assert.That((await DeviceAsync("port:" + clone.PortPath)).SerialUnique, Is.False);
        await PhaseAsync(claim, Phase.Attached);
        Assert.That(await OursAsync(guest), Is.EqualTo(alias));
        Assert.That(await guest.UsbListAsync(), Is.EqualTo(list));
    }

    [Test]
    public async Task Serial_ThatReadsLikePort_IsTakenForSerialOnly()
    {
        var guest = await Bed.AlphaAsync();
        await Gadget.PlugAsync(Host, "303a:1001", "6-1", controller: 0);
        await Gadget.PlugAsync(Host, "303a:2002", "OTHER", controller: 1);

        var byPort = await DeviceAsync("port:6-1");
        var bySerial = await DeviceAsync("serial:6-1");
        var refusal = await RefusalAsync(() => ClaimAsync("6-1", guest));

        Assert.Multiple(() =>
        {
            Assert.That(byPort.ProductId, Is.EqualTo("2002"));
            Assert.That(bySerial.ProductId, Is.EqualTo("1001"));
            Assert.That(refusal.Code, Is.EqualTo(ErrorCode.ErrorAmbiguous));
        });
    }
}
