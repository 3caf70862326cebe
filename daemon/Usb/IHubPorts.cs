// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Usb;

/// <summary>
/// Ports of hubs that are held: the kernel binds no driver of its own to a device in such a port, whoever asks it to, and gives a
/// device that is plugged into one no configuration (drivers/usb/core: usb_device_is_owned). A port is held until it is let go, or
/// this process ends.
/// </summary>
internal interface IHubPorts : IDisposable
{
    /// <summary>Holds a port; one that is held already stays so. Throws IOException naming hub and port.</summary>
    /// <param name="node">The hub's device node, <c>/dev/bus/usb/002/001</c>.</param>
    /// <param name="port">From 1.</param>
    void Hold(string node, int port);

    void LetGo(string node, int port);

    /// <summary>Lets go of every port but those of these hubs.</summary>
    void LetGoOfAllBut(IReadOnlySet<string> nodes);
}
