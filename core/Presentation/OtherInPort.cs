// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Core.Presentation;

/// <summary>A claim by port waits, and a device with another id is in its port. The words say which one, and how to claim both.</summary>
internal static class OtherInPort
{
    public static string Message(string claimed, UsbDevice other) =>
        $"{claimed} is not plugged in: {DeviceText.NameOf(other)} ({other.UsbId}) is in its port {other.PortPath} now";

    public static string Hint(HostState state, Claim claim, UsbDevice other)
    {
        var ids = claim.Ids.Append(other.UsbId).Distinct().ToList();
        return claim.Origin switch
        {
            ClaimOrigin.Rule => $"plug it into its port; or let the rule match both: id one-of {{ {string.Join(' ', ids)} }}",
            ClaimOrigin.Metadata => $"plug it into its port; or ask for both in the guest's definition: device=\"port:{other.PortPath}\" follow=\"{string.Join(' ', ids)}\"",
            _ => "plug it into its port; or claim both there, where it is one device that changes its id: "
                + $"{CommandText.Release(claim.Id)}, then {CommandText.AttachByPort(state, claim, other, ids)}",
        };
    }
}
