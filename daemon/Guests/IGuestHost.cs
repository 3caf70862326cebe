// SPDX-License-Identifier: Apache-2.0
using System.Threading.Channels;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Guests;

/// <summary>The hypervisor's guests. The methods block; they are called from per-guest workers only.</summary>
internal interface IGuestHost : IDisposable
{
    /// <summary>
    /// Connects (again and again, with back-off), writes <see cref="HostEvent.GuestsEnumerated"/> after each connect and from
    /// then on what changes, and <see cref="HostEvent.LibvirtLost"/> when the connection is gone.
    /// </summary>
    void Start(ChannelWriter<HostEvent> events);

    /// <summary>Reads one guest afresh and writes what was read as an event too; null where it is not defined (any more).</summary>
    /// <exception cref="GuestHostException">libvirt can't be reached, or refuses.</exception>
    Guest? Refresh(GuestId guest);

    /// <summary>Attaches to the live guest only; the persistent XML never gets a bus or device number.</summary>
    /// <exception cref="GuestHostException">libvirt can't be reached, or refuses.</exception>
    void AttachLive(GuestId guest, string deviceXml);

    /// <summary>Asks QEMU to let the device go; returns before it has. Succeeds where there is no such alias.</summary>
    /// <exception cref="GuestHostException">libvirt can't be reached, or refuses.</exception>
    void DetachLive(GuestId guest, string alias);

    /// <exception cref="GuestHostException">libvirt can't be reached, or refuses.</exception>
    void StartPaused(GuestId guest);

    /// <exception cref="GuestHostException">libvirt can't be reached, or refuses.</exception>
    void Resume(GuestId guest);
}
