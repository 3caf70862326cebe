// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Reducers;

public sealed partial class Fold
{
    private void JudgeTwins(DeviceKey serial)
    {
        if (state.DevicesByKey[serial].Length < 2 || state.SharedSerials.Contains(serial))
        {
            return;
        }

        state = state with { SharedSerials = state.SharedSerials.Add(serial) };
        changes.Add(new StoreChange.RememberSerialShared(serial, Shared: true));
        Audit("serial-shared", serial.Text, "ok", "seen on two devices at once");
        TouchSerial(serial);
        AssignTwins(serial);
    }

    private void Trusted(DeviceKey serial)
    {
        state = state with { SharedSerials = state.SharedSerials.Remove(serial) };
        changes.Add(new StoreChange.RememberSerialShared(serial, Shared: false));
        TouchSerial(serial);

        // What a rule gives by its serial now had a claim by its port.
        assignDue.UnionWith(state.DevicesByKey[serial]);
    }

    private void TouchSerial(DeviceKey serial)
    {
        foreach (var claim in state.ClaimsByKey[serial])
        {
            Touch(claim);
        }

        touchedDevices.UnionWith(state.DevicesByKey[serial]);
    }

    private void Remember(UsbDevice device, DeviceId id)
    {
        if (device.IsHub)
        {
            return;
        }

        var known = state.Remembered.GetValueOrDefault(id);
        var remembered = new RememberedDevice(
            id, device.SerialKey is { } serial && DeviceId.Of(serial, device.UsbId) == id ? serial : device.PortKey, device.PortKey, device.UsbId,
            device.Serial, DeviceText.NameOf(device), known?.FirstSeen ?? now, now);
        state = state with { Remembered = state.Remembered.SetItem(id, remembered) };
        changes.Add(new StoreChange.RememberDevice(remembered));
        if (known is null && state.Remembered.Count > state.Limits.MostRemembered)
        {
            ForgetOldest();
        }
    }

    /// <summary>A claim in its port protects only the USB ids that the claim follows: a hostile device may show ever new ids there.</summary>
    private bool IsClaimed(RememberedDevice device) =>
        state.ClaimsByKey[device.Key].Concat(state.ClaimsByKey[device.PortKey]).Any(id => state.Claims[id].Claim.Ids.Contains(device.UsbId));

    private void ForgetOldest()
    {
        var oldest = state.Remembered.Values
            .Where(r => !state.SyspathsById.ContainsKey(r.Id) && !state.Labels.ContainsKey(r.Id) && !IsClaimed(r))
            .MinBy(r => r.LastSeen);
        if (oldest is not null)
        {
            state = state with { Remembered = state.Remembered.Remove(oldest.Id) };
            changes.Add(new StoreChange.ForgetDevice(oldest.Id));
        }
    }
}
