// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Guests;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Hints;

/// <summary>Every code that a request can be refused with: how that comes about, and what a person does by hand where the hint says so.</summary>
internal static class RefusalHints
{
    public const string GuestWord = "'erp'\"'\"'s 2; test'";
    public const string AttachLine = $"usbhostctl attach port:1-4 {GuestWord}";
    public const string Stick = "serial:0951:1666:S-0001";

    public static readonly (string, Action<HintBed>) Again = ("ask again", b => b.AskAgain());

    /// <summary>Codes whose hints another test follows, or that have nothing to follow; each with why.</summary>
    public static IReadOnlyDictionary<ErrorCode, string> Exempt { get; } = new Dictionary<ErrorCode, string>
    {
        [ErrorCode.Unspecified] = "no refusal has it",
        [ErrorCode.ErrorRequestReused] = "the command line sends no request id; Hint_RequestIdUsedTwice_NamesTheWayOut",
        [ErrorCode.ErrorTimedOut] = "a deadline or --wait; AttachTests",
        [ErrorCode.ErrorUnimplemented] = "no verb of this usbhostctl is unknown to this daemon; GrpcCallTests",
        [ErrorCode.ErrorInternal] = "a fault of the program: its hint names the journal, which Sources_CommandsOfOthers_AreThose checks",
        [ErrorCode.ErrorUnavailable] = "nobody answers; OtherHintTests",
    };

    public static IReadOnlyDictionary<ErrorCode, HintCase[]> All { get; } =
        NamingHints.All.Concat(ConflictHints.All).ToDictionary(c => c.Key, c => c.Value);

    public static Dictionary<string, string> Because => new(StringComparer.Ordinal) { ["REASON"] = "inventory" };

    public static Dictionary<string, string> Ids => new(StringComparer.Ordinal) { ["VENDOR:PRODUCT"] = "0951:1666" };

    public static HintCase Of(string name, Action<HintBed> make, string refused, params (string Step, Action<HintBed> Act)[] byHand) => new(name, b =>
    {
        make(b);
        return b.RefusalHintAsync(refused);
    })
    {
        ByHand = byHand.ToDictionary(a => a.Step, a => a.Act, StringComparer.Ordinal),
    };

    public static HintCase Released(string name, Action<HintBed> make) => new(name, b =>
    {
        make(b);
        b.World.Release(b.Claim!.Value);
        return b.RefusalHintAsync($"usbhostctl claim-retry {b.Claim}");
    })
    {
        Cured = b =>
        {
            if (!b.Device.IsPlugged)
            {
                b.Plug();
            }

            IsThere(b);
            var (before, after) = (b.World.Stored(b.Claim!.Value), b.World.State.Claims.Values.Single(e => e.Stands).Claim);
            Assert.That((after.Lifetime, after.Follows, after.Ids[0]), Is.EqualTo((before.Lifetime, before.Follows, before.Ids[0])));
        },
    };

    public static HintCase Misfit(System.Collections.Immutable.ImmutableArray<GuestUsbController> controllers, bool taken = false, bool superSpeed = false) => Of("", b =>
    {
        b.Device = superSpeed ? Some.SuperSpeedDisk() : b.Device;
        b.Guest.Controllers = controllers;
        b.World.Do(h => h.RescanGuests());
        if (taken)
        {
            b.World.Plugged(Some.Dongle(), "1-8");
            b.World.Do(h => h.AttachForeign(b.Guest, h.Devices[^1]));
        }

        b.Plug();
    },
    AttachLine,
    ("virsh edit", b => b.Guest.Controllers = FakeGuest.Xhci),
    ("shut the guest down", b =>
    {
        b.World.Do(h => h.Restart(b.Guest));
        b.AskAgain();
    }
    ),
    ("detach another device", b =>
    {
        b.World.Do(h => h.DetachByHand(b.Guest, h.Devices.Single(d => d.Port == "1-8")));
        b.AskAgain();
    }
    ));

    public static void TwinsThere(HintBed bed)
    {
        bed.Plug();
        bed.World.Plugged(Some.Stick(name: "twin"), "1-5");
        bed.World.Advance(TimeSpan.FromMinutes(1));
    }

    public static void ClaimedForOther(HintBed bed, Action<CreateClaimRequest>? with = null)
    {
        bed.Plug();
        bed.World.Claim(bed.Device, bed.Other, with);
    }

    public static void ThenAsk(HintBed bed, string? line)
    {
        bed.Plug();
        bed.AskAgain(line);
    }

    public static void PluggedIn(HintBed bed)
    {
        if (!bed.Device.IsPlugged)
        {
            bed.Plug();
        }

        IsThere(bed);
    }

    public static void IsThere(HintBed bed) =>
        Assert.That(bed.GuestHasDevice, string.Join("; ", bed.World.Host.Done));
}
