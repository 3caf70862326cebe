// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Isolation;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Reducers;

public sealed partial class Fold
{
    private void NoteJail(HostAction.ApplyJail jail, ActionOutcome.Failed? failed)
    {
        if (failed is null)
        {
            NoteJailRole(jail.Syspath, jail.Plug, jail.Role);
            return;
        }

        var before = state.Jail.Records.GetValueOrDefault(jail.Plug) ?? new JailRecord(Done: null);
        var failures = before.Failures + 1;
        var notBefore = now + Backoff(failures, failed.Transient);
        PutJailRecord(jail.Syspath, jail.Plug, before with { Failures = failures, NotBefore = notBefore });
        Audit("jail", jail.Syspath, "failed", $"{jail.Role}: {failed.Message}");
        LookAgain(notBefore, DeadlineKind.Jail, jail.Syspath);
    }

    private void NoteJailOf(HostAction.AttachDevice attach)
    {
        if (attach.Jailed)
        {
            NoteJailRole(attach.Device.Syspath, attach.Device.Plug, JailRole.Lent);
        }
    }

    private void NoteJailOf(HostAction.DetachDevice detach)
    {
        if (detach.Confines is { } syspath)
        {
            NoteJailRole(syspath, detach.Alias.Plug, JailRole.Confined);
        }
    }

    private void NoteJailRole(string syspath, PlugToken plug, JailRole role)
    {
        PutJailRecord(syspath, plug, new JailRecord(role));
        if (role == JailRole.Confined)
        {
            // Nothing of it is offered to the host's drivers.
            state = state with { Lent = state.Lent.Remove(plug) };
        }
    }

    private void PutJailRecord(string syspath, PlugToken plug, JailRecord record)
    {
        touchedDevices.Add(syspath);
        if (state.Devices.TryGetValue(syspath, out var device) && device.Plug == plug)
        {
            state = state with { Jail = state.Jail with { Records = state.Jail.Records.SetItem(plug, record) } };
        }
    }

    private void ForgetJail(UsbDevice device)
    {
        if (state.Jail.Records.ContainsKey(device.Plug))
        {
            state = state with { Jail = state.Jail with { Records = state.Jail.Records.Remove(device.Plug) } };
        }
    }

    /// <summary>Whose a jailed device is may look different now.</summary>
    private void TouchJailed()
    {
        if (!state.Jail.IsOff)
        {
            touchedDevices.UnionWith(state.Devices.Keys);
        }
    }
}
