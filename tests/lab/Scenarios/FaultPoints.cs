// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>
/// The daemon dies of SIGKILL at the effect of each kind of action, and the next one makes it good. One long chain, for each start of the
/// daemon both mends the last death and leads up to the next. What needs a jailed controller is killed in <see cref="Jail"/>; a unit test
/// compares these faults, all together, with the types of action.
/// </summary>
public sealed class FaultPoints : DaemonTest
{
    [Test]
    public async Task Daemon_KilledAtEachKindOfAction_MakesItGood()
    {
        const string Seen = "46f4:0001:FP";
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "FP")).PlugAsync("x0.9");
        await DeviceAsync("serial:FP");
        await Daemon.TerminateAsync();

        await Daemon.BeginAsync(Fault("WriteIgnoreRules:after")); // at its start
        await Daemon.DiesAsync();

        await Daemon.StartAsync(Fault("AttachDevice:before"));
        var mark = await guest.MarkAsync();
        await RequestAsync("CreateClaim", new CreateClaimRequest { Device = "serial:FP", Guest = guest.Name });
        await Daemon.DiesAsync();
        Assert.That(await guest.HostdevsAsync(), Is.Empty, "died before the attach");

        await Daemon.BeginAsync(Fault("AttachDevice:after"));
        await Daemon.DiesAsync();
        Assert.That(await OursAsync(guest), Has.Count.EqualTo(1), "the claim was durable before its attach, and died after it");
        await guest.SeesAsync(Seen, mark);

        await Daemon.StartAsync(Fault("LookAtDevice:after"));
        var claim = (await ClaimsAsync()).Single();
        await PhaseAsync(claim, Phase.Attached, Reason.Unspecified);
        Assert.That(await OursAsync(guest), Has.Count.EqualTo(1), "adopted, not attached twice");
        mark = await guest.MarkAsync();
        await stick.PullAsync();
        await stick.PlugAsync("x0.9");
        await Daemon.DiesAsync();

        await Daemon.StartAsync(Fault("DetachDevice:after"));
        await guest.SeesAsync(Seen, mark);
        await PhaseAsync(claim, Phase.Attached, Reason.Unspecified);
        await RequestAsync("ReleaseClaim", new ReleaseClaimRequest { Id = claim.Id });
        await Daemon.DiesAsync();

        await Daemon.StartAsync();
        Assert.That(await ClaimsAsync(), Is.Empty, "the release was durable before its detach");
        await Host.DriverIsAsync(stick.PortPath, "usb-storage");
        Assert.That(await guest.HostdevsAsync(), Is.Empty);
        var power = $"/sys/bus/usb/devices/{stick.PortPath}/power/control";
        await Host.DoAsync($"echo auto >{power}");
        claim = await ClaimAndSeeAsync("serial:FP", guest, Seen);
        await Host.WaitValueAsync(power, "^on$");
        await Daemon.TerminateAsync();

        await Daemon.StartAsync(Fault("KeepAwake:before"));
        await RequestAsync("ReleaseClaim", new ReleaseClaimRequest { Id = claim.Id });
        await Daemon.DiesAsync();
        await Daemon.StartAsync();
        await Host.WaitValueAsync(power, "^auto$");
        claim = await ClaimAndSeeAsync("serial:FP", guest, Seen);
        await Daemon.TerminateAsync();

        await Daemon.StartAsync(Fault("OfferDrivers:before"));
        await RequestAsync("ReleaseClaim", new ReleaseClaimRequest { Id = claim.Id });
        await Daemon.DiesAsync();

        await Daemon.StartAsync(Fault("StartGuestPaused:after"));
        await Host.DriverIsAsync(stick.PortPath, "usb-storage");
        claim = await ClaimAsync("serial:FP", guest);
        await PhaseAsync(claim, Phase.Attached);
        await guest.DestroyAsync();
        await PhaseAsync(claim, Phase.WaitingForGuest, Reason.GuestOff);
        mark = await guest.MarkAsync();
        await RequestAsync("StartGuest", new StartGuestRequest { Guest = guest.Name });
        await Daemon.DiesAsync();
        Assert.That(await Host.DoAsync($"virsh -q domstate {guest.Name}"), Is.EqualTo("paused"));

        await Daemon.BeginAsync(Fault("ResumeGuest:after")); // the wish outlived the daemon
        await Daemon.DiesAsync();
        await guest.SeesAsync(Seen, mark, Within.Boot);

        await Daemon.StartAsync();
        await PhaseAsync(claim, Phase.Attached, Reason.Unspecified);
        Assert.That(await OursAsync(guest), Has.Count.EqualTo(1));
    }

    /// <summary>The daemon may be dead before it has answered.</summary>
    private static async Task RequestAsync(string method, Google.Protobuf.IMessage request)
    {
        try
        {
            await (method == "StartGuest" ? Api.CallAsync<Guest>(method, request) : (Task)Api.CallAsync<Claim>(method, request));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or LabException)
        {
            TestContext.Out.WriteLine($"{method}: {e.Message}");
        }
    }
}
