using System.Globalization;
using UsbHostd.Policy.Claims;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Guests;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Policy.Reconcile;

/// <summary>
/// A claim's status in words: what happened, to which device and guest, why, and what to do now. The device's own strings are in
/// it unescaped.
/// </summary>
public static class StatusText
{
    /// <summary>How the claim's device is called: the user's label, else its name, else its id.</summary>
    public static string DeviceName(HostState state, Claim claim, UsbDevice? device)
    {
        if (device is not null)
        {
            return NameOf(state, device);
        }

        foreach (var usbId in claim.Ids)
        {
            if (state.Remembered.TryGetValue(DeviceId.Of(claim.Follows, usbId), out var own) && own.Key == claim.Follows)
            {
                return state.Labels.GetValueOrDefault(own.Id) ?? own.Name;
            }
        }

        if (claim.Follows.Kind == FollowKind.Port)
        {
            // What was last in that port has its id from its serial.
            foreach (var (id, remembered) in state.Remembered)
            {
                if (remembered.PortKey == claim.Follows && claim.Ids.Contains(remembered.UsbId))
                {
                    return state.Labels.GetValueOrDefault(id) ?? remembered.Name;
                }
            }
        }

        return claim.Ids[0].ToString();
    }

    /// <summary>Why there is no connection to libvirt.</summary>
    public static string LibvirtMessage(HostState state, string? why) =>
        state.LibvirtSilentSince is { } since ? "libvirt is " + SilentSince(since) : (state.IsLibvirtRefusing ? "libvirt does not let usbhostd in: " : "libvirt can't be reached: ") + (why ?? "not connected yet");

    /// <summary>Of a libvirt that answers no call, <c>not answering since 2026-03-01 12:00:05 UTC</c>.</summary>
    public static string SilentSince(DateTimeOffset since) =>
        string.Create(CultureInfo.InvariantCulture, $"not answering since {since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC");

    /// <summary>What to do about it.</summary>
    /// <param name="then">What follows once libvirt runs.</param>
    public static string LibvirtHint(HostState state, string then) => state.LibvirtSilentSince is not null
        ? $"see what libvirt does: systemctl status libvirtd (or virtqemud); restarting it leaves guests running; {then}"
        : state.IsLibvirtRefusing
        ? "let user usbhostd into group libvirt: usermod -aG libvirt usbhostd, then systemctl restart usbhostd; where polkit asks, a rule for org.libvirt.unix.manage"
        : $"start libvirt: systemctl start libvirtd (or virtqemud); {then}";

    /// <summary>Label or name of a device that is there, with its id.</summary>
    public static string NameOf(HostState state, UsbDevice device) =>
        state.Labels.GetValueOrDefault(state.IdOf(device)) ?? DeviceText.NameOf(device);

    private static string NameOnCommandLine(HostState state, UsbDevice? device) => device is null ? "DEVICE" : $"id:{state.IdOf(device)}";

    /// <summary>One sentence; empty where all is as wanted.</summary>
    public static string Message(HostState state, Claim claim, ClaimStatus status)
    {
        var guest = state.GuestName(claim.Guest);
        var device = DeviceMark.Named(state, claim, status.Device);
        if (status is { Reason: ClaimReason.DeviceAbsent, InPort: { } inPort })
        {
            return OtherInPort.Message(device, inPort);
        }

        var detail = status.Detail;
        return status.Reason switch
        {
            ClaimReason.None => status.Phase switch
            {
                ClaimPhase.Attached => $"{device} is in guest {guest}",
                ClaimPhase.Attaching => $"{device} is on its way into guest {guest}",
                ClaimPhase.Detaching => $"{device} is on its way out of guest {guest}",
                ClaimPhase.Released => $"the claim of {device} for guest {guest} is released",
                _ => "",
            },
            ClaimReason.DeviceAbsent when OtherProduct.Of(state, claim) is { } other => OtherProduct.Message(claim, device, other),
            ClaimReason.DeviceAbsent => $"{device} is not plugged in",
            ClaimReason.GuestOff => $"guest {guest} is not running",
            ClaimReason.GuestUndefined => $"libvirt knows no guest {guest} now",
            ClaimReason.LibvirtUnavailable => LibvirtMessage(state, detail),
            ClaimReason.Ambiguous => $"{status.Candidates.Length} devices match {device}, or its serial was seen on two devices at once: {string.Join(", ", status.Candidates.Select(c => $"{c.PortPath} ({state.IdOf(c)})"))}",
            ClaimReason.InUseByHost => $"{(status.Use?.Guest is null ? "the host" : "a guest")} uses {device}: {detail}",
            ClaimReason.HeldByGuest => $"{device} is claimed for guest {(status.OtherGuest is { } other ? state.GuestName(other) : "?")} (claim {status.OtherClaim})",
            ClaimReason.HeldByOther when status.EntryOf is { } entry && status.OtherGuest is { } left =>
                $"guest {state.GuestName(left)} has an entry for {entry} that somebody else left there, and libvirt takes it for {device}, which has that number now",
            ClaimReason.HeldByOther => status.OtherGuest is { } other
                ? $"{device} was put into guest {state.GuestName(other)} by somebody else"
                : $"{device} is held by somebody else: {detail}",
            ClaimReason.NoController or ClaimReason.NoFreePort or ClaimReason.SpeedMismatch => $"{device} can't go into guest {guest}: {detail}",
            ClaimReason.GuestNotConfigured => $"{device} is in guest {guest}, which has not configured it",
            ClaimReason.HostDriverBound => $"{device} is in the definition of guest {guest}, yet the guest has not got it: {detail}",
            ClaimReason.DetachedByOther => $"somebody took {device} out of guest {guest}",
            ClaimReason.Recovered => $"{device} was found attached to guest {guest}, with no such claim in the database",
            ClaimReason.Quarantined => $"{device} is in quarantine: {detail}",
            ClaimReason.RetryLater => $"{device} could not be attached to guest {guest}, another try follows: {detail}",
            ClaimReason.AttachFailed => $"{device} could not be attached to guest {guest}: {detail}",
            ClaimReason.DetachFailed => $"{device} could not be taken out of guest {guest}: {detail}",
            ClaimReason.NotAllowed => $"policy does not allow {device} for guest {guest}: {detail}",
            ClaimReason.Withheld when claim.Origin == ClaimOrigin.Metadata => $"the definition of guest {guest} asks for {device}, and somebody released it",
            ClaimReason.Withheld => $"a rule gives {device} to guest {guest}, and somebody released it",
            ClaimReason.Settling => $"{device} was just plugged in, and its rule leaves it alone for a moment",
            ClaimReason.IsHub => $"{device} is a hub",
            ClaimReason.UnsupportedMode => $"mode {claim.Mode} is not supported for {device}",
            ClaimReason.LifetimeEnded => $"the claim of {device} for guest {guest} has ended",
            _ => throw new ArgumentOutOfRangeException(nameof(status), status.Reason, "a reason without words"),
        };
    }

