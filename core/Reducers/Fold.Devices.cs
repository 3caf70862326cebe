// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Reducers;

public sealed partial class Fold
{
    private void Present(UsbDevice device)
    {
        var before = state.Devices.GetValueOrDefault(device.Syspath);
        if (before is not null && before.Plug != device.Plug)
        {
            Gone(device.Syspath);
            before = null;
        }

        if (before is not null)
        {
            Unindex(before);
        }

        Index(device);
        touchedDevices.Add(device.Syspath);
        TouchClaimsOf(before, device);
        if (before is null)
        {
            Arrived(device);
        }
        else if (!before.Interfaces.SequenceEqual(device.Interfaces) || !before.Uses.SequenceEqual(device.Uses))
        {
            ClearFailuresThatTheHostCaused(device);
        }
        else
        {
            LookSooner(device);
        }

        NoteDrivers(device);
    }

    private void Reread(UsbDevice device)
    {
        if (state.Devices.TryGetValue(device.Syspath, out var known) && known.Plug == device.Plug)
        {
            Present(device.CompletedFrom(known));
        }
    }

    private void Gone(string syspath)
    {
        if (!state.Devices.TryGetValue(syspath, out var device))
        {
            return;
        }

        TouchClaimsOf(device, device);
        removedDevices[state.IdOf(device)] = device;
        touchedDevices.Remove(syspath);
        foreach (var claim in ClaimsFollowing(device))
        {
            NoteDeparture(claim, device);
        }

        NoteAnswerLeft(device);
        ForgetJail(device);
        Unindex(device);
        Unjudge(device);
        if (device.SerialKey is { } serial)
        {
            assignDue.UnionWith(state.DevicesByKey[serial]);
        }

        state = state with
        {
            Devices = state.Devices.Remove(syspath),
            DeviceIds = state.DeviceIds.Remove(syspath),
            SyspathsById = state.SyspathsById.Remove(state.IdOf(device)),
            Lent = state.Lent.Remove(device.Plug),
            KeptAwake = state.KeptAwake.Remove(device.Plug),
            FoundUses = state.FoundUses.Remove(syspath),
        };
    }

    private void Enumerated(ImmutableArray<UsbDevice> devices)
    {
        // What left goes before what came: a device that changed its port unseen is not its own twin.
        var present = devices.ToDictionary(d => d.Syspath, d => d.Plug, StringComparer.Ordinal);
        foreach (var known in state.Devices.Values.Where(d => !present.TryGetValue(d.Syspath, out var plug) || plug != d.Plug).ToList())
        {
            Gone(known.Syspath);
        }

        var first = !state.DevicesKnown;
        arrivals = [];

        // The first of two twins keeps the id by serial: oldest plug first, whatever order sysfs lists them in.
        foreach (var device in devices.OrderBy(d => d.UsecInitialized).ThenBy(d => d.Syspath, StringComparer.Ordinal))
        {
            Present(device);
            if (device.Interfaces.Any(i => i.Driver is null) && (first ? IsOrWasClaimed(device) : ClaimsFollowing(device).Any()))
            {
                // A daemon that was away may have missed a QEMU that died or let go: the host's drivers are offered it once.
                Lend(device);
            }
        }

        JudgeArrivals();
        ForgiveFailures();
        EndAbsentRuleClaims("its device is not among those that are there");
        EndAbsentAnswers();
        state = state with { DevicesKnown = true };
        if (first)
        {
            // Nothing was planned before: what the guests showed until now, and ask for, counts from here on.
            TouchEverything();
            wishesDue.UnionWith(state.Guests.Keys);
        }

        foreach (var guest in state.Guests.Values)
        {
            // Guests may have been read first: only now is it known which devices their attachments are.
            NoteAttachments(guest, cameWithRun: false);
            AdoptOrphans(guest);
        }

        if (first && state.GuestsKnown)
        {
            EndAdoption();
        }
    }

    private void Arrived(UsbDevice device)
    {
        var id = DeviceId.Of(device.SerialKey ?? device.PortKey, device.UsbId);
        if (state.SyspathsById.ContainsKey(id))
        {
            id = DeviceId.Of(device.PortKey, device.UsbId);
        }

        state = state with
        {
            DeviceIds = state.DeviceIds.SetItem(device.Syspath, id),
            SyspathsById = state.SyspathsById.SetItem(id, device.Syspath),
        };
        removedDevices.Remove(id);
        if (device.SerialKey is { } serial && !device.IsHub && state.DevicesByKey[serial].Length > 1 && !state.SharedSerials.Contains(serial))
        {
            LookAgain(now + state.Limits.TwinPatience, DeadlineKind.Serial, serial.Text);
        }

        Remember(device, id);
        JudgeArrival(device);
        CountPlug(device);
        foreach (var claim in ClaimsFollowing(device))
        {
            CountPlug(claim, device);
        }
    }

