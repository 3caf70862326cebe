using UsbHostd.Policy.Devices;

namespace UsbHostd.Policy.Reconcile;

/// <summary>What the host itself uses stays with it.</summary>
public static partial class Assessor
{
    /// <summary>What the guard refuses, in words; null where nothing does.</summary>
    private static string? HostUseOf(HostState state, UsbDevice device)
    {
        foreach (var use in device.Uses)
        {
            if (use.IsGuarded)
            {
                return use.Detail;
            }
        }

        var held = device.Interfaces.FirstOrDefault(i => i.Driver is UsbInterface.UsbfsDriver);
        return held is not null && !state.AttachmentsByAddress[device.Address].Any(p => p.Attachment.Ours?.Plug == device.Plug)
            ? $"a process on the host holds interface {held.Name} over usbfs"
            : null;
    }

    /// <summary>
    /// Input devices leave the host one by one: whether a keyboard is the last one shows only once the other is gone. The planner starts
    /// no two in one plan. An attach that hangs is not waited for without end: the next one reads the host's keyboards afresh all the same.
    /// </summary>
    private static bool WaitsForAnotherInput(HostState state, UsbDevice device, DateTimeOffset now) =>
        device.IsInput && now < state.InputLeavesBy && state.InFlight.Values.Any(a => a is HostAction.AttachDevice { Device.IsInput: true });
}
