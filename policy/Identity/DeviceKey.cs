// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Identity;

/// <summary>
/// What survives a re-plug. A claim follows exactly one key and never switches. Bus and device numbers are in no key.
/// Equality is that of <see cref="Text"/>.
/// </summary>
public sealed record DeviceKey
{
    private DeviceKey(FollowKind kind, string text)
    {
        Kind = kind;
        Text = text;
    }

    public FollowKind Kind { get; }

    /// <summary>
    /// The stored form. Serial: <c>serial 0951:1666 SERIAL</c>. Port: <c>port pci 0000:00:14.0 usb2 4.2</c>, that is the root
    /// hub's parent as bus and name, the half of the controller, and the chain of ports.
    /// </summary>
    public string Text { get; }

    /// <summary>The serial alone, as the device gives it; null for a key by port.</summary>
    public string? SerialText => Kind == FollowKind.Serial ? Text[17..] : null;

    /// <summary>A serial key without its product: what stays when a device changes its product. Null for a key by port.</summary>
    public string? VendorAndSerial => Kind == FollowKind.Serial ? $"{Text[7..11]} {Text[17..]}" : null;

    public static DeviceKey Serial(UsbId id, string serial) => new(FollowKind.Serial, $"serial {id} {serial}");

    public static DeviceKey Port(UsbController controller, UsbHalf half, string chain) =>
        new(FollowKind.Port, $"port {controller} {(half == UsbHalf.Usb3 ? "usb3" : "usb2")} {chain}");

    /// <summary>A key that no device has: of a plug that is over and of which nothing else is known.</summary>
    public static DeviceKey Unknown(PlugToken plug) => new(FollowKind.Port, $"port unknown unknown usb2 {plug}");

    /// <summary>Reads <see cref="Text"/> back; throws FormatException for anything else.</summary>
    public static DeviceKey Parse(string text)
    {
        if (text.StartsWith("serial ", StringComparison.Ordinal) && text.Length > 17 && text[16] == ' '
            && UsbId.TryParse(text[7..16], out _))
        {
            return new DeviceKey(FollowKind.Serial, text);
        }

        if (text.StartsWith("port ", StringComparison.Ordinal) && text.Split(' ').Length == 5)
        {
            return new DeviceKey(FollowKind.Port, text);
        }

        throw new FormatException($"not a device key: {text}");
    }

    /// <summary>
    /// Whether a serial can tell devices apart at all: not empty and not one character repeated (<c>0000000</c>). Two
    /// characters at least, because batches are shipped with a lone <c>0</c> or <c>1</c>.
    /// </summary>
    public static bool IsUsableSerial(string? serial) =>
        !string.IsNullOrWhiteSpace(serial) && serial.AsSpan().IndexOfAnyExcept(serial[0]) >= 0;

    public override string ToString() => Text;
}

/// <summary>What a claim follows.</summary>
public enum FollowKind
{
    Serial,
    Port,
}

/// <summary>Which half of an xHCI controller a bus is; USB 1 and 2 controllers have the first only.</summary>
public enum UsbHalf
{
    Usb2,
    Usb3,
}

/// <summary>
/// The root hub's parent device: bus and name, for example <c>pci 0000:00:14.0</c> or <c>platform dummy_hcd.0</c>.
/// </summary>
public readonly record struct UsbController(string Subsystem, string Name)
{
    public override string ToString() => $"{Subsystem} {Name}";
}
