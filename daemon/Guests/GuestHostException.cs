// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Guests;

/// <summary>The hypervisor refused, or can't be reached.</summary>
internal sealed class GuestHostException : Exception
{
    public GuestHostException(ClaimReason reason, string message, bool transient, Exception? inner = null)
        : base(OneLine.Of(message), inner)
    {
        Reason = reason;
        IsTransient = transient;
    }

    /// <summary>For example LibvirtUnavailable, NoFreePort, NoController, HeldByOther, GuestUndefined, GuestOff, AttachFailed.</summary>
    public ClaimReason Reason { get; }

    /// <summary>Name of the guest that has the device; null where libvirt named none.</summary>
    public string? Holder { get; init; }

    /// <summary>Whether another try soon is likely to help.</summary>
    public bool IsTransient { get; }
}
