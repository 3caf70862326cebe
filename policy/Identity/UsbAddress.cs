// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Identity;

/// <summary>
/// busnum and devnum, both 1 to 999 (kernel: Documentation/ABI/stable/sysfs-bus-usb). Valid for one plugging-in only, so it
/// stands in observations and never in a claim.
/// </summary>
public readonly record struct UsbAddress(int Bus, int Device)
{
    /// <summary>The usbfs node below the device folder, for example <c>bus/usb/001/004</c>.</summary>
    public string DeviceNode => $"bus/usb/{Bus:d3}/{Device:d3}";

    /// <summary>As <c>lsusb</c> prints it, for example <c>001:004</c>.</summary>
    public override string ToString() => $"{Bus:d3}:{Device:d3}";
}
