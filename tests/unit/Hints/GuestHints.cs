// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Tests.Reconcile.Sim;
using static UsbHostd.Tests.Hints.ClaimHints;

namespace UsbHostd.Tests.Hints;

/// <summary>Reasons that have to do with the guest, with libvirt and with the rules.</summary>
internal static class GuestHints
{
    private static readonly Dictionary<string, Action<HintBed>> NewController = new(StringComparer.Ordinal)
    {
        ["virsh edit"] = b => b.Guest.Controllers = FakeGuest.Xhci,
        ["shut the guest down"] = b => b.World.Do(h => h.Restart(b.Guest)),
        ["detach another device"] = b => b.World.Do(h => h.DetachByHand(b.Guest, h.Devices.Single(d => d.Name == "in the way"))),
    };
    public static IReadOnlyDictionary<ClaimReason, HintCase[]> All { get; } = new Dictionary<ClaimReason, HintCase[]>
    {
        [ClaimReason.GuestOff] = [Of("", b => AfterClaim(b, h => h.Stop(b.Guest)))],
        [ClaimReason.GuestUndefined] =
        [
            Of("", b => AfterClaim(b, h => h.Undefine(b.Guest)), ("virsh define FILE", b => b.World.Do(h =>
            {
                h.Define(b.Guest);
                h.Start(b.Guest);
            }))) with { Chosen = new(StringComparer.Ordinal) { ["FILE"] = "erp.xml" } },
        ],
        [ClaimReason.LibvirtUnavailable] =
        [
            Of("NotRunning", b => AfterClaim(b, h => h.LoseLibvirt()), ("systemctl start libvirtd", b => b.World.Do(h => h.RegainLibvirt()))),
            Of("RefusesUs", b => AfterClaim(b, h => h.LoseLibvirt(refused: true)),
                ("usermod -aG libvirt usbhostd", _ => { }), ("systemctl restart usbhostd", b => b.World.Do(h => h.RegainLibvirt())), ("org.libvirt.unix.manage", b => b.World.Do(h => h.RegainLibvirt()))),
            Of("Silent", b => AfterClaim(b, h => h.Say(new HostEvent.LibvirtSilent(b.World.Time.GetUtcNow()))), ("a restart of it", b => b.World.Do(h => h.Say(new HostEvent.LibvirtAnswered())))),
        ],
        [ClaimReason.NoController] = [Of("", b => Misfit(b, FakeGuest.None)) with { ByHand = NewController }],
        [ClaimReason.NoFreePort] =
        [
            Of("", b =>
            {
                b.World.Plugged(Some.Dongle("in the way"), "1-8");
                b.Guest.Controllers = FakeGuest.OnePort;
                b.World.Do(h => h.AttachForeign(b.Guest, h.Devices.Single(d => d.Port == "1-8")));
                Misfit(b, FakeGuest.OnePort);
            }) with
            {
                ByHand = new(NewController, StringComparer.Ordinal) { ["detach another device"] = b => b.World.Do(h => h.DetachByHand(b.Guest, h.Devices.Single(d => d.Port == "1-8"))) },
            },
        ],
        [ClaimReason.SpeedMismatch] =
        [
            Of("", b =>
            {
                b.Device = Some.SuperSpeedDisk();
                Misfit(b, FakeGuest.Ehci);
            }) with { ByHand = NewController },
        ],
        [ClaimReason.GuestNotConfigured] =
        [
            Of("", b => AfterClaim(b, h => h.SetState(b.Guest, GuestState.Paused)),
                ("wait until the guest has started", b => b.World.Do(h => h.SetState(b.Guest, GuestState.Running))),
                ("look for a driver in the guest", b => b.World.Do(h => h.SetState(b.Guest, GuestState.Running)))),
        ],
        [ClaimReason.HostDriverBound] =
        [
            Of("", b =>
            {
                b.World.Host.DriversStay = true;
                b.ClaimPlugged();
                b.World.Advance(TimeSpan.FromMinutes(10));
                b.World.Host.DriversStay = false;
            }, ("it is tried again by itself", b => b.World.Do(h => h.Replug(b.Device)))),
        ],
        [ClaimReason.AttachFailed] =
        [
            Of("", b =>
            {
                Failing(b, "attach", ClaimReason.AttachFailed, transient: false);
                b.ClaimPlugged();
                b.World.Advance(TimeSpan.FromHours(1));
            }, ("mend that", b => b.World.Host.Before = null)),
        ],
        [ClaimReason.NotAllowed] =
        [
            Of("", b =>
            {
                b.ClaimPlugged();
                b.Load($"block id 0951:1666\nallow id 0529:*");
            }, ("an administrator may add a rule", b => b.Load("allow id 0951:1666"))) with { Chosen = Because },
            Of("ByDefinition", b =>
            {
                Define(b);
                b.Load("block");
            }, ("an administrator may add a rule", b => b.Load("allow"))) with { Chosen = Because },
            Of("OnceByPort", b =>
            {
                b.Plug();
                b.Claim = b.World.Claim(b.Device, b.Guest, r => (r.Lifetime, r.Follow) = (Api.V1.Lifetime.UntilUnplug, Api.V1.Follow.Port));
                b.Load("block");
            }, ("an administrator may add a rule", b => b.Load("allow"))) with { Chosen = Because },
        ],
        [ClaimReason.UnsupportedMode] =
        [
            Of("ByRule", b =>
            {
                b.Load($"{Assign} mode spicevmc");
                b.Plug();
                b.Claim = b.World.State.Claims.Keys.Single();
            }, ("let the rule say: mode hostdev", b => b.Load($"{Assign} mode hostdev"))),
        ],
        [ClaimReason.DetachFailed] =
        [
            Of("", b =>
            {
                b.ClaimPlugged();
                Failing(b, "detach", ClaimReason.AttachFailed, transient: false);
                b.World.Do(h => h.Replug(b.Device));
                b.World.Advance(TimeSpan.FromHours(1));
                b.World.Do(h => h.DetachByHand(b.Guest, b.Device));
            }, ("mend that", b => b.World.Host.Before = null)),
        ],
    };
}
