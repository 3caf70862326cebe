// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Isolation;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Planning;

/// <summary>
/// What is to be done now: pure, and the same for the same state however it came about. Looking at what an event touched gives the
/// same actions as looking at everything.
/// </summary>
public static class Planner
{
    /// <summary>Everything: after a start or a rescan, and in tests beside the incremental form.</summary>
    public static ImmutableArray<HostAction> Plan(HostState state, DateTimeOffset now) => Plan(
        state, now, state.Claims.Keys.Order(), state.GuestStarts.Keys, state.Lent.Keys, state.Devices.Keys, writeIgnoreRules: true);

    /// <summary>Only what these may have changed.</summary>
    public static ImmutableArray<HostAction> Plan(HostState state, DateTimeOffset now, Transition touched) => Plan(
        state, now, touched.Claims.Order(), touched.Guests, touched.Plugs.Concat(touched.Claims.SelectMany(c => LentTo(state, c))),
        touched.Devices.Concat(touched.Claims.SelectMany(c => Followed(state, c))), touched.ClaimsChanged);

    /// <summary>What a claim won't take into its guest any more goes back to the host.</summary>
    private static IEnumerable<PlugToken> LentTo(HostState state, ClaimId claim) =>
        state.Claims.TryGetValue(claim, out var entry)
            ? state.DevicesWith(entry.Claim.Follows).Select(d => d.Plug).Where(state.Lent.ContainsKey)
            : [];

    private static IEnumerable<string> Followed(HostState state, ClaimId claim) =>
        !state.Jail.IsOff && state.Claims.TryGetValue(claim, out var entry) ? state.DevicesWith(entry.Claim.Follows).Select(d => d.Syspath) : [];

    private static ImmutableArray<HostAction> Plan(
        HostState state, DateTimeOffset now, IEnumerable<ClaimId> claims, IEnumerable<GuestId> guests, IEnumerable<PlugToken> plugs,
        IEnumerable<string> devices, bool writeIgnoreRules)
    {
        var detaches = new List<HostAction>();
        var others = new List<HostAction>();
        if (writeIgnoreRules && !state.InFlight.ContainsKey("ignore-rules"))
        {
            others.Add(new HostAction.WriteIgnoreRules(IgnoreRules(state)));
        }

        others.AddRange(Jail.Plan(state, devices, now));
        others.AddRange(Power.Plan(state, devices));

        // Nothing is attached or handed back before both sides have been seen: a half-known host looks like missing devices.
        if (state is { DevicesKnown: true, GuestsKnown: true })
        {
            var takesInput = false;
            foreach (var claim in claims)
            {
                if (state.Claims.TryGetValue(claim, out var entry) && Assessor.Assess(state, entry, now).Next is { } next)
                {
                    if (next is HostAction.AttachDevice { Device.IsInput: true })
                    {
                        // One at a time, as the assessor holds back others while it is in flight: its end touches them.
                        if (takesInput)
                        {
                            continue;
                        }

                        takesInput = true;
                    }

                    (next is HostAction.DetachDevice ? detaches : others).Add(Jail.Mark(state, next));
                }
            }

            others.AddRange(plugs.Distinct().Select(p => HandBack(state, p)).OfType<HostAction>());
            others.AddRange(guests.Select(g => Starting(state, g, now)).OfType<HostAction>());
        }

        // A guest's worker runs in order: what is wrongly in a guest leaves before anything enters.
        return [.. detaches, .. others];
    }

    private static HostAction.OfferDrivers? HandBack(HostState state, PlugToken plug)
    {
        if (!state.LibvirtConnected || !state.Lent.TryGetValue(plug, out var syspath) || !state.Devices.TryGetValue(syspath, out var device)
            || device.Plug != plug || state.Jail.Covers(device))
        {
            return null;
        }

        var offer = new HostAction.OfferDrivers(syspath, plug);
        var inGuest = state.AttachmentsByAddress[device.Address].Any(p => p.Attachment.Ours is null || p.Attachment.Ours.Plug == plug);
        var onItsWay = Assessor.OwnerOf(state, device) is { } owner && state.InFlight.ContainsKey(owner.Id.ToString());

        // While QEMU is dying it still holds the interfaces; their unbind uevent comes when it is done.
        var stillHeld = device.Interfaces.Any(i => i.Driver is UsbInterface.UsbfsDriver);
        return inGuest || onItsWay || stillHeld || WillAttach(state, device) || state.InFlight.ContainsKey(offer.Subject) ? null : offer;
    }

