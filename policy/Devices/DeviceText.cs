// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Devices;

/// <summary>How a device is called in a sentence. The device's own strings are in it, unescaped: each edge escapes.</summary>
public static class DeviceText
{
    /// <summary>Vendor and product, of the device or of usb.ids, "QEMU USB HARDDRIVE"; without a product its ids.</summary>
    public static string NameOf(UsbDevice device) =>
        FirstOf(device.Product, device.ProductFromDatabase) is { } product
            ? Join(FirstOf(device.Manufacturer, device.VendorFromDatabase) ?? "", product)
            : device.UsbId.ToString();

    /// <summary>Many products begin with their vendor's name: it is said once.</summary>
    private static string Join(string vendor, string product)
    {
        var isSaid = product.StartsWith(vendor, StringComparison.OrdinalIgnoreCase)
            && (product.Length == vendor.Length || !char.IsLetterOrDigit(product[vendor.Length]));
        return isSaid ? product : $"{vendor} {product}".Trim();
    }

    private static string? FirstOf(string? own, string? fromDatabase) =>
        !string.IsNullOrWhiteSpace(own) ? own.Trim() : fromDatabase;
}
