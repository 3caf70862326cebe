// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Tests.Reconcile.Sim;
using static UsbHostd.Tests.Hints.RefusalHints;
using GuestWish = UsbHostd.Core.Guests.GuestWish;
using HostUse = UsbHostd.Policy.Devices.HostUse;
using HostUseKind = UsbHostd.Policy.Devices.HostUseKind;

namespace UsbHostd.Tests.Hints;

/// <summary>Refusals because of what is there: other claims, the host, the guest, the rules, and limits.</summary>
internal static class ConflictHints
{
    public static IReadOnlyDictionary<ErrorCode, HintCase[]> All { get; } = new Dictionary<ErrorCode, HintCase[]>
    {
        [ErrorCode.ErrorHeldByGuest] =
        [
            Of("", b => ClaimedForOther(b), AttachLine, Again),
            Of("OncePort", b => ClaimedForOther(b, r => r.Follow = Follow.Port), $"{AttachLine} --by port --once", Again) with { Cured = b => IsThere(b) },
            Of("Away", b =>
            {
                ClaimedForOther(b);
                b.World.Do(h => h.Pull(b.Device));
            }, $"usbhostctl attach {Stick} {GuestWord}", Again) with { Cured = b => PluggedIn(b) },
            Of("ByDefinition", b =>
            {
                b.World.Do(h => h.Redefine(b.Other, new GuestWish(Stick, Optional: false)));
                b.Plug();
            }, AttachLine, Again),
            Of("Otherwise", b => b.ClaimPlugged(), $"{AttachLine} --once", Again),
            Of("OtherwiseMoved", b => ClaimedForOther(b), $"{AttachLine} --once --move", Again),
            Of("SetAside", b =>
            {
                b.ClaimPlugged();
                b.World.Do(h => h.DetachByHand(b.Guest, b.Device));
            }, AttachLine),
            Of("NotAllowedAnyMore", b =>
            {
                b.ClaimPlugged();
                b.Load("block");
            }, AttachLine, ("an administrator may add a rule", b => b.Load("allow")), ("ask again", b =>
            {
                b.Load("allow");
                b.AskAgain();
            })) with { Chosen = Because },
        ],
        [ErrorCode.ErrorHeldByOther] =
        [
            Of("", b =>
            {
                b.Plug();
                b.World.Do(h => h.AttachForeign(b.Other, b.Device));
            }, AttachLine, ("virsh detach-device-alias other hostdev0 --live", b => b.World.Do(h => h.DetachByHand(b.Other, b.Device))), Again),
        ],
        [ErrorCode.ErrorInUseByHost] =
        [
            Of("Mounted", b =>
            {
                b.Device.Uses = [new HostUse(HostUseKind.Mount, "/dev/sdb1 on /srv")];
                b.Plug();
            }, AttachLine, ("unmount it (umount)", b => b.World.Do(h => h.Use(b.Device))), Again) with { Chosen = Because },
            Of("MountedByPortOnce", b =>
            {
                b.Device.Uses = [new HostUse(HostUseKind.Mount, "/dev/sdb1 on /srv")];
                b.Plug();
            }, $"{AttachLine} --by port --once", ("unmount it (umount)", b => b.World.Do(h => h.Use(b.Device))), Again) with { Chosen = Because },
        ],
        [ErrorCode.ErrorIsHub] =
        [
            Of("", b => b.World.Plugged(Some.Hub()), AttachLine, ("claim one of them instead", b =>
            {
                b.Plug("1-4.1");
                b.AskAgain($"usbhostctl attach port:1-4.1 {GuestWord}");
            })),
        ],
        [ErrorCode.ErrorNoController] = [Misfit(FakeGuest.None)],
        [ErrorCode.ErrorNoFreePort] = [Misfit(FakeGuest.OnePort, taken: true)],
        [ErrorCode.ErrorSpeedMismatch] = [Misfit(FakeGuest.Ehci, superSpeed: true)],
        [ErrorCode.ErrorUnsupportedMode] =
        [
            Of("ByRule", b =>
            {
                b.Load("allow mode usbredir");
                b.Plug();
            }, AttachLine, ("let the rule say: mode hostdev", b =>
            {
                b.Load("allow mode hostdev");
                b.AskAgain();
            })),
        ],
        [ErrorCode.ErrorLibvirtUnavailable] =
        [
            Of("", b => b.World.Do(h => h.LoseLibvirt()), $"usbhostctl attach {Stick} nobody",
                ("systemctl start libvirtd", b =>
                {
                    b.World.Do(h => h.RegainLibvirt());
                    b.Plug();
                    b.AskAgain(AttachLine);
                }), ("name the guest by its UUID", b =>
                {
                    b.AskAgain($"usbhostctl attach {Stick} {b.Guest.Id}");
                    b.World.Do(h => h.RegainLibvirt());
                    b.Plug();
                })),
        ],
        [ErrorCode.ErrorStorageFull] =
        [
            Of("", b =>
            {
                b.Plug();
                b.World.Store.IsFull = true;
            }, AttachLine, ("make room on that file system", b => b.World.Store.IsFull = false), Again),
        ],
        [ErrorCode.ErrorNotAllowed] =
        [
            Of("", b =>
            {
                b.Load("block");
                b.Plug();
            }, AttachLine, ("an administrator may add a rule", b =>
            {
                b.Load("allow");
                b.AskAgain();
            })) with { Chosen = Because },
            Of("ByPortOnce", b =>
            {
                b.Load("block");
                b.Plug();
            }, $"{AttachLine} --by port --follow 0951:1667 --once", ("an administrator may add a rule", b =>
            {
                b.Load("allow");
                b.AskAgain();
            })) with { Chosen = Because },
            Of("OtherCaller", b =>
            {
                b.Load("allow owner \"1003\"");
                b.Plug();
            }, AttachLine, ("ask an administrator", b =>
            {
                b.Load("allow");
                b.AskAgain();
            }), ("somebody whom the rule lets claim it", b =>
            {
                b.Caller = World.OtherUser;
                b.AskAgain();
            })),
        ],
        [ErrorCode.ErrorGuestActive] = [Of("", b => b.ClaimPlugged(), $"usbhostctl guest-start {GuestWord}", ("its claimed devices are attached as it is", _ => { }))],
        [ErrorCode.ErrorRulesRefused] =
        [
            Of("", b =>
            {
                b.ClaimPlugged();
                b.World.RulesFault = $"{b.Files.Write("bad.conf", "allow nonsense\n")}:1:7: found nonsense";
            }, "usbhostctl policy-reload", ("mend the file", b =>
            {
                b.Files.Write("bad.conf", "allow\n");
                b.World.RulesFault = null;
            }), Again) with { ChosenIn = b => new(StringComparer.Ordinal) { ["FILE"] = Path.Combine(b.Files.Path, "bad.conf") } },
        ],
        [ErrorCode.ErrorTooMany] =
        [
            Of("Claims", b =>
            {
                b.Caller = World.User;
                b.Plug();
                for (var i = 0; i < World.CallerLimits.Claims; i++)
                {
                    var port = $"1-{5 + i}";
                    b.World.Plugged(Some.Dongle($"D-{i}"), port);
                    b.World.Create(new CreateClaimRequest { Device = $"port:{port}", Guest = "other" }, World.User);
                }
            }, AttachLine, Again) with
            {
                ChosenIn = b => new(StringComparer.Ordinal) { ["CLAIM"] = b.World.State.Claims.Keys.First().ToString() },
                Cured = b =>
                {
                    b.AskAgain();
                    IsThere(b);
                },
            },
            Of("Calls", b =>
            {
                b.Plug();
                b.Caller = World.User;
                while (b.TypeAsync("usbhostctl device-list").GetAwaiter().GetResult().Exit == 0)
                {
                    // The bucket empties.
                }
            }, AttachLine, ("ask less often", b =>
            {
                b.World.Advance(1);
                b.AskAgain();
            }), ("Watch tells of changes", _ => { })),
        ],
    };
}
