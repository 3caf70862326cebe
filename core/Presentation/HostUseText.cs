// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Policy.Devices;

namespace UsbHostd.Core.Presentation;

/// <summary>A use of the host's in words: what it is, and how a person ends it. The detail is in it unescaped.</summary>
public static class HostUseText
{
    /// <summary>A clause that names the holder.</summary>
    public static string Message(HostUse use) => use.Kind switch
    {
        HostUseKind.Mount => $"a file system on it is mounted ({use.Detail})",
        HostUseKind.Swap => $"the host swaps to it ({use.Detail})",
        HostUseKind.Volume => $"it is part of a volume that is set up ({use.Detail})",
        HostUseKind.Network => $"it is the network interface {use.Detail}",
        HostUseKind.DefaultRoute => $"the host's default route leaves through it ({use.Detail})",
        HostUseKind.Input => $"it is the input device {use.Detail}",
        HostUseKind.LastKeyboard => $"it is the host's last keyboard ({use.Detail})",
        HostUseKind.Process or HostUseKind.GuestNode => use.Detail,
        HostUseKind.Loop => $"a loop device stands on it ({use.Detail})",
        HostUseKind.Exclusive => $"something in the kernel holds it for itself ({use.Detail})",
        HostUseKind.UserMount => $"a user's file system says that it stands on it ({use.Detail})",
        _ => throw new ArgumentOutOfRangeException(nameof(use), use.Kind, "a use without words"),
    };

    /// <summary>What to do about it; empty for a use that is only shown.</summary>
    public static string Hint(HostUse use) => use.Kind switch
    {
        HostUseKind.Mount => "unmount it (umount)",
        HostUseKind.Swap => "stop swapping to it (swapoff)",
        HostUseKind.Volume => "take the volume down: vgchange -an for LVM, mdadm --stop for RAID, cryptsetup close for LUKS, zpool export for ZFS",
        HostUseKind.DefaultRoute => "give the host a default route through another network connection",
        HostUseKind.LastKeyboard => "attach another keyboard to the host",
        HostUseKind.Process => "stop that program, or have it close the device",
        HostUseKind.Loop => "take the loop device down (losetup -d)",
        HostUseKind.GuestNode when use.Guest is { } guest =>
            $"take it out of the definition of guest {guest}: virsh edit {CommandText.Guest(guest)}, then shut that guest down; "
            + $"or take a disk out while it runs: virsh domblklist {CommandText.Guest(guest)}, then virsh detach-disk {CommandText.Guest(guest)} TARGET",
        HostUseKind.GuestNode => "take it out of that guest's definition (virsh edit), then shut that guest down",
        HostUseKind.Exclusive => "see what stands on the disk: lsblk, then end that",
        _ => "",
    };
}
