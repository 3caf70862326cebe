// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Core.Reducers;

/// <summary>What a look for a device's holders found, and when it is worth another look.</summary>
public sealed partial class Fold
{
    /// <summary>A busy device brings no more looks than one in this time.</summary>
    private static readonly TimeSpan SoonestLook = TimeSpan.FromSeconds(1);

    private void Found(HostEvent.UsesFound found)
    {
        if (!state.Devices.TryGetValue(found.Syspath, out var device) || device.Plug != found.Plug)
        {
            return;
        }

        var before = state.FoundUses.GetValueOrDefault(found.Syspath);
        var isSame = before is not null && before.Plug == found.Plug && before.Uses.SequenceEqual(found.Uses);
        state = state with
        {
            FoundUses = found.Uses.IsEmpty
                ? state.FoundUses.Remove(found.Syspath)
                : state.FoundUses.SetItem(found.Syspath, new FoundUses(found.Plug, found.Uses, isSame ? before!.Since : now, now)),
        };
        if (!isSame && (before is not null || !found.Uses.IsEmpty))
        {
            touchedDevices.Add(found.Syspath);
        }
    }

    /// <summary>A failure that the host caused is forgotten when the host changes.</summary>
    private void ClearFailuresThatTheHostCaused(UsbDevice device)
    {
        foreach (var entry in ClaimsFollowing(device))
        {
            if (entry.LastFailure?.Reason is ClaimReason.InUseByHost)
            {
                Put(entry.Fresh());
            }
        }
    }

    /// <summary>udev reports a disk that a program has closed after writing, so the next look need not wait for its turn.</summary>
    private void LookSooner(UsbDevice device)
    {
        foreach (var entry in ClaimsFollowing(device))
        {
            if (entry.LastFailure?.Reason is ClaimReason.InUseByHost && entry.NotBefore > now + SoonestLook)
            {
                Put(entry with { NotBefore = now + SoonestLook });
                LookAgain(now + SoonestLook, entry.Id);
            }
        }
    }

    /// <summary>A guest that started, stopped or was defined otherwise may have let go of what it was found to hold.</summary>
    private void NoteNodes(Guest? before, Guest? guest)
    {
        var name = (before ?? guest)!.Name;
        if (before?.Run == guest?.Run && (before?.Nodes ?? []).SequenceEqual(guest?.Nodes ?? []))
        {
            return;
        }

        foreach (var (syspath, found) in state.FoundUses)
        {
            if (found.Uses.Any(u => u.Guest == name) && state.Devices.TryGetValue(syspath, out var device))
            {
                state = state with { FoundUses = Without(found, name) is { } left ? state.FoundUses.SetItem(syspath, left) : state.FoundUses.Remove(syspath) };
                touchedDevices.Add(syspath);
                ClearFailuresThatTheHostCaused(device);
            }
        }
    }

    private static FoundUses? Without(FoundUses found, string guest) =>
        found.Uses.RemoveAll(u => u.Guest == guest) is { IsEmpty: false } left ? found with { Uses = left } : null;
}
