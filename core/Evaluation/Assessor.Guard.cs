// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Core.Evaluation;

/// <summary>What the host itself uses stays with it.</summary>
public static partial class Assessor
{
    /// <summary>
    /// Why a new claim of this device is refused by what a look at its holders found; null where nothing was. A guest that is off may claim
    /// what its own definition names. A claim that nobody waits for is made all the same: its attach looks again, and goes on by itself.
    /// </summary>
    public static ClaimStatus? FoundRefusal(HostState state, Claim claim, UsbDevice device)
    {
        if (claim.Origin != ClaimOrigin.Explicit || Permission.WhyUnguarded(state, claim, device) is not null
            || !state.FoundUses.TryGetValue(device.Syspath, out var found) || found.Plug != device.Plug)
        {
            return null;
        }

        var own = state.Guests.GetValueOrDefault(claim.Guest) is { IsActive: false } guest ? guest.Name : null;
        var others = found with { Uses = found.Uses.RemoveAll(u => own is not null && u.Guest == own) };
        return others.Lasting is { } use ? InUse(new ClaimStatus(ClaimPhase.Failed) { Device = device, OtherGuest = state.GuestNamed(use.Guest) }, use)
            : null;
    }

    /// <summary>What the guard refuses; null where nothing does.</summary>
    private static HostUse? HostUseOf(HostState state, UsbDevice device)
    {
        foreach (var use in device.Uses)
        {
            if (use.IsGuarded)
            {
                return use;
            }
        }

        var held = device.Interfaces.FirstOrDefault(i => i.Driver is UsbInterface.UsbfsDriver);
        return held is not null && !state.AttachmentsByAddress[device.Address].Any(p => p.Attachment.Ours?.Plug == device.Plug)
            ? state.FoundUsesOf(device).FirstOrDefault(u => u.Kind == HostUseKind.Process)
                ?? new HostUse(HostUseKind.Process, $"a process on the host holds interface {held.Name} over usbfs")
            : null;
    }

    private static ClaimStatus InUse(ClaimStatus status, HostUse use) =>
        status with { Phase = ClaimPhase.Failed, Reason = ClaimReason.InUseByHost, Detail = HostUseText.Message(use), Use = use };

    /// <summary>As the last try found it; it is tried again all the same.</summary>
    private static ClaimStatus FoundInUse(ClaimStatus status, ClaimEntry entry) =>
        status with { Phase = ClaimPhase.Failed, Reason = ClaimReason.InUseByHost, Detail = entry.LastFailure!.Message, Use = entry.LastFailure.Use };

    /// <summary>
    /// Input devices leave the host one by one: whether a keyboard is the last one shows only once the other is gone. The planner starts
    /// no two in one plan. An attach that hangs is not waited for without end: the next one reads the host's keyboards afresh all the same.
    /// </summary>
    private static bool WaitsForAnotherInput(HostState state, UsbDevice device, DateTimeOffset now) =>
        device.IsInput && now < state.InputLeavesBy && state.InFlight.Values.Any(a => a is HostAction.AttachDevice { Device.IsInput: true });
}
