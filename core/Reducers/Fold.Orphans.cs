// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Reducers;

public sealed partial class Fold
{
    /// <summary>
    /// An alias of ours without a claim whose device is gone, or which a rule made: such claims are not stored, and no rule makes it any more.
    /// </summary>
    private void DropOrphan(Guest guest, Attachment attachment, UsbDevice? device)
    {
        var alias = attachment.Ours!;
        var why = device is not null ? "no rule assigns it there any more"
            : attachment.Missing ? "it is an empty place"
            : "its device is not plugged in any more";
        Put(new ClaimEntry(new Claim
        {
            Id = alias.Claim,
            Guest = guest.Id,
            Follows = device?.PortKey ?? DeviceKey.Unknown(alias.Plug),
            Ids = device is null ? [default] : [device.UsbId],
            Origin = ClaimOrigin.Rule,
            Owner = "rule",
            Door = "policy",
            Created = now,
            Released = now,
        }));
        Audit("claim-ended", alias.Claim.ToString(), "ok", $"found attached to guest {guest.Name}, and {why}");
        if (device is not null)
        {
            Lend(device);
        }
    }

    /// <summary>
    /// An alias of ours without a claim: the database was lost, or is an older copy. Where its device is there, it becomes a claim that is held,
    /// and is not detached; where it is gone, the entry is only in the way, and leaves, also where the database is new.
    /// (What was released before its detach could happen is known: released claims stay in the database for a while.)
    /// </summary>
    private void AdoptOrphans(Guest guest)
    {
        if (!state.DevicesKnown)
        {
            return;
        }

        // What a rule claims is not stored, and is not an orphan.
        AssignByRule();
        foreach (var attachment in guest.Attachments)
        {
            if (attachment.Ours is not { } alias || state.Claims.ContainsKey(alias.Claim))
            {
                continue;
            }

            var device = attachment is not { Missing: false, Address: { } address }
                ? null
                : state.DevicesByAddress[address].Select(s => state.Devices[s]).FirstOrDefault(d => d.Plug == alias.Plug);
            if (device is null || (!state.StoreIsNew && IsByRule(alias.Claim, device, guest)))
            {
                DropOrphan(guest, attachment, device);
                continue;
            }

            Adopt(guest, alias, device);
        }
    }

    private static bool IsByRule(ClaimId claim, UsbDevice device, Guest guest) =>
        device.Keys.Any(key => ClaimId.ByRule(key, device.UsbId, guest.Id) == claim || ClaimId.ByRuleBefore(key, guest.Id) == claim);

    private void Adopt(Guest guest, AttachmentAlias alias, UsbDevice device)
    {
        var bySerial = device.SerialKey is { } serial && !state.SharedSerials.Contains(serial) && state.DevicesByKey[serial].Length == 1;
        Written(new Claim
        {
            Id = alias.Claim,
            Guest = guest.Id,
            Follows = bySerial ? device.SerialKey! : device.PortKey,
            Ids = [device.UsbId],
            Origin = ClaimOrigin.Recovered,
            Owner = "uid:0",
            Door = "startup",
            Hold = ClaimHold.Recovered,
            Created = now,
        });
        PutStored(state.Claims[alias.Claim] with { LastPlug = alias.Plug });
        Audit("claim-recovered", alias.Claim.ToString(), "ok", $"found attached to guest {guest.Name} with no such claim in the database");
        Lend(device);
    }

    /// <summary>Devices and guests have both been seen: the next daemon finds a database that knows them.</summary>
    private void EndAdoption()
    {
        if (state.StoreIsNew)
        {
            changes.Add(new StoreChange.AdoptionDone());
        }
    }
}
