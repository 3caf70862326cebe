// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Core.Reducers;

public sealed partial class Fold
{
    /// <summary>Whether the guest really has what its XML says: usbfs holds every interface, and no driver of the host's any.</summary>
    private void NoteDrivers(UsbDevice device)
    {
        foreach (var entry in ClaimsFollowing(device).Where(e => IsIn(e, device)).ToList())
        {
            if (device.IsHeldOverUsbfs)
            {
                Put(entry with { SuspectSince = null, CameWithRun = null, NextLook = null, Failures = 0 });
                continue;
            }

            var suspect = entry.CameWithRun is not null || device.Interfaces.Any(i => i.Driver is not (null or UsbInterface.UsbfsDriver));
            var next = entry with { SuspectSince = suspect ? entry.SuspectSince ?? now : null };
            if (suspect && entry.SuspectSince is null)
            {
                LookAgain(now + state.Limits.HostDriverPatience, entry.Id);
            }

            Put(next);
            ScheduleLook(next);
        }
    }

    private void ScheduleLook(ClaimEntry entry)
    {
        if (entry.Looks < state.Limits.MostLooks && entry.NextLook is null)
        {
            var at = now + (state.Limits.FirstLook * Math.Pow(2, entry.Looks));
            Put(entry with { NextLook = at, Looks = entry.Looks + 1 });
            LookAgain(at, entry.Id);
        }
    }

    private bool IsIn(ClaimEntry entry, UsbDevice device) =>
        state.AttachmentsByClaim[entry.Id].Any(p => p.Guest == entry.Claim.Guest && p.Attachment.Ours!.Plug == device.Plug);

    private void Lend(UsbDevice device)
    {
        state = state with { Lent = state.Lent.SetItem(device.Plug, device.Syspath) };
        touchedPlugs.Add(device.Plug);
    }
}
