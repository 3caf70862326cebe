// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Evaluation;

public static partial class Assessor
{
    /// <summary>
    /// The device that already has the claim keeps it; else a lone match by port, or by a serial that tells devices apart.
    /// </summary>
    public static Choice Choose(HostState state, ClaimEntry entry)
    {
        var claim = entry.Claim;
        var matches = state.DevicesWith(claim.Follows).Where(d => claim.Ids.Contains(d.UsbId)).ToImmutableArray();
        if (matches.IsEmpty)
        {
            return new Choice(null, []) { InPort = claim.Follows.Kind == FollowKind.Port ? state.DevicesWith(claim.Follows).FirstOrDefault() : null };
        }

        foreach (var placed in state.AttachmentsByClaim[claim.Id])
        {
            if (placed.Guest == claim.Guest && matches.FirstOrDefault(d => d.Plug == placed.Attachment.Ours!.Plug) is { } attached)
            {
                return new Choice(attached, []);
            }
        }

        if (entry.LastPlug is { } last && matches.FirstOrDefault(d => d.Plug == last) is { } keeper)
        {
            return new Choice(keeper, []);
        }

        if (claim is { Origin: ClaimOrigin.Rule, Follows.Kind: FollowKind.Port })
        {
            // A device whose serial tells it apart has a claim by rule of its own: this one, and its hold, are of another device.
            matches = matches.RemoveAll(d => Questions.KeyOf(state, d).Kind == FollowKind.Serial);
        }

        if (matches.IsEmpty)
        {
            return new Choice(null, []) { InPort = state.DevicesWith(claim.Follows).FirstOrDefault() };
        }

        var tellsApart = claim.Follows.Kind == FollowKind.Port || !state.SharedSerials.Contains(claim.Follows);
        return matches.Length == 1 && tellsApart ? new Choice(matches[0], []) : new Choice(null, [.. matches.OrderBy(d => d.PortPath)]);
    }

    /// <summary>Which standing claim a device belongs to; null where there is none. Never more than one.</summary>
    public static ClaimEntry? OwnerOf(HostState state, UsbDevice device)
    {
        ClaimEntry? best = null;
        foreach (var key in device.Keys)
        {
            foreach (var id in state.ClaimsByKey[key])
            {
                var entry = state.Claims[id];
                if (entry.Stands && Choose(state, entry).Device?.Syspath == device.Syspath && (best is null || GoesBefore(state, device, entry, best)))
                {
                    best = entry;
                }
            }
        }

        return best;
    }

    /// <summary>Attached before not attached, held back last of the others, explicit before by rule, older before younger.</summary>
    private static bool GoesBefore(HostState state, UsbDevice device, ClaimEntry a, ClaimEntry b)
    {
        var (hasA, hasB) = (Has(state, a, device), Has(state, b, device));
        if (hasA != hasB)
        {
            return hasA;
        }

        // A claim that is held back only keeps the device from its own guest: another one may have it.
        if (a.Claim.IsHeldBack != b.Claim.IsHeldBack)
        {
            return b.Claim.IsHeldBack;
        }

        var (ruleA, ruleB) = (a.Claim.Origin == ClaimOrigin.Rule, b.Claim.Origin == ClaimOrigin.Rule);
        if (ruleA != ruleB)
        {
            return ruleB;
        }

        var age = a.Claim.Created.CompareTo(b.Claim.Created);
        return age != 0 ? age < 0 : a.Id < b.Id;
    }

    private static bool Has(HostState state, ClaimEntry entry, UsbDevice device) =>
        state.AttachmentsByClaim[entry.Id].Any(p => p.Guest == entry.Claim.Guest && p.Attachment.Ours!.Plug == device.Plug);
}
