// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// Everything that needs more than an ordinary user's rights: the only class that writes sysfs and /run/udev, or looks into
/// other users' processes. Small, so that it can move into a root helper.
/// </summary>
internal interface IUsbWriter
{
    /// <summary>
    /// Writes 1 to <c>authorized</c> of the device and of each interface that is not; an already authorised one is left alone.
    /// Throws IOException naming the attribute.
    /// </summary>
    void Authorize(UsbDevice device);

    /// <summary>
    /// Writes each driverless, authorised interface's name to <c>/sys/bus/usb/drivers_probe</c>, once. An interface that no
    /// driver wants is no error.
    /// </summary>
    void OfferDrivers(UsbDevice device);

    /// <summary>
    /// Gives a device behind a jailed controller its role, and probes no driver but that of hubs. Done twice it does no more than once.
    /// Throws IOException naming what could not be written or held.
    /// </summary>
    void ApplyJail(UsbDevice device, JailRole role);

    /// <summary>
    /// Writes <c>on</c> to <c>power/control</c>, and remembers what was there; or writes back what was remembered for this plug. Throws
    /// IOException naming what could not be written.
    /// </summary>
    void KeepAwake(UsbDevice device, bool awake);

    /// <summary>
    /// Replaces <c>/run/udev/rules.d/61-usbhostd.rules</c> as a whole (temporary file and rename). Once udev reads it, writes
    /// <c>change</c> to <c>uevent</c> of those devices that are there and matched otherwise than before, and of their disks, ports and
    /// network interfaces.
    /// </summary>
    void WriteIgnoreRules(ImmutableArray<IgnoreRule> rules);

    /// <summary>
    /// Finds guarded uses that no event tells of: processes that have a node of the device open, guests that name one, and kernel holders. Blocks
    /// while it walks /proc.
    /// </summary>
    /// <param name="guests">All that libvirt knows, with the nodes that their XML names.</param>
    ImmutableArray<HostUse> FindUses(UsbDevice device, IReadOnlyCollection<Guest> guests);
}
