// SPDX-License-Identifier: Apache-2.0
using System.Xml.Linq;
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>What an administrator does by hand is respected.</summary>
public sealed class OthersHands : DaemonTest
{
    [Test]
    public async Task DetachByHand_HoldsTheClaimUntilRetry()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "OH-1")).PlugAsync("x0.5");
        var claim = await ClaimAndSeeAsync("serial:OH-1", guest, "46f4:0001:OH-1");
        var mark = await guest.MarkAsync();

        await guest.DetachAllByHandAsync();
        await PhaseAsync(claim, Phase.Held, Reason.DetachedByOther);
        await guest.NoLongerSeesAsync("46f4:0001:OH-1", mark);
        await stick.PullAsync();
        await stick.PlugAsync("x0.5");
        await Host.DriverIsAsync(stick.PortPath, "usb-storage");
        Assert.That((await GetClaimAsync(claim)).Phase, Is.EqualTo(Phase.Held), "a re-plug does not lift a hold");
        await Api.CallAsync<Claim>("RetryClaim", new RetryClaimRequest { Id = claim.Id });

        await guest.SeesAsync("46f4:0001:OH-1", mark);
        await PhaseAsync(claim, Phase.Attached);
    }

    [Test]
    public async Task ForeignHostdev_IsRefusedAndNeverTouched()
    {
        var alpha = await Bed.AlphaAsync();
        var beta = await Bed.BetaAsync();
        var foreign = await Gadget.PlugAsync(Host, "303a:3003", "FOREIGN", controller: 2);
        var attach = await beta.AttachByHandAsync(foreign.PortPath);
        Assert.That(attach.ExitCode, Is.Zero, attach.Text);
        var before = (await beta.HostdevsAsync()).Single().ToString(SaveOptions.DisableFormatting);
        try
        {
            var refusal = await RefusalAsync(() => ClaimAsync("serial:FOREIGN", alpha));
            await (await QemuDevice.StickAsync(Host, "OH-2")).PlugAsync("x0.6");
            var claim = await ClaimAndSeeAsync("serial:OH-2", alpha, "46f4:0001:OH-2");
            await Daemon.KillAsync();
            await Daemon.StartAsync();
            await PhaseAsync(claim, Phase.Attached);
            await ReleaseAsync(claim);

            Assert.That(refusal.Code, Is.EqualTo(ErrorCode.ErrorHeldByOther));
            Assert.That(refusal.Message, Does.Contain(beta.Name));
            Assert.That((await beta.HostdevsAsync()).Single().ToString(SaveOptions.DisableFormatting), Is.EqualTo(before));
        }
        finally
        {
            await beta.DetachAllByHandAsync();
        }
    }
}
