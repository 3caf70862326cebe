// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>Rules as an administrator writes them, and what the guest then has.</summary>
public sealed class PolicyInLab : RulesTest
{
    private const string First = "/etc/usbhostd/rules.d/10-first.conf";

    [Test]
    public async Task Claim_NoRuleAllows_IsRefusedUntilAFileIsWritten()
    {
        var guest = await Bed.AlphaAsync();
        await RulesAsync(Lab, "# of the lab\nblock 46f4:0001\n");
        await (await QemuDevice.StickAsync(Host, "PO-1")).PlugAsync("x0.5");

        var refusal = await RefusalAsync(() => ClaimAsync("serial:PO-1", guest));
        var why = await Api.CallAsync<Explanation>("ExplainPolicy", new ExplainPolicyRequest { Device = "serial:PO-1", Guest = guest.Name });
        var mark = await Host.MarkAsync(Harness.Daemon.Log);
        await WriteAsync(First, $"allow 46f4:0001 to-guest \"{guest.Name}\"\n");
        await Host.WaitLineAsync(Harness.Daemon.Log, "2 rules from 3 files are in force", mark, Within.Moments);
        await ClaimAndSeeAsync("serial:PO-1", guest, "46f4:0001:PO-1");

        Assert.Multiple(() =>
        {
            Assert.That(refusal.Code, Is.EqualTo(ErrorCode.ErrorNotAllowed));
            Assert.That(refusal.Message, Does.Contain($"{Lab}:2"));
            Assert.That((why.Allowed, why.Target, why.Rule.File, why.Rule.Line), Is.EqualTo((false, "block", Lab, 2u)));
        });
    }

    [Test]
    public async Task AssignedStick_IsInItsGuestWithoutAClaim_AndStaysOutOnceReleased()
    {
        const string Stick = "46f4:0001:PO-2";
        var guest = await Bed.AlphaAsync();
        var stick = await QemuDevice.StickAsync(Host, "PO-2");
        await RulesAsync(Lab, $"assign 46f4:0001 serial \"PO-2\" to-guest \"{guest.Name}\"\n");
        var mark = await guest.MarkAsync();

        await stick.PlugAsync("x0.6");
        await guest.SeesAsync(Stick, mark);
        var claim = await AnyClaimAsync("", Phase.Attached);
        Assert.That(claim.Origin, Is.EqualTo(Origin.Rule));

        await Api.CallAsync<Claim>("ReleaseClaim", new ReleaseClaimRequest { Id = claim.Id });
        await guest.NoLongerSeesAsync(Stick, mark);
        await PhaseAsync(claim, Phase.Held, Reason.Withheld);
        await stick.PullAsync();
        await stick.PlugAsync("x0.6");
        await Host.DriverIsAsync(stick.PortPath, "usb-storage");
        await PhaseAsync(claim, Phase.Held, Reason.Withheld);
        Assert.That(await guest.HostdevsAsync(), Is.Empty);

        mark = await guest.MarkAsync();
        await Api.CallAsync<Claim>("RetryClaim", new RetryClaimRequest { Id = claim.Id });
        await guest.SeesAsync(Stick, mark);
        await PhaseAsync(claim, Phase.Attached);

        var ended = PhaseAsync(claim, Phase.Released);
        await RulesAsync(Lab, "allow\n");
        await ended;
    }

    [Test]
    public async Task Reload_RightTakenAway_StickLeavesTheGuest()
    {
        var guest = await Bed.AlphaAsync();
        await RulesAsync(Lab, "allow serial \"PO-3\"\n");
        var stick = await (await QemuDevice.StickAsync(Host, "PO-3")).PlugAsync("x0.8");
        var claim = await ClaimAndSeeAsync("serial:PO-3", guest, "46f4:0001:PO-3");
        var mark = await guest.MarkAsync();

        await WriteAsync(Lab, "block serial \"PO-3\"\n");

        await guest.NoLongerSeesAsync("46f4:0001:PO-3", mark);
        await PhaseAsync(claim, Phase.Failed, Reason.NotAllowed);
        await Host.DriverIsAsync(stick.PortPath, "usb-storage");
    }

