// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;

namespace UsbHostd.Lab.Doors;

/// <summary>One way to ask the daemon, by a client that is not the project's own wherever there is one. Every door answers in the contract's words.</summary>
public interface IDoor
{
    /// <summary>The port of the device with this serial, "2-5", out of all devices.</summary>
    Task<string> ListAsync(string serial);

    /// <summary>Whether policy lets the guest have the device, and the line of the rule that decides.</summary>
    Task<(bool Allowed, int Line)> ExplainAsync(string device, string guest);

    /// <summary>Claims the device for the guest.</summary>
    Task ClaimAsync(string device, string guest);

    /// <summary>Waits until the claim that was made is attached.</summary>
    Task AttachedAsync();

    /// <summary>Claims the device for another guest, which must be refused, and gives the code.</summary>
    Task<ErrorCode> RefusedAsync(string device, string guest);

    /// <summary>Ends the claim that was made.</summary>
    Task ReleaseAsync();
}
