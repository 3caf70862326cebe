// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Core.Isolation;

/// <summary>What the jail wants to be done: pure. Devices behind other controllers are none of its business.</summary>
internal static class Jail
{
    /// <summary>For each of these devices, what it is to become; nothing where it is that already.</summary>
    public static IEnumerable<HostAction.ApplyJail> Plan(HostState state, IEnumerable<string> syspaths, DateTimeOffset now)
    {
        if (state.Jail.IsOff || !state.DevicesKnown)
        {
            yield break;
        }

        foreach (var syspath in syspaths.Distinct(StringComparer.Ordinal))
        {
            if (state.Devices.TryGetValue(syspath, out var device) && state.Jail.Covers(device) && Next(state, device, now) is { } next)
            {
                yield return next;
            }
        }
    }

    /// <summary>An attach authorises, and a detach takes the authorisation away first: both are told that the device is jailed.</summary>
    public static HostAction Mark(HostState state, HostAction action) => action switch
    {
        HostAction.AttachDevice attach when state.Jail.Covers(attach.Device) => attach with { Jailed = true },
        HostAction.DetachDevice detach when Leaving(state, detach) is { } device => detach with { Confines = device.Syspath },
        _ => action,
    };

    private static UsbDevice? Leaving(HostState state, HostAction.DetachDevice detach)
    {
        if (state.Jail.IsOff)
        {
            return null;
        }

        foreach (var placed in state.AttachmentsByClaim[detach.Alias.Claim])
        {
            if (placed.Attachment.Ours == detach.Alias && placed.Attachment.Address is { } address)
            {
                return state.DevicesByAddress[address].Select(path => state.Devices[path])
                    .FirstOrDefault(d => d.Plug == detach.Alias.Plug && state.Jail.Covers(d));
            }
        }

        return null;
    }

    private static HostAction.ApplyJail? Next(HostState state, UsbDevice device, DateTimeOffset now)
    {
        var record = state.Jail.Records.GetValueOrDefault(device.Plug);
        if (now < record?.NotBefore || RoleOf(state, device, record?.Done, now) is not { } role)
        {
            return null;
        }

        var next = new HostAction.ApplyJail(device.Syspath, device.Plug, role);
        return state.InFlight.ContainsKey(next.Subject) ? null : next;
    }

    private static JailRole? RoleOf(HostState state, UsbDevice device, JailRole? done, DateTimeOffset now)
    {
        if (device.IsRootHub)
        {
            return device.AuthorizesInterfaces ? JailRole.RootHub : null;
        }

        if (device.IsHub)
        {
            // Once: a hub that the kernel's driver refuses would be tried without end.
            return done == JailRole.Hub ? null : JailRole.Hub;
        }

        // Not while a claim's own action is at it.
        if (HasOwnAction(state, device, now))
        {
            return null;
        }

        // Whose it is shows only when both sides are known; but what a driver of the host's has, no running guest has.
        if (!state.LibvirtConnected || !state.GuestsKnown)
        {
            return IsTheHosts(device) ? Outside(device, done) : null;
        }

        return state.AttachmentsByAddress[device.Address].Where(p => p.Attachment.Ours is null || p.Attachment.Ours.Plug == device.Plug).ToList() is { Count: > 0 } placed
            ? placed.Exists(p => IsRightful(state, p)) ? InGuest(device, done) : null
            : Outside(device, done);
    }

    private static bool HasOwnAction(HostState state, UsbDevice device, DateTimeOffset now) =>
        Assessor.OwnerOf(state, device) is { } owner
        && (state.InFlight.ContainsKey(owner.Id.ToString()) || Assessor.Assess(state, owner, now).Next is not null);

    /// <summary>Ours, and not about to be taken out. What somebody attached by hand is left to him, and stays unauthorised.</summary>
    private static bool IsRightful(HostState state, Placed placed) =>
        placed.Attachment.Ours is { } ours && state.Claims.TryGetValue(ours.Claim, out var entry) && entry.Stands
        && (entry.Claim.Guest == placed.Guest || entry.Claim.Hold == ClaimHold.Recovered);

    /// <summary>A daemon that was restarted does it again; and a guest that chose another configuration has new interfaces.</summary>
    private static JailRole? InGuest(UsbDevice device, JailRole? done) =>
        done != JailRole.Lent || device.Interfaces.Any(i => !i.Authorized) ? JailRole.Lent : null;

    /// <summary>QEMU takes every driver off a device's interfaces when it opens it.</summary>
    private static bool IsTheHosts(UsbDevice device) =>
        device.Interfaces.Any(i => i.Driver is not (null or UsbInterface.UsbfsDriver)) && device.Interfaces.All(i => i.Driver != UsbInterface.UsbfsDriver);

    private static JailRole? Outside(UsbDevice device, JailRole? done)
    {
        // What the host used before it was jailed is left to it until it lets go.
        var inUse = device.Uses.Any(u => u.IsGuarded)
            || (done is null && device.Interfaces.Any(i => i.Driver == UsbInterface.UsbfsDriver));
        if (inUse)
        {
            return null;
        }

        // A device without a configuration came to a port that was still held for the one before it.
        var unconfigured = device is { Authorized: true, ActiveConfiguration: 0 } && done != JailRole.Confined;
        return unconfigured || device.Interfaces.Any(i => i.Authorized) ? JailRole.Confined : null;
    }
}
