// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Presentation;

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
        ? $"see what libvirt does: systemctl status libvirtd (or virtqemud); a restart of it leaves guests running; {then}"
        : state.IsLibvirtRefusing
        ? "let user usbhostd into group libvirt: usermod -aG libvirt usbhostd, then systemctl restart usbhostd; where polkit asks, a rule for org.libvirt.unix.manage"
        : $"start libvirt: systemctl start libvirtd (or virtqemud); {then}";

    /// <summary>Label or name of a device that is there, with its id.</summary>
    public static string NameOf(HostState state, UsbDevice device) =>
        state.Labels.GetValueOrDefault(state.IdOf(device)) ?? DeviceText.NameOf(device);

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
    public static string Hint(HostState state, Claim claim, ClaimStatus status) => HintText.Of(state, claim, status);
}
