// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Core.Evaluation;

/// <summary>Whether a guest has a place for a device: a controller, a free port, and a speed that QEMU itself would take.</summary>
public static class GuestFit
{
    /// <summary>Null where it fits.</summary>
    public static (ClaimReason Reason, string Detail)? Check(UsbDevice device, Guest guest)
    {
        var controllers = guest.Controllers.Where(c => c.Speeds != UsbSpeedSet.None).ToList();
        if (controllers.Count == 0)
        {
            return (ClaimReason.NoController, "the guest has no USB controller");
        }

        var free = controllers.Where(c => c.FreePorts > 0).ToList();
        if (free.Count == 0)
        {
            return (ClaimReason.NoFreePort, $"all {controllers.Sum(c => c.Ports)} USB ports of the guest are taken");
        }

        var speeds = SpeedsOf(device);
        if (speeds == UsbSpeedSet.None || free.Exists(c => (c.FreeSpeeds & speeds) != UsbSpeedSet.None))
        {
            return null;
        }

        var take = Names(free.Aggregate(UsbSpeedSet.None, (all, c) => all | c.FreeSpeeds));
        return controllers.Exists(c => (c.Speeds & speeds) != UsbSpeedSet.None)
            ? (ClaimReason.NoFreePort,
                $"the device runs at {Names(speeds)} speed, and all ports that take it are taken; the free ones{(free.TrueForAll(c => c.HasFreeOwnPort) ? "" : " are a USB 1.1 hub's and")} take {take}")
            : (ClaimReason.SpeedMismatch, $"the device runs at {Names(speeds)} speed, the guest's free ports take {take}");
    }

    /// <summary>
    /// Index of the controller that lets the device run fastest, of those with a free port; null where there is nothing to choose, or
    /// nothing fits. libvirt itself would take the first with a free port, whatever its speed (virDomainUSBAddressAssign).
    /// </summary>
    public static int? ControllerFor(UsbDevice device, Guest guest)
    {
        var controllers = guest.Controllers.Where(c => c.Speeds != UsbSpeedSet.None).ToList();
        if (controllers.Count < 2)
        {
            return null;
        }

        var speeds = SpeedsOf(device) is var known and not UsbSpeedSet.None ? known : (UsbSpeedSet)~0;
        return controllers.Where(c => (c.FreeSpeeds & speeds) != UsbSpeedSet.None)
            // By the highest bit, the fastest speed; then as libvirt goes, by index.
            .OrderByDescending(c => BitOperations.Log2((uint)(c.FreeSpeeds & speeds))).ThenBy(c => c.Index)
            .FirstOrDefault()?.Index;
    }

    /// <summary>
    /// QEMU's rule for host devices (hw/usb/host-libusb.c, usb_host_speed_compat): a device may run slower than it does on the
    /// host unless an isochronous endpoint, bulk streams or an interrupt endpoint's packet size forbid it. Empty for an unknown speed.
    /// </summary>
    public static UsbSpeedSet SpeedsOf(UsbDevice device)
    {
        var (full, high) = (true, true);
        foreach (var endpoint in device.Descriptors.SelectMany(d => d.Endpoints))
        {
            switch (endpoint.Type)
            {
                case UsbTransferType.Isochronous:
                case UsbTransferType.Bulk when endpoint.MaxStreams > 0:
                    (full, high) = (false, false);
                    break;
                case UsbTransferType.Interrupt:
                    full &= endpoint.MaxPacketSize <= 64;
                    high &= endpoint.MaxPacketSize <= 1024;
                    break;
            }
        }

        return device.Speed switch
        {
            UsbSpeed.Low => UsbSpeedSet.Low,
            UsbSpeed.Full => UsbSpeedSet.Full,
            UsbSpeed.High => UsbSpeedSet.High | (full ? UsbSpeedSet.Full : UsbSpeedSet.None),
            UsbSpeed.Super or UsbSpeed.SuperPlus or UsbSpeed.SuperPlusX2 =>
                UsbSpeedSet.Super | (high ? UsbSpeedSet.High : UsbSpeedSet.None) | (high && full ? UsbSpeedSet.Full : UsbSpeedSet.None),
            _ => UsbSpeedSet.None,
        };
    }

    private static string Names(UsbSpeedSet speeds) => speeds.ToString().ToLowerInvariant().Replace(", ", " or ", StringComparison.Ordinal);
}
