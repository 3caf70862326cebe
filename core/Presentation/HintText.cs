// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Presentation;

/// <summary>What a person does about a claim's status. Each command is whole, as <see cref="CommandText"/> says; a test follows each one.</summary>
internal static class HintText
{
    /// <summary>A claim that stands needs nothing more once its reason is gone.</summary>
    public const string ByItself = "the claim goes on by itself";

    /// <summary>A request that was refused has made no claim.</summary>
    public const string AskAgain = "then ask again";

    /// <summary>Empty where nothing needs doing.</summary>
    /// <param name="then">What follows once the reason is gone.</param>
    public static string Of(HostState state, Claim claim, ClaimStatus status, string then = ByItself) => status.Reason switch
    {
        ClaimReason.DeviceAbsent => OfAbsent(state, claim, status),
        ClaimReason.GuestOff => $"start the guest: usbhostctl guest-start {CommandText.Guest(state, claim.Guest)}",
        ClaimReason.GuestUndefined => $"define the guest again: virsh define FILE; or release the claim: {CommandText.Release(claim.Id)}",
        ClaimReason.LibvirtUnavailable => StatusText.LibvirtHint(state, then),
        ClaimReason.Ambiguous => OfAmbiguous(state, claim, status),
        ClaimReason.InUseByHost => $"{(status.Use is { } use ? HostUseText.Hint(use) : "stop what uses it")}; {then}",
        ClaimReason.HeldByGuest or ClaimReason.HeldByOther => OfHeld(state, status, then),
        ClaimReason.NoController or ClaimReason.NoFreePort or ClaimReason.SpeedMismatch => OfMisfit(CommandText.Guest(state, claim.Guest), status.Reason),
        ClaimReason.GuestNotConfigured => "wait until the guest has started, or look for a driver in the guest",
        ClaimReason.HostDriverBound => $"it is tried again by itself; or try it now: {CommandText.Retry(claim.Id)}",
        ClaimReason.DetachedByOther or ClaimReason.Quarantined or ClaimReason.Withheld => CommandText.Retry(claim.Id),
        ClaimReason.Recovered => $"confirm it: {CommandText.Retry(claim.Id)}; or release it: {CommandText.Release(claim.Id)}",
        ClaimReason.AttachFailed or ClaimReason.DetachFailed =>
            $"see why: journalctl -u usbhostd (libvirt's log may say more); mend that, then {CommandText.Retry(claim.Id)}",
        ClaimReason.NotAllowed => OfNotAllowed(state, claim, status.Device),
        ClaimReason.IsHub => "see the devices behind it: usbhostctl device-list; claim one of them instead",
        ClaimReason.UnsupportedMode => OfMode(state, claim, status.Device),
        _ => "",
    };

    /// <summary>How a claim that policy does not allow is allowed. Only administrators may do what follows the first command.</summary>
    public static string OfNotAllowed(HostState state, Claim claim, UsbDevice? device) => device is null
        ? "an administrator may add a rule that allows it"
        : $"see what each rule says: usbhostctl policy-explain {CommandText.Device(state, device)} {CommandText.Guest(state, claim.Guest)}; "
            + $"an administrator may add a rule; or pass policy: {CommandText.Attach(state, claim, CommandText.Device(state, device), "--override REASON")}";

    private static string OfAbsent(HostState state, Claim claim, ClaimStatus status) =>
        status.InPort is { } inPort ? OtherInPort.Hint(state, claim, inPort)
        : OtherProduct.Of(state, claim) is { } other ? OtherProduct.Hint(state, claim, other)
        : claim.Follows.Kind == FollowKind.Serial ? "plug it in, into any port"
        : "plug it into its port";

    /// <summary>A serial is trusted where one device shows it now: with two of them there it tells nothing apart.</summary>
    private static string OfAmbiguous(HostState state, Claim claim, ClaimStatus status)
    {
        if (status.Candidates is not [var first, ..])
        {
            return "claim one of them by its port";
        }

        var byPort = claim.Origin switch
        {
            ClaimOrigin.Rule => $"let the rule name one of them by its port: via-port \"{first.PortPath}\"",
            ClaimOrigin.Metadata => $"ask for one of them by its port, in the guest's definition: device=\"port:{first.PortPath}\"",
            _ => $"claim one of them by its port, for example: {CommandText.Release(claim.Id)}, then {CommandText.AttachByPort(state, claim, first)}",
        };
        return status.Candidates.Length > 1
            ? byPort
            : $"{byPort}; or trust the serial, if only one device has it: usbhostctl device-trust-serial {CommandText.Device(state, first)}";
    }

    private static string OfHeld(HostState state, ClaimStatus status, string then)
    {
        if (status is { Reason: ClaimReason.HeldByGuest, OtherClaim: { } other })
        {
            return $"release the other claim, as its owner or an operator: {CommandText.Release(other)}";
        }

        var alias = status is { Device: { } device, OtherGuest: { } into }
            ? state.AttachmentsByAddress[device.Address].Where(p => p.Guest == into && p.Attachment.Ours is null).Select(p => ShellWord.Of(p.Attachment.Alias)).FirstOrDefault()
            : null;
        return alias is null
            ? $"take it out there, or end what holds it; {then}"
            : $"take it out there: virsh detach-device-alias {CommandText.Guest(state, status.OtherGuest!.Value)} {alias} --live; {then}";
    }

    /// <summary>libvirt adds no USB controller to a guest that runs.</summary>
    private static string OfMisfit(string guest, ClaimReason reason) => reason switch
    {
        ClaimReason.NoController => $"add <controller type='usb' model='qemu-xhci' ports='15'/> in place of one with model='none': virsh edit {guest}, then shut the guest down and start it again",
        ClaimReason.NoFreePort => $"see what the guest has: usbhostctl guest-info {guest}, then detach another device; "
            + $"or give its controller more ports, for example model='qemu-xhci' ports='15': virsh edit {guest}, then shut the guest down and start it again",
        _ => $"give the guest a controller with model='qemu-xhci': virsh edit {guest}, then shut the guest down and start it again",
    };

    private static string OfMode(HostState state, Claim claim, UsbDevice? device) => claim.Origin switch
    {
        ClaimOrigin.Metadata => "ask for mode=\"hostdev\" in the guest's definition",
        _ when claim.Origin == ClaimOrigin.Rule || (device is not null && state.VerdictOf(device).Rule?.Mode == claim.Mode) => "let the rule say: mode hostdev",
        _ => "ask for mode hostdev",
    };
}
