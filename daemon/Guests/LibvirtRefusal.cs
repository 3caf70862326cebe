// SPDX-License-Identifier: Apache-2.0
using System.Xml;
using UsbHostd.Core.Claims;
using UsbHostd.Libvirt;

namespace UsbHostd.Daemon.Guests;

/// <summary>What libvirt's errors mean to a claim.</summary>
internal static class LibvirtRefusal
{
    public static GuestHostException NotConnected(string uri, string why) =>
        new(ClaimReason.LibvirtUnavailable, $"no connection to libvirt at {uri}: {why}", transient: true);

    public static GuestHostException Unreadable(XmlException e) =>
        new(ClaimReason.AttachFailed, $"the guest's definition can't be read: {e.Message}", transient: false, e);

    public static GuestHostException From(LibvirtException e)
    {
        var (reason, transient) = e.Kind switch
        {
            LibvirtErrorKind.ConnectionLost => (ClaimReason.LibvirtUnavailable, true),
            LibvirtErrorKind.NoSuchDomain => (ClaimReason.GuestUndefined, false),
            LibvirtErrorKind.DomainNotRunning => (ClaimReason.GuestOff, false),
            LibvirtErrorKind.DeviceInUse => (ClaimReason.HeldByOther, true),
            LibvirtErrorKind.NoUsbController => (ClaimReason.NoController, false),
            LibvirtErrorKind.NoFreePort => (ClaimReason.NoFreePort, false),
            LibvirtErrorKind.DeviceNotFound or LibvirtErrorKind.OperationTimeout or LibvirtErrorKind.DuplicateAlias
                // The connection stands: libvirt's access rules refuse this call, and say so.
                or LibvirtErrorKind.AccessDenied => (ClaimReason.AttachFailed, true),
            _ => (ClaimReason.AttachFailed, false),
        };
        return new GuestHostException(reason, e.Message, transient, e) { Holder = reason == ClaimReason.HeldByOther ? e.HoldingDomain : null };
    }
}
