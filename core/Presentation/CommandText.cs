// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Presentation;

/// <summary>
/// Whole commands for hints, with the real device and guest. A person can copy each into a shell. In a hint a command ends at a semicolon, at a
/// comma with a blank, at a bracket, or with the hint; no other words follow it before that.
/// </summary>
public static class CommandText
{
    /// <summary>The guest as usbhostctl and virsh take it: its name, or its UUID where the name could mean another guest or can't be shown.</summary>
    public static string Guest(HostState state, GuestId guest)
    {
        // A known guest alone has its name: names of guests that libvirt has forgotten may be another's by now.
        var name = state.Guests.TryGetValue(guest, out var known) ? known.Name : null;
        return name is not null && IsOnlyAName(name) && state.GuestsByName[name].Length == 1 && ShellWord.Of(name) is { } word ? word : guest.ToString();
    }

    /// <summary>The guest of a use, which is known by its name only.</summary>
    public static string Guest(string name) => IsOnlyAName(name) && ShellWord.Of(name) is { } word ? word : "GUEST";

    /// <summary>A device that is there: its id, or its port where several devices show the serial that the id is made of.</summary>
    public static string Device(HostState state, UsbDevice device) =>
        device.SerialKey is { } serial && state.DevicesByKey[serial].Length > 1 ? $"port:{device.PortPath}" : $"id:{state.IdOf(device)}";

    /// <summary>What a person typed for a device or a file; the placeholder where it can't be shown.</summary>
    public static string Typed(string text, string placeholder) => ShellWord.Of(text) ?? placeholder;

    /// <summary>The <c>attach</c> that makes this claim of a device.</summary>
    /// <param name="device">As the command line names it.</param>
    /// <param name="option">What this attach has in addition, <c>--move</c>.</param>
    public static string Attach(HostState state, Claim claim, string device, string option = "") =>
        $"usbhostctl attach {device} {Guest(state, claim.Guest)}{Options(claim)}{(option.Length > 0 ? $" {option}" : "")}";

    /// <summary>The <c>attach</c> that claims a device by its port, with all ids that are given.</summary>
    public static string AttachByPort(HostState state, Claim claim, UsbDevice device, params IEnumerable<UsbId> ids) =>
        Attach(state, claim with { Follows = device.PortKey, Ids = [.. ids.DefaultIfEmpty(device.UsbId)] }, $"port:{device.PortPath}");

    /// <summary>The <c>attach</c> that makes an ended claim again, wherever its device is.</summary>
    public static string AttachAnew(HostState state, Claim claim)
    {
        if (state.DevicesWith(claim.Follows).FirstOrDefault(d => claim.Ids.Contains(d.UsbId)) is { } there)
        {
            return Attach(state, claim, Device(state, there));
        }

        if (claim.Follows.SerialText is { } serial)
        {
            return Attach(state, claim, Typed($"serial:{claim.Ids[0]}:{serial}", "DEVICE"));
        }

        // A port that is empty is claimed for certain ids only, so all of them are said.
        return Attach(
            state, claim, Typed($"port:{DeviceMark.TextOf(state, claim.Follows)}", "DEVICE"), claim.Ids.Length == 1 ? $"--follow {claim.Ids[0]}" : "");
    }

    public static string Release(ClaimId claim) => $"usbhostctl claim-release {claim}";

    public static string Retry(ClaimId claim) => $"usbhostctl claim-retry {claim}";

    private static string Options(Claim claim) =>
        (claim.Follows.Kind == FollowKind.Port ? " --by port" : "")
        + (claim.Ids.Length > 1 ? $" --follow {string.Join(',', claim.Ids)}" : "")
        + claim.Lifetime switch
        {
            ClaimLifetime.UntilUnplug => " --once",
            ClaimLifetime.UntilGuestStops => " --until-guest-stops",
            _ => "",
        };

    /// <summary>False where usbhostctl or virsh take the name for something else: a prefix, a UUID, or virsh's number of a running guest.</summary>
    private static bool IsOnlyAName(string name) =>
        !name.StartsWith("name:", StringComparison.Ordinal) && !name.StartsWith("uuid:", StringComparison.Ordinal)
        && !Guid.TryParse(name, out _) && !name.All(char.IsAsciiDigit);
}
