// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Reducers;

/// <summary>
/// Plugs are counted for each claim and for each port. A device that shows another serial at each plug gets another claim each time, and only
/// its port tells that it flaps.
/// </summary>
public sealed partial class Fold
{
    /// <summary>With more ports than this those that have come to rest are forgotten.</summary>
    private const int ManyPorts = 64;

    /// <summary>A device has arrived in its port.</summary>
    private void CountPlug(UsbDevice device)
    {
        if (device.IsHub)
        {
            return;
        }

        var since = now - state.Limits.FlapWindow;
        var (port, ports) = (PortOf(device), state.PortPlugs);
        if (ports.Count > ManyPorts)
        {
            ports = ports.RemoveRange(ports.Where(p => p.Value.Recent[^1] < since).Select(p => p.Key).ToList());
        }

        var before = ports.GetValueOrDefault(port);
        var recent = (before?.Recent ?? []).Where(at => at >= since).TakeLast(state.Limits.FlapPlugs).Append(now);
        var after = new PortPlugs([.. recent], IsFlapping: false);
        after = after with { IsFlapping = after.Recent.Length > state.Limits.FlapPlugs };
        state = state with { PortPlugs = ports.SetItem(port, after) };
        if (after.IsFlapping && before is not { IsFlapping: true })
        {
            Audit("quarantine", port.Text, "ok", $"{WhyPortFlaps(device)}; a device that comes there gets into no guest until it is quiet");
        }
    }

    private void CountPlug(ClaimEntry entry, UsbDevice device)
    {
        if (entry.SeenPlug == device.Plug)
        {
            return;
        }

        var since = now - state.Limits.FlapWindow;
        var recent = entry.RecentPlugs.Add(now).RemoveAll(at => at < since);
        var next = entry.Fresh() with { SeenPlug = device.Plug, RecentPlugs = recent };
        var byItself = recent.Length > state.Limits.FlapPlugs;
        var why = byItself ? $"plugged in {recent.Length} times within {state.Limits.FlapWindow.TotalSeconds:0} s" : WhyPortFlaps(device);
        if (why is not null && entry.Quarantine is null)
        {
            next = next with { Quarantine = why, RecentPlugs = [] };
            NoteQuarantine(entry.Claim, why, byItself);
        }

        Put(next);
    }

    /// <summary>A port that flaps is in the audit once, whatever number of claims its devices come to; a claim that is not stored needs no row.</summary>
    private void NoteQuarantine(Claim claim, string why, bool byItself)
    {
        if (IsStored(claim))
        {
            changes.Add(new StoreChange.RememberQuarantine(claim.Id, why));
        }

        if (byItself || IsStored(claim))
        {
            Audit("quarantine", claim.Id.ToString(), "ok", why);
        }
    }

    /// <summary>A claim that has ended needs no row either.</summary>
    private void ForgetQuarantine(ClaimEntry ended)
    {
        if (ended.Quarantine is not null && IsStored(ended.Claim))
        {
            changes.Add(new StoreChange.RememberQuarantine(ended.Id, null));
        }
    }

    private static bool IsStored(Claim claim) => claim is not { Origin: ClaimOrigin.Rule, Hold: ClaimHold.None };

    /// <summary>Null where its port is quiet.</summary>
    private string? WhyPortFlaps(UsbDevice device) => state.PortPlugs.GetValueOrDefault(PortOf(device)) is { IsFlapping: true } plugs
        ? $"devices were plugged into port {device.PortPath} {plugs.Recent.Length} times within {state.Limits.FlapWindow.TotalSeconds:0} s"
        : null;

    /// <summary>The same for both halves of a port, or a device could count for each of them apart.</summary>
    private static DeviceKey PortOf(UsbDevice device) =>
        device.PeerPortKey is { } peer && string.CompareOrdinal(peer.Text, device.PortKey.Text) < 0 ? peer : device.PortKey;
}
