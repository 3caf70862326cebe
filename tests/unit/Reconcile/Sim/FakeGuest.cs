// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>One guest; what it has attached lives as long as its QEMU.</summary>
internal sealed class FakeGuest
{
    public required GuestId Id { get; init; }

    public required string Name { get; set; }

    public GuestState State { get; set; } = GuestState.Shutoff;

    public int? DomainId { get; set; }

    /// <summary>When its QEMU started; null where nobody may read that.</summary>
    public ulong? Started { get; set; }

    /// <summary>The empty controllers: what is used is counted.</summary>
    public ImmutableArray<GuestUsbController> Controllers { get; set; } = Xhci;

    public List<FakeHostdev> Hostdevs { get; set; } = [];

    public ImmutableArray<GuestWish> Wishes { get; set; } = [];

    /// <summary>A managed save; null where there is none.</summary>
    public List<FakeHostdev>? Saved { get; set; }

    public bool IsActive => DomainId is not null;

    public static ImmutableArray<GuestUsbController> Xhci { get; } =
        [new GuestUsbController(0, "qemu-xhci", UsbSpeedSet.Low | UsbSpeedSet.Full | UsbSpeedSet.High | UsbSpeedSet.Super, 4, 0)];

    public static ImmutableArray<GuestUsbController> Ehci { get; } = [new GuestUsbController(0, "ich9-ehci1", UsbSpeedSet.High, 6, 0)];

    /// <summary>An old controller before a new one, as hand-written definitions have them; one port of the new one.</summary>
    public static ImmutableArray<GuestUsbController> Mixed { get; } =
        [new GuestUsbController(0, "piix3-uhci", UsbSpeedSet.Low | UsbSpeedSet.Full, 2, 0), Xhci[0] with { Index = 1, Ports = 1 }];

    public static ImmutableArray<GuestUsbController> OnePort { get; } = [Xhci[0] with { Ports = 1 }];

    public static ImmutableArray<GuestUsbController> None { get; } = [new GuestUsbController(0, "none", UsbSpeedSet.None, 0, 0)];

    public static implicit operator GuestId(FakeGuest guest) => guest.Id;

    public Guest Seen() => new()
    {
        Id = Id,
        Name = Name,
        State = State,
        Run = DomainId is { } id ? new GuestRun(FakeHost.BootId, id, Started) : null,
        Attachments = [.. Hostdevs.Select(h => new Attachment(h.Alias, h.Missing ? null : h.Address, h.UsbId, h.Missing))],
        Controllers = [.. Controllers.Select(c => With(c, Hostdevs.Count(h => h.Controller == c.Index)))],
        Wishes = Wishes,
    };

    public override string ToString() => Name;

    /// <summary>A controller's own ports are given out before those of its hub.</summary>
    private static GuestUsbController With(GuestUsbController c, int more) => c with
    {
        UsedPorts = c.UsedPorts + more,
        UsedHubPorts = c.UsedHubPorts + Math.Max(0, more - (c.Ports - c.HubPorts - (c.UsedPorts - c.UsedHubPorts))),
    };
}

/// <summary>One hostdev in a guest's live XML.</summary>
internal sealed class FakeHostdev
{
    public required string Alias { get; init; }

    public required UsbAddress Address { get; init; }

    public required UsbId UsbId { get; init; }

    public bool Missing { get; init; }

    /// <summary>Index of the guest's controller that it is on.</summary>
    public int Controller { get; init; }

    /// <summary>What QEMU has open; null where it is missing.</summary>
    public FakeDevice? Device { get; init; }

    public ulong DeviceUsec { get; init; }

    /// <summary>It was restored, and QEMU has closed the device.</summary>
    public bool IsHollow { get; init; }

    /// <summary>QEMU was asked to let it go and has not yet.</summary>
    public bool Leaving { get; set; }

    /// <summary>Whether the guest really has the device, and not the remains of an earlier plug.</summary>
    public bool IsLive => Device is { IsPlugged: true } && Device.UsecInitialized == DeviceUsec && !IsHollow;
}
