namespace UsbHostd.Policy.Devices;

/// <summary>Somebody on the host uses the device.</summary>
/// <param name="Detail">Who or what, for a person: <c>/dev/sdb1 on /srv</c>, <c>eth1</c>, <c>pcscd (pid 812)</c>. Host data, yet shown escaped.</param>
public sealed record HostUse(HostUseKind Kind, string Detail)
{
    /// <summary>Whether the guard refuses the device because of it. The others are shown only.</summary>
    public bool IsGuarded => Kind is HostUseKind.Mount or HostUseKind.Swap or HostUseKind.Volume or HostUseKind.DefaultRoute
        or HostUseKind.LastKeyboard or HostUseKind.Process;
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

    /// <summary>A process holds it over usbfs (and it is in no guest).</summary>
    Process,
}
