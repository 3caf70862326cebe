// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Core.Planning;

/// <summary>Which devices are to be kept from being suspended: pure. Those that a guest has by our doing, and no others.</summary>
internal static class Power
{
    /// <summary>For each of these devices, what is to change; nothing where it is as it should be.</summary>
    public static IEnumerable<HostAction> Plan(HostState state, IEnumerable<string> syspaths)
    {
        if (state is not { DevicesKnown: true, GuestsKnown: true, LibvirtConnected: true })
        {
            yield break;
        }

        foreach (var syspath in syspaths.Distinct(StringComparer.Ordinal))
        {
            if (state.Devices.TryGetValue(syspath, out var device) && IsLent(state, device) is var lent && lent != state.KeptAwake.Contains(device.Plug)
                && new HostAction.KeepAwake(syspath, device.Plug, lent) is var next && !state.InFlight.ContainsKey(next.Subject))
            {
                yield return next;
            }
        }
    }

    private static bool IsLent(HostState state, UsbDevice device)
    {
        foreach (var placed in state.AttachmentsByAddress[device.Address])
        {
            if (placed.Attachment.Ours is { } ours && ours.Plug == device.Plug)
            {
                return true;
            }
        }

        return false;
    }
}