    private void Index(UsbDevice device)
    {
        var byKey = state.DevicesByKey;
        foreach (var key in device.Keys)
        {
            byKey = byKey.Add(key, device.Syspath);
        }

        state = state with
        {
            Devices = state.Devices.SetItem(device.Syspath, device),
            DevicesByKey = byKey,
            DevicesByVendorAndSerial = device.SerialKey?.VendorAndSerial is { } serial
                ? state.DevicesByVendorAndSerial.Add(serial, device.Syspath)
                : state.DevicesByVendorAndSerial,
            DevicesByAddress = state.DevicesByAddress.Add(device.Address, device.Syspath),
        };
    }

    private void Unindex(UsbDevice device)
    {
        var byKey = state.DevicesByKey;
        foreach (var key in device.Keys)
        {
            byKey = byKey.Remove(key, device.Syspath);
        }

        state = state with
        {
            DevicesByKey = byKey,
            DevicesByVendorAndSerial = device.SerialKey?.VendorAndSerial is { } serial
                ? state.DevicesByVendorAndSerial.Remove(serial, device.Syspath)
                : state.DevicesByVendorAndSerial,
            DevicesByAddress = state.DevicesByAddress.Remove(device.Address, device.Syspath),
        };
    }

    private void TouchClaimsOf(UsbDevice? before, UsbDevice device)
    {
        foreach (var key in before is null ? device.Keys : before.Keys.Concat(device.Keys))
        {
            foreach (var claim in state.ClaimsByKey[key])
            {
                Touch(claim);
            }
        }

        TouchOtherProducts(device);
        touchedPlugs.Add(device.Plug);
        TouchClaimsAt(device.Address);
        if (before is not null && before.Address != device.Address)
        {
            TouchClaimsAt(before.Address);
        }
    }

    /// <summary>Claims that wait for its serial with another product say where that is now.</summary>
    private void TouchOtherProducts(UsbDevice device)
    {
        if (device.SerialKey?.VendorAndSerial is { } serial)
        {
            foreach (var claim in state.ClaimsByVendorAndSerial[serial])
            {
                Touch(claim);
            }
        }
    }

    /// <summary>Claims with an attachment at this address, and claims on devices that have it.</summary>
    private void TouchClaimsAt(UsbAddress address)
    {
        foreach (var placed in state.AttachmentsByAddress[address])
        {
            if (placed.Attachment.Ours is { } ours)
            {
                Touch(ours.Claim);
            }
        }

        foreach (var syspath in state.DevicesByAddress[address])
        {
            touchedDevices.Add(syspath);
            foreach (var key in state.Devices[syspath].Keys)
            {
                foreach (var claim in state.ClaimsByKey[key])
                {
                    Touch(claim);
                }
            }
        }
    }

    private IEnumerable<ClaimEntry> ClaimsFollowing(UsbDevice device) =>
        device.Keys.SelectMany(key => state.ClaimsByKey[key])
            .Select(id => state.Claims[id])
            .Where(entry => entry.Stands && entry.Claim.Ids.Contains(device.UsbId));

    private bool IsOrWasClaimed(UsbDevice device) =>
        device.Keys.SelectMany(key => state.ClaimsByKey[key]).Any(id => state.Claims[id].Claim.Ids.Contains(device.UsbId));

    private void NoteDeparture(ClaimEntry entry, UsbDevice device)
    {
        Put(entry.Fresh() with { DeviceLeft = now, DeviceLeftPort = device.PortKey });
        if (entry.Claim.Lifetime == ClaimLifetime.UntilUnplug)
        {
            LookAgain(now + state.Limits.Comeback, entry.Id);
        }
    }

    /// <summary>After a rescan anything may be different, so what had failed too often is tried again.</summary>
    private void ForgiveFailures()
    {
        foreach (var entry in state.Claims.Values.Where(e => e.Failures >= state.Limits.MostFailures).ToList())
        {
            Put(entry.Fresh());
        }
    }
}
