// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Core.Presentation;

/// <summary>
/// A serial key is made of vendor, product and serial. A device that changes its product (a boot loader, a mode switch) therefore shows another
/// key, and a claim by the first one waits. This class finds such a device, to say why and what to do.
/// </summary>
internal static class OtherProduct
{
    /// <summary>The device that shows the claim's serial and vendor with another product; null where there is none.</summary>
    public static UsbDevice? Of(HostState state, Claim claim)
    {
        if (claim.Follows.VendorAndSerial is not { } family)
        {
            return null;
        }

        foreach (var syspath in state.DevicesByVendorAndSerial[family])
        {
            if (state.Devices[syspath] is var device && device.SerialKey != claim.Follows)
            {
                return device;
            }
        }

        return null;
    }

    public static string Message(Claim claim, string name, UsbDevice other) =>
        $"{name} is not plugged in as {string.Join(", ", claim.Ids)}: the device on port {other.PortPath} has its serial {claim.Follows.SerialText}, and is {other.UsbId} now; "
        + "a claim by serial is for one product";

    public static string Hint(HostState state, Claim claim, UsbDevice other)
    {
        var ids = claim.Ids.Append(other.UsbId).Distinct().ToList();
        return claim.Origin switch
        {
            ClaimOrigin.Metadata => $"ask for both products on its port, in the guest's definition: device=\"port:{other.PortPath}\" follow=\"{string.Join(' ', ids)}\"",
            ClaimOrigin.Rule => $"let the rule match both products: id one-of {{ {string.Join(' ', ids)} }}",
            _ => $"claim both products on its port: {CommandText.Release(claim.Id)}, then {CommandText.AttachByPort(state, claim, other, ids)}",
        };
    }
}
