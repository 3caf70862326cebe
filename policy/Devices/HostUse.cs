// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Devices;

/// <summary>One use that the host, or a guest by other means than USB, makes of a device.</summary>
/// <param name="Detail">The facts for a person: <c>/dev/sdb1 on /srv</c>, <c>eth1</c>, <c>pcscd (pid 812) has /dev/ttyUSB0 open</c>. Shown escaped.</param>
public sealed record HostUse(HostUseKind Kind, string Detail)
{
    /// <summary>Name of the guest that has it; null where no guest does.</summary>
    public string? Guest { get; init; }

    /// <summary>Whether the guard refuses the device because of it. The others are shown only.</summary>
    public bool IsGuarded => Kind is not (HostUseKind.Network or HostUseKind.Input or HostUseKind.UserMount);

    /// <summary>Whether it may be over in a moment: udev's workers and blkid open each new node. Such a use refuses only if it lasts.</summary>
    public bool MayBeBrief => Kind is HostUseKind.Process or HostUseKind.Exclusive;
}

public enum HostUseKind
{
    /// <summary>A file system on it is mounted.</summary>
    Mount,

    /// <summary>It carries active swap.</summary>
    Swap,

    /// <summary>It is a member of LVM, LUKS, RAID or another device-mapper volume that is set up.</summary>
    Volume,

    /// <summary>It is a network interface.</summary>
    Network,

    /// <summary>A default route leaves through its network interface.</summary>
    DefaultRoute,

    /// <summary>It is an input device.</summary>
    Input,

    /// <summary>It is the only keyboard that the host has.</summary>
    LastKeyboard,

    /// <summary>A process has one of its device nodes open.</summary>
    Process,

    /// <summary>A loop device stands on one of its disks or partitions.</summary>
    Loop,

    /// <summary>The definition of a guest, or a guest's QEMU, has one of its device nodes.</summary>
    GuestNode,

    /// <summary>The kernel holds one of its disks exclusively, and nothing says for whom.</summary>
    Exclusive,

    /// <summary>A FUSE file system of an ordinary user says that it stands on it. Its name proves nothing, so it is shown only.</summary>
    UserMount,
}
