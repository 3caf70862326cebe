// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Core.Reducers;
using UsbHostd.Core.Requests;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Service;

/// <summary>Who holds a device is looked up for those who ask, off the loop and before it decides.</summary>
internal sealed partial class HostService
{
    /// <summary>The state with what a look at this device finds now.</summary>
    private async ValueTask<HostState> LookedAtAsync(HostState state, UsbDevice device, CancellationToken cancellationToken)
    {
        if (device.IsHub || !state.AttachmentsByAddress[device.Address].IsEmpty)
        {
            return state;
        }

        var found = await look.LookAsync(device, cancellationToken).ConfigureAwait(false);
        return found.SequenceEqual(state.FoundUsesOf(device))
            ? state
            : Fold.Apply(state, new HostEvent.UsesFound(device.Syspath, device.Plug, found), time.GetUtcNow()).State;
    }

    /// <summary>Nothing tells when a holder that was found lets go, so whoever lists the devices has those looked at again.</summary>
    private async ValueTask<HostState> LookedAtAsync(HostState state, Grant grant, CancellationToken cancellationToken)
    {
        foreach (var syspath in state.FoundUses.Keys)
        {
            if (state.Devices.TryGetValue(syspath, out var device) && grant.Sees(state, device))
            {
                state = await LookedAtAsync(state, device, cancellationToken).ConfigureAwait(false);
            }
        }

        return state;
    }

    /// <summary>The device that a claim is asked for, looked at before the loop decides: what is found is told to it first.</summary>
    private async ValueTask<HostState> LookedAtAsync(HostState state, Grant grant, CreateClaimRequest request, CancellationToken cancellationToken) =>
        request.ForceReason.Length == 0 && DeviceSelector.Match(state, request.Device) is [var device] && grant.Sees(state, device)
            ? await LookedAtAsync(state, device, cancellationToken).ConfigureAwait(false)
            : state;
}
