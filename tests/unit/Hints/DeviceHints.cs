// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;
using static UsbHostd.Tests.Hints.ClaimHints;

namespace UsbHostd.Tests.Hints;

/// <summary>Reasons that have to do with the device: where it is, which one it is, and who has it.</summary>
internal static class DeviceHints
{
    public static IReadOnlyDictionary<ClaimReason, HintCase[]> All { get; } = new Dictionary<ClaimReason, HintCase[]>
    {
        [ClaimReason.DeviceAbsent] =
        [
            Of("BySerial", b => AfterClaim(b, h => h.Pull(b.Device)), ("plug it in, into any port", b => b.Plug("1-7"))),
            Of("ByPort", b =>
            {
                b.Device = Bare();
                AfterClaim(b, h => h.Pull(b.Device));
            }, ("plug it into its port", b => b.Plug())),
            Of("AnotherInItsPort", b =>
            {
                b.Device = Bare();
                AfterClaim(b, h => h.Pull(b.Device));
                b.Device = Other();
                b.Plug();
            }, ("plug it into its port", b =>
            {
                b.World.Do(h => h.Pull(b.Device));
                b.Device = Bare();
                b.Plug();
            })),
            Of("AnotherInItsPortByRule", b =>
            {
                b.Load($"assign id 0951:1666 via-port \"1-4\" to-guest \"{HintBed.GuestName}\"");
                b.Device = Bare();
                b.Plug();
                b.Claim = b.World.State.Claims.Keys.Single();
                b.World.Do(h => h.Pull(b.Device));
                b.Device = Other();
                b.Plug();
            }, ("plug it into its port", b =>
            {
                b.World.Do(h => h.Pull(b.Device));
                b.Device = Bare();
                b.Plug();
            }), ("id one-of { 0951:1666 0529:0001 }", b => b.Load($"assign id one-of {{ 0951:1666 0529:0001 }} via-port \"1-4\" to-guest \"{HintBed.GuestName}\""))),
            Of("AnotherInItsPortByDefinition", b =>
            {
                b.Device = Bare();
                b.World.Do(h => h.Redefine(b.Guest, new GuestWish("port:1-4", Optional: false) { Follow = [Some.StickId] }));
                b.Plug();
                b.Claim = b.World.State.Claims.Keys.Single();
                b.World.Do(h => h.Pull(b.Device));
                b.Device = Other();
                b.Plug();
            }, ("plug it into its port", b =>
            {
                b.World.Do(h => h.Pull(b.Device));
                b.Device = Bare();
                b.Plug();
            }), ("device=\"port:1-4\" follow=\"0951:1666 0529:0001\"", b => b.World.Do(h => h.Redefine(b.Guest, new GuestWish("port:1-4", Optional: false) { Follow = [Some.StickId, new(0x0529, 1)] })))),
            Of("AnotherProduct", b => AfterClaim(b, _ => Become(b, Loader))),
            Of("AnotherProductByRule", b =>
            {
                b.Load($"assign id 0951:1666 serial \"S-0001\" to-guest \"{HintBed.GuestName}\"");
                b.Plug();
                b.Claim = b.World.State.Claims.Keys.Single();
                Become(b, Loader);
            }, ("id one-of { 0951:1666 0951:1667 }", b => b.Load($"assign id one-of {{ 0951:1666 0951:1667 }} serial \"S-0001\" to-guest \"{HintBed.GuestName}\""))),
            Of("AnotherProductByDefinition", b =>
            {
                Define(b);
                Become(b, Loader);
            }, ("device=\"port:1-4\" follow=\"0951:1666 0951:1667\"", b => b.World.Do(h => h.Redefine(b.Guest, new GuestWish("port:1-4", Optional: false) { Follow = [Some.StickId, Loader] })))),
        ],
        [ClaimReason.Ambiguous] =
        [
            Of("Twins", b => Twins(b, () => b.ClaimPlugged())),
            Of("TwinsOnce", b => Twins(b, () =>
            {
                b.Plug();
                b.Claim = b.World.Claim(b.Device, b.Guest, r => r.Lifetime = Api.V1.Lifetime.UntilGuestStops);
            })),
            Of("OneOfThemLeft", b =>
            {
                Twins(b, () => b.ClaimPlugged());
                b.World.Do(h => h.Pull(h.Devices.Single(d => d.Name == "twin")));
            }),
            Of("TwinsByRule", b =>
            {
                b.Load(Assign);
                b.Plug("1-7");
                b.Claim = b.World.State.Claims.Keys.Single();
                b.World.Do(h => h.Pull(b.Device));
                b.World.Host.Plug(Some.Stick(name: "twin"), "1-5");
                b.Plug();
            }, ("via-port \"1-4\"", b =>
            {
                b.Load($"assign serial \"S-0001\" via-port \"1-4\" to-guest \"{HintBed.GuestName}\"");
                b.World.Advance(TimeSpan.FromMinutes(1));
            })),
            Of("TwinsByDefinition", b => Twins(b, () => Define(b)), ("device=\"port:1-4\"", b => b.World.Do(h => h.Redefine(b.Guest, new GuestWish("port:1-4", Optional: false))))),
        ],
        [ClaimReason.InUseByHost] = [.. Enum.GetValues<HostUseKind>().Where(k => new HostUse(k, "").IsGuarded).Select(Used)],
        [ClaimReason.HeldByGuest] =
        [
            Of("", b =>
            {
                b.Plug();
                b.World.Claim(b.Device, b.Other, r => r.Follow = Api.V1.Follow.Port);
                b.World.Do(h => h.Pull(b.Device));
                b.World.Advance(1);
                b.Claim = b.World.Claim(Metadata, b.Guest);
                b.Plug();
            }),
        ],
        [ClaimReason.HeldByOther] =
        [
            Of("", b =>
            {
                b.Plug();
                b.World.Do(h => h.Pull(b.Device));
                b.Claim = b.World.Claim(Metadata, b.Guest);
                b.World.Host.Plug(b.Device, "1-4");
                b.World.Do(h => h.AttachForeign(b.Other, b.Device, "ua-by-hand"));
            }, ("virsh detach-device-alias other ua-by-hand --live", b => b.World.Do(h => h.DetachByHand(b.Other, b.Device)))),
            Of("OfAnotherLibvirt", b =>
            {
                Failing(b, "attach", ClaimReason.HeldByOther, transient: true);
                b.ClaimPlugged();
                b.World.Advance(TimeSpan.FromMinutes(5));
            }, ("end what holds it", b => GoOn(b)), ("take it out there", b => GoOn(b))),
        ],
        [ClaimReason.DetachedByOther] = [Of("", b => AfterClaim(b, h => h.DetachByHand(b.Guest, b.Device)))],
        [ClaimReason.Recovered] =
        [
            Of("", b =>
            {
                b.ClaimPlugged();
                b.World.Crash();
                b.World.Store.Clear();
                b.World.Start();
            }),
        ],
        [ClaimReason.Quarantined] =
        [
            Of("", b =>
            {
                b.ClaimPlugged();
                for (var i = 0; i <= b.World.Limits.FlapPlugs; i++)
                {
                    b.World.Do(h => h.Replug(b.Device));
                }
            }),
        ],
        [ClaimReason.IsHub] =
        [
            Of("", b =>
            {
                b.Claim = b.World.Claim("serial:05e3:0608:H-1", b.Guest);
                b.World.Plugged(new FakeDevice { Name = "hub", UsbId = new(0x05e3, 0x0608), Serial = "H-1", Class = new(UsbClass.Hub, 0, 1), HostDrivers = ["hub"] }, "1-4");
            }, ("claim one of them instead", b =>
            {
                b.World.Release(b.Claim!.Value);
                b.ClaimPlugged("1-4.1");
            })),
        ],
        [ClaimReason.Withheld] =
        [
            Of("ByRule", b =>
            {
                b.Load(Assign);
                b.Plug();
                b.Claim = b.World.State.Claims.Keys.Single();
                b.World.Release(b.Claim.Value);
            }),
            Of("ByDefinition", b =>
            {
                Define(b);
                b.World.Release(b.Claim!.Value);
            }),
        ],
    };
}
