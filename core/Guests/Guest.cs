// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Guests;

/// <summary>
/// One run of a guest: the host's boot id, libvirt's domain id, and when the guest's QEMU started, for example <c>6f2c…/4/204140</c>. Another start
/// is another run. libvirt counts its domains anew after its own restart, so a later run may have the same id.
/// </summary>
/// <param name="Started">
/// In clock ticks since the host's boot (proc_pid_stat(5), starttime). Null where that could not be read, and of runs from before it was kept.
/// </param>
public readonly record struct GuestRun(string BootId, int DomainId, ulong? Started = null)
{
    /// <summary>Whether both are one run. A start that is not known contradicts none.</summary>
    public bool IsSameAs(GuestRun other) =>
        BootId == other.BootId && DomainId == other.DomainId && (Started is null || other.Started is null || Started == other.Started);

    public override string ToString() => Started is { } started ? $"{BootId}/{DomainId}/{started}" : $"{BootId}/{DomainId}";

    /// <summary>Null for anything but what <see cref="ToString"/> gives.</summary>
    public static GuestRun? Parse(string? text) => text?.Split('/') switch
    {
        [{ Length: > 0 } boot, var id] when Number(id) is { } number => new GuestRun(boot, number),
        [{ Length: > 0 } boot, var id, var started] when Number(id) is { } number
            && ulong.TryParse(started, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) => new GuestRun(boot, number, ticks),
        _ => null,
    };

    private static int? Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}

/// <summary>One guest as libvirt's live XML shows it at one moment; immutable.</summary>
public sealed record Guest
{
    public required GuestId Id { get; init; }

    public required string Name { get; init; }

    public required GuestState State { get; init; }

    /// <summary>Null while the guest is off.</summary>
    public GuestRun? Run { get; init; }

    /// <summary>False for a transient domain, which is gone once it stops.</summary>
    public bool IsPersistent { get; init; } = true;

    /// <summary>USB host devices in the live XML; empty while the guest is off.</summary>
    public ImmutableArray<Attachment> Attachments { get; init; } = [];

    /// <summary>USB controllers; of the live XML, or of the persistent one while the guest is off.</summary>
    public ImmutableArray<GuestUsbController> Controllers { get; init; } = [];

    /// <summary>What its definition asks for, in order; each device once.</summary>
    public ImmutableArray<GuestWish> Wishes { get; init; } = [];

    /// <summary>Device nodes of the host that its XML names: of the live XML, or of the persistent one while the guest is off.</summary>
    public ImmutableArray<GuestNode> Nodes { get; init; } = [];

    /// <summary>Whether devices can be attached now: running, paused or in the guest's own suspend, with a QEMU behind it.</summary>
    public bool IsActive => Run is not null && State is GuestState.Running or GuestState.Paused or GuestState.Suspended;
}

/// <summary>virDomainState, without those that QEMU never shows.</summary>
public enum GuestState
{
    Shutoff,
    Running,
    Paused,
    Suspended,
    ShuttingDown,
    Crashed,
}

/// <summary>One <c>hostdev</c> of type usb in a guest's live XML.</summary>
/// <param name="Alias">Its alias, which for ours carries claim and plug; never null for an active domain.</param>
/// <param name="Address">busnum and devnum that libvirt resolved; null where it is missing.</param>
/// <param name="Missing">libvirt's <c>missing='yes'</c>: an empty place, left by startupPolicy='optional'.</param>
public sealed record Attachment(string Alias, UsbAddress? Address, UsbId? UsbId, bool Missing)
{
    /// <summary>What the alias says where it is one of ours; null for a foreign attachment, which is never touched.</summary>
    public AttachmentAlias? Ours { get; } = AttachmentAlias.TryParse(Alias);
}

/// <summary>One USB controller of a guest with the ports that are left on it.</summary>
/// <param name="Model">libvirt's model, for example <c>qemu-xhci</c>, <c>ich9-ehci1</c>, <c>none</c>.</param>
/// <param name="Speeds">Speeds that a device on its ports may run at.</param>
/// <param name="Ports">How many ports it has, hubs behind it counted with what they add.</param>
/// <param name="UsedPorts">How many are taken.</param>
public sealed record GuestUsbController(int Index, string Model, UsbSpeedSet Speeds, int Ports, int UsedPorts)
{
    /// <summary>QEMU's hub is a USB 1.1 hub (hw/usb/dev-hub.c): its ports take no other speeds, whatever the controller takes.</summary>
    private const UsbSpeedSet SpeedsOfHubs = UsbSpeedSet.Low | UsbSpeedSet.Full;

    /// <summary>Those of <see cref="Ports"/> that hubs add.</summary>
    public int HubPorts { get; init; }

    /// <summary>Those of <see cref="UsedPorts"/> that are ports of hubs.</summary>
    public int UsedHubPorts { get; init; }

    public int FreePorts => Math.Max(0, Ports - UsedPorts);

    /// <summary>Whether a port of the controller itself is free.</summary>
    public bool HasFreeOwnPort => Ports - HubPorts > UsedPorts - UsedHubPorts;

    /// <summary>
    /// Speeds that the next device may run at; none where no port is free. libvirt gives out the controller's own ports before those of its hubs
    /// (virDomainUSBAddressFindFreePort).
    /// </summary>
    public UsbSpeedSet FreeSpeeds => FreePorts == 0 ? UsbSpeedSet.None : HasFreeOwnPort ? Speeds : Speeds & SpeedsOfHubs;
}

/// <summary>QEMU's speed mask: SuperSpeedPlus counts as super there.</summary>
[Flags]
public enum UsbSpeedSet
{
    None = 0,
    Low = 1,
    Full = 2,
    High = 4,
    Super = 8,
}