    /// <summary>A guest that was restarted takes the device at once: no detour over the host's drivers.</summary>
    private static bool WillAttach(HostState state, UsbDevice device) =>
        Assessor.OwnerOf(state, device) is { } owner && Assessor.Assess(state, owner, DateTimeOffset.MaxValue).Next is HostAction.AttachDevice;

    private static HostAction? Starting(HostState state, GuestId id, DateTimeOffset now)
    {
        if (!state.LibvirtConnected || !state.GuestStarts.TryGetValue(id, out var start) || start.Failure is not null
            || !state.Guests.TryGetValue(id, out var guest))
        {
            return null;
        }

        var begin = new HostAction.StartGuestPaused(id);
        if (state.InFlight.ContainsKey(begin.Subject) || now < start.NotBefore)
        {
            return null;
        }

        if (start.Run is not { } run)
        {
            return guest.Run is null && !start.FromStore ? begin : null;
        }

        var patience = now - start.Since >= state.Limits.GuestStartPatience;
        return patience || state.ClaimsByGuest[id].All(c => IsSettled(state, state.Claims[c], now)) ? new HostAction.ResumeGuest(id, run) : null;
    }

    /// <summary>Nothing more will happen for this claim by itself soon.</summary>
    private static bool IsSettled(HostState state, ClaimEntry entry, DateTimeOffset now)
    {
        var status = Assessor.Assess(state, entry, now);
        return status.Next is null && !state.InFlight.ContainsKey(entry.Id.ToString())
            && status.Phase is not (ClaimPhase.Attaching or ClaimPhase.Detaching);
    }

    /// <summary>
    /// For every standing claim, by what it follows; the desktop must not mount what a guest is to have. It looks at all claims, so it
    /// is written out: with a thousand claims this is what a request costs most.
    /// </summary>
    internal static ImmutableArray<IgnoreRule> IgnoreRules(HostState state)
    {
        var claims = new List<Claim>(state.Claims.Count);
        foreach (var (_, entry) in state.Claims)
        {
            if (entry.Stands)
            {
                claims.Add(entry.Claim);
            }
        }

        claims.Sort(static (a, b) => string.CompareOrdinal(a.Follows.Text, b.Follows.Text) is not 0 and var order ? order : a.Id.CompareTo(b.Id));
        var seen = new HashSet<IgnoreRule>(claims.Count);
        var rules = ImmutableArray.CreateBuilder<IgnoreRule>(claims.Count);
        foreach (var claim in claims)
        {
            var serial = claim.Follows.SerialText;
            var halves = serial is null ? Halves(state, claim.Follows) : [];
            foreach (var id in claim.Ids)
            {
                if (serial is not null)
                {
                    Add(new IgnoreRule(id, serial, null));
                }

                foreach (var half in halves)
                {
                    Add(new IgnoreRule(id, null, half));
                }
            }
        }

        return rules.DrainToImmutable();

        void Add(IgnoreRule rule)
        {
            if (seen.Add(rule))
            {
                rules.Add(rule);
            }
        }
    }

    /// <summary>A claim by port follows over both halves of the port, as far as a device there has shown the other one.</summary>
    private static List<DeviceKey> Halves(HostState state, DeviceKey port)
    {
        List<DeviceKey> halves = [port];
        foreach (var syspath in state.DevicesByKey[port])
        {
            var device = state.Devices[syspath];
            AddHalf(device.PortKey);
            AddHalf(device.PeerPortKey ?? port);
        }

        return halves;

        void AddHalf(DeviceKey half)
        {
            if (!halves.Contains(half))
            {
                halves.Add(half);
            }
        }
    }
}