    /// <summary>What to do now; empty where nothing needs doing.</summary>
    public static string Hint(HostState state, Claim claim, ClaimStatus status)
    {
        var guest = state.GuestName(claim.Guest);
        if (status is { Reason: ClaimReason.DeviceAbsent, InPort: { } inPort })
        {
            return OtherInPort.Hint(claim, guest, inPort);
        }

        return status.Reason switch
        {
            ClaimReason.DeviceAbsent when OtherProduct.Of(state, claim) is { } other => OtherProduct.Hint(claim, guest, other),
            ClaimReason.DeviceAbsent => claim.Follows.Kind == FollowKind.Serial ? "plug it in, into any port" : "plug it into its port",
            ClaimReason.GuestOff => $"start the guest: usbhostctl guest-start {guest}",
            ClaimReason.GuestUndefined => $"define the guest again, or release the claim: usbhostctl claim-release {claim.Id}",
            ClaimReason.LibvirtUnavailable => LibvirtHint(state, "the claim goes on by itself"),
            ClaimReason.Ambiguous => "claim by port instead: usbhostctl attach port:PORT GUEST --by port; or, if the serial is unique after all: usbhostctl device-trust-serial id:DEVICE",
            ClaimReason.InUseByHost when status.Use is { } use => $"{HostUseText.Hint(use)}; the claim goes on by itself",
            ClaimReason.InUseByHost => "stop what uses it; the claim goes on by itself",
            ClaimReason.HeldByGuest => $"release the other claim: usbhostctl claim-release {status.OtherClaim}; or take it over: usbhostctl attach --move",
            ClaimReason.HeldByOther => "take it out there first, for example with virsh detach-device; the claim goes on by itself",
            ClaimReason.NoController => $"add <controller type='usb' model='qemu-xhci' ports='15'/> with virsh edit {guest}, in place of one with model='none'; then shut the guest down and start it again, as libvirt adds none while it runs",
            ClaimReason.NoFreePort => $"detach another device; or give the guest's controller more ports with virsh edit {guest} (qemu-xhci takes ports='15'), then shut the guest down and start it again",
            ClaimReason.SpeedMismatch => $"give the guest a qemu-xhci controller with virsh edit {guest}, then shut the guest down and start it again",
            ClaimReason.GuestNotConfigured => "wait until the guest has started, or look for a driver in the guest",
            ClaimReason.HostDriverBound => $"it is tried again by itself; else: usbhostctl claim-retry {claim.Id}",
            ClaimReason.DetachedByOther or ClaimReason.Quarantined or ClaimReason.Withheld => $"usbhostctl claim-retry {claim.Id}",
            ClaimReason.Recovered => $"confirm with usbhostctl claim-retry {claim.Id}, or release with usbhostctl claim-release {claim.Id}",
            ClaimReason.AttachFailed or ClaimReason.DetachFailed => $"look at the journal and libvirt's log, then: usbhostctl claim-retry {claim.Id}",
            ClaimReason.NotAllowed => $"usbhostctl policy-explain {NameOnCommandLine(state, status.Device)} {guest} shows each rule; an administrator may add one, or pass policy with --override REASON",
            ClaimReason.IsHub => "claim the devices behind it instead",
            ClaimReason.UnsupportedMode => "use mode hostdev",
            _ => "",
        };
    }
}
