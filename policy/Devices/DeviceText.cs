namespace UsbHostd.Policy.Devices;

/// <summary>How a device is called in a sentence. The device's own strings are in it, unescaped: each edge escapes.</summary>
public static class DeviceText
{
    /// <summary>Product name of the device or of usb.ids, else its ids.</summary>
    public static string NameOf(UsbDevice device) =>
        FirstOf(device.Product, device.ProductFromDatabase) is { } product
            ? $"{FirstOf(device.Manufacturer, device.VendorFromDatabase)} {product}".Trim()
            : device.UsbId.ToString();

    private static string? FirstOf(string? own, string? fromDatabase) =>
        !string.IsNullOrWhiteSpace(own) ? own.Trim() : fromDatabase;
}
