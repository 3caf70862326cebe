// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Guests;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Hints;

/// <summary>Every reason that a claim can have, how it comes about, and what a person does by hand where its hint says so.</summary>
internal static class ClaimHints
{
    public const string Metadata = "serial:0951:1666:S-0001";
    public const string Assign = "assign serial \"S-0001\" to-guest \"" + HintBed.GuestName + "\"";

    public static readonly UsbId Loader = new(0x0951, 0x1667);

    /// <summary>Reasons that go away by themselves, or say nothing: no hint is printed.</summary>
    public static IReadOnlyDictionary<ClaimReason, Action<HintBed>?> WithoutHint { get; } = new Dictionary<ClaimReason, Action<HintBed>?>
    {
        [ClaimReason.None] = b => b.ClaimPlugged(),
        [ClaimReason.RetryLater] = b =>
        {
            Failing(b, "attach", ClaimReason.AttachFailed, transient: true);
            b.ClaimPlugged();
            b.World.Host.Before = null;
        },
        [ClaimReason.Settling] = b =>
        {
            b.Load($"{Assign} settle 5s");
            b.Plug();
            b.Claim = b.World.State.Claims.Keys.Single();
        },

        // A claim that ends is released: no status has this reason, which the contract keeps for clients.
        [ClaimReason.LifetimeEnded] = null,
    };

    public static IReadOnlyDictionary<ClaimReason, HintCase[]> All { get; } =
        DeviceHints.All.Concat(GuestHints.All).ToDictionary(c => c.Key, c => c.Value);

    public static Dictionary<string, string> Because => new(StringComparer.Ordinal) { ["REASON"] = "inventory" };

    public static HintCase Of(string name, Action<HintBed> make, params (string Step, Action<HintBed> Act)[] byHand) => new(name, b =>
    {
        make(b);
        return b.ClaimHintAsync();
    })
    {
        ByHand = byHand.ToDictionary(a => a.Step, a => a.Act, StringComparer.Ordinal),
    };

    public static HintCase Used(HostUseKind kind)
    {
        Action<HintBed> end = b => b.World.Do(h => h.Use(b.Device));
        return Of(kind.ToString(), b =>
        {
            b.Claim = b.World.Claim(Metadata, b.Guest);
            b.Device.Uses = [new HostUse(kind, "it") { Guest = kind == HostUseKind.GuestNode ? "other" : null }];
            b.Plug();
        },
        ("unmount it (umount)", end), ("swapoff", end), ("vgchange -an for LVM", end), ("default route", end), ("attach another keyboard", end),
        ("stop that program", end), ("have it close the device", end), ("losetup -d", end), ("end that", end), ("stop what uses it", end),
        ("virsh edit other", _ => { }
        ), ("shut that guest down", end), ("virsh detach-disk other TARGET", end)) with
        {
            Chosen = new(StringComparer.Ordinal) { ["TARGET"] = "vdb" },
        };
    }

    public static FakeDevice Bare() => Some.Stick(serial: null, "bare");

    public static FakeDevice Other() => new() { Name = "hasp", UsbId = new(0x0529, 0x0001), HostDrivers = [null] };

    public static void AfterClaim(HintBed bed, Action<FakeHost> happens)
    {
        bed.ClaimPlugged();
        bed.World.Do(happens);
    }

    public static void Define(HintBed bed)
    {
        bed.World.Do(h => h.Redefine(bed.Guest, new GuestWish(Metadata, Optional: false)));
        bed.Plug();
        bed.Claim = bed.World.State.Claims.Keys.Single();
    }

    public static void Become(HintBed bed, UsbId id)
    {
        bed.World.Host.Pull(bed.Device);
        bed.Device.UsbId = id;
        bed.Plug();
    }

    /// <summary>Another device with the same serial comes, and the first loses its place.</summary>
    public static void Twins(HintBed bed, Action claim)
    {
        claim();
        bed.World.Plugged(Some.Stick(name: "twin"), "1-5");
        bed.World.Advance(TimeSpan.FromMinutes(1));
        bed.World.Do(h => h.Pull(bed.Device));
        bed.World.Advance(TimeSpan.FromMinutes(1));
        bed.Plug();
    }

    public static void Misfit(HintBed bed, System.Collections.Immutable.ImmutableArray<GuestUsbController> controllers)
    {
        bed.Claim = bed.World.Claim(bed.Device.UsbId == Some.StickId ? Metadata : "serial:174c:55aa:DISK-9", bed.Guest);
        bed.Guest.Controllers = controllers;
        bed.World.Do(h => h.RescanGuests());
        bed.Plug();
    }

    public static void Failing(HintBed bed, string verb, ClaimReason reason, bool transient) =>
        bed.World.Host.Before = v =>
        {
            if (v == verb)
            {
                throw new GuestHostException(reason, "no such luck", transient);
            }
        };

    public static void GoOn(HintBed bed)
    {
        bed.World.Host.Before = null;
        bed.World.Advance(TimeSpan.FromMinutes(1));
    }
}
