// SPDX-License-Identifier: Apache-2.0
using System.Threading.Channels;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Usb;

/// <summary>The host's USB devices.</summary>
internal interface IUsbHost : IDisposable
{
    /// <summary>
    /// Monitors first, then enumerates: writes a <see cref="HostEvent.DevicesEnumerated"/> and from then on what changes. A
    /// monitor that lost events writes another DevicesEnumerated.
    /// </summary>
    void Start(ChannelWriter<HostEvent> events);

    /// <summary>Reads one device afresh; null where there is none (any more). Does not look for usbfs holders.</summary>
    UsbDevice? Read(string syspath);
}