    [Test]
    public async Task Reload_FileNotInOrder_KeepsTheOldRulesAndSaysSo()
    {
        await RulesAsync(Lab, "block serial \"PO-4\"\n");
        var mark = await Host.MarkAsync(Harness.Daemon.Log);
        await WriteAsync(Lab, "permit serial \"PO-4\"\n");

        await Host.WaitLineAsync(Harness.Daemon.Log, $"old ones stay in force.*{Lab}:1:1", mark, Within.Moments);
        var refusal = await RefusalAsync(() => Api.CallAsync<ReloadPolicyResponse>("ReloadPolicy", new ReloadPolicyRequest()));
        var policy = await Api.CallAsync<UsbHostd.Api.V1.Policy>("GetPolicy", new GetPolicyRequest());

        Assert.Multiple(() =>
        {
            Assert.That(refusal.Code, Is.EqualTo(ErrorCode.ErrorRulesRefused));
            Assert.That(policy.Rules.Single().Text, Is.EqualTo("block serial \"PO-4\""));
        });
    }

    [Test]
    public async Task Signal_HangUp_LoadsTheRules()
    {
        await RulesAsync(Lab, "block serial \"PO-5\"\n");
        var mark = await Host.MarkAsync(Harness.Daemon.Log);

        // Bound over the file: that is no event in its folder, so that only the signal tells.
        await Host.DoAsync($"printf 'block\\nallow\\n' >/run/lab/hangup.conf; mount --bind /run/lab/hangup.conf {Lab}; kill -HUP {await Daemon.PidAsync()}");
        try
        {
            await Host.WaitLineAsync(Harness.Daemon.Log, "2 rules from 2 files are in force", mark, Within.Moments);
        }
        finally
        {
            await Host.DoAsync($"umount {Lab}");
        }
    }

    [Test]
    public async Task Override_ByRoot_PassesPolicyAndOutlastsAReload()
    {
        var guest = await Bed.AlphaAsync();
        await RulesAsync(Lab, "block\n");
        await (await QemuDevice.StickAsync(Host, "PO-6")).PlugAsync("x0.9");

        var claim = await ClaimAndSeeAsync("serial:PO-6", guest, "46f4:0001:PO-6", r => r.OverrideReason = "a test");
        var reloaded = await Api.CallAsync<ReloadPolicyResponse>("ReloadPolicy", new ReloadPolicyRequest());

        Assert.That(claim.OverrideReason, Is.EqualTo("a test"));
        Assert.That(reloaded.Lost, Is.Empty);
        Assert.That((await GetClaimAsync(claim)).Phase, Is.EqualTo(Phase.Attached));
    }

    [Test]
    public async Task Ask_MembersAgentAnswers_StickIsInTheGuestInHisName()
    {
        const string Asked = "/run/lab/asked.log";
        var guest = await Bed.AlphaAsync();
        await RulesAsync(Lab, $"ask 46f4:0001 serial \"PO-7\" to-guest \"{guest.Name}\"\nallow\n");
        await Host.DoAsync("gdbus wait --system --timeout 60 org.usbhostd.UsbHost1");
        var example = Path.Combine(Repository.Root, "contrib/examples/agent/usbhost-agent.py");
        await Host.DoAsync($"rm -f /run/lab/answers; mkfifo -m 666 /run/lab/answers; : >{Asked}; chmod 666 {Asked}");
        await Host.DoAsync(
            $"setsid setpriv --reuid=labmember --regid=labmember --init-groups /usr/bin/python3 -B {example} 0<>/run/lab/answers >{Asked} 2>&1 & echo $! >/run/lab/agent.pid");
        try
        {
            await Host.WaitLineAsync(Asked, "^registered$", 0, Within.Moments);
            var mark = await guest.MarkAsync();

            await (await QemuDevice.StickAsync(Host, "PO-7")).PlugAsync("x0.10");
            await Host.WaitLineAsync(Asked, $"  1  {guest.Name}$", 0, Within.Moments);
            var refusal = await RefusalAsync(() => ClaimAsync("serial:PO-7", guest));
            await Host.DoAsync("echo 1 >/run/lab/answers");
            await guest.SeesAsync("46f4:0001:PO-7", mark);
            var claim = await AnyClaimAsync("", Phase.Attached);

            var uid = await Host.DoAsync("id -u labmember");
            Assert.Multiple(() =>
            {
                Assert.That(refusal.Message, Does.Contain("says ask, and nobody has answered"));
                Assert.That((claim.Owner, claim.Door, claim.Lifetime), Is.EqualTo(("uid:" + uid.Trim(), "dbus", Lifetime.UntilUnplug)));
            });
        }
        finally
        {
            await Host.DoAsync("kill $(cat /run/lab/agent.pid)");
        }
    }

    protected override async Task CleanUpAsync()
    {
        await Host.DoAsync($"rm -f {First}");
        await base.CleanUpAsync();
    }
}
