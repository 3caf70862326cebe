// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace UsbHostd.Policy.Devices;

/// <summary>
/// What USBGuard 1.1 makes of a device, so that rules made by either match with both.
/// </summary>
public static class UsbGuardHash
{
    private const int HeaderLength = 2;
    private const int DeviceLength = 18;
    private const int ConfigurationLength = 9;
    private const int InterfaceLength = 9;
    private const int EndpointLength = 7;
    private const int AudioEndpointLength = 9;

    /// <summary>
    /// The device's hash: SHA-256 in base64 over <c>product</c>, <c>idVendor</c>, <c>idProduct</c>, <c>serial</c> as sysfs has them, less
    /// what <see cref="Trimmed(ReadOnlySpan{byte})"/> takes away, and all descriptors, with nothing in between. The bcdDevice of a root hub, which is the
    /// kernel's version, counts as zero. Null where the descriptors are not there or are such as USBGuard refuses: it knows no hash of
    /// that device either.
    /// </summary>
    /// <param name="attributes">Of the device, by name: <c>idVendor</c>, <c>idProduct</c>, <c>product</c>, <c>serial</c>, <c>descriptors</c>.</param>
    public static string? Of(IReadOnlyDictionary<string, byte[]> attributes)
    {
        if (!attributes.TryGetValue("descriptors", out var descriptors) || !TryRead(descriptors, out _)
            || !attributes.ContainsKey("idVendor") || !attributes.ContainsKey("idProduct"))
        {
            return null;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(
            descriptors.Length + LengthOf("product") + LengthOf("idVendor") + LengthOf("idProduct") + LengthOf("serial"));
        var length = 0;
        foreach (var name in (ReadOnlySpan<string>)["product", "idVendor", "idProduct", "serial"])
        {
            var text = Trimmed(attributes.GetValueOrDefault(name));
            text.CopyTo(buffer.AsSpan(length));
            length += text.Length;
        }

        descriptors.CopyTo(buffer, length);
        if (IsRootHub(descriptors))
        {
            buffer.AsSpan(length + 12, 2).Clear();
        }

        var hash = Base64Of(buffer.AsSpan(0, length + descriptors.Length));
        ArrayPool<byte>.Shared.Return(buffer);
        return hash;

        int LengthOf(string name) => attributes.TryGetValue(name, out var content) ? content.Length : 0;
    }

    /// <summary>
    /// What stands for the parent's hash at a root hub, whose parent is no USB device: the hash of that parent's path below the sysfs root, for
    /// example of <c>/devices/pci0000:00/0000:00:14.0</c>.
    /// </summary>
    public static string OfPath(string devpath) => Base64Of(Encoding.UTF8.GetBytes(devpath));

    /// <summary>A text of a device without the NULs, line ends, carriage returns, tabs and backspaces at its end.</summary>
    public static ReadOnlySpan<byte> Trimmed(ReadOnlySpan<byte> content) => content.TrimEnd("\0\n\r\t\b"u8);

    /// <inheritdoc cref="Trimmed(ReadOnlySpan{byte})"/>
    public static string Trimmed(string? text) => text?.TrimEnd('\0', '\n', '\r', '\t', '\b') ?? "";

    /// <summary>
    /// Reads descriptors as USBGuard does: one after the other, whatever configurations say of their length. False where it would refuse
    /// them, and with them the device.
    /// </summary>
    /// <param name="descriptors">Contents of sysfs <c>descriptors</c>.</param>
    /// <param name="interfaces">
    /// Of every interface descriptor the class, in order: all alternate settings of all configurations, so the same may be there more
    /// than once.
    /// </param>
    public static bool TryRead(ReadOnlySpan<byte> descriptors, out ImmutableArray<UsbClass> interfaces)
    {
        interfaces = [];
        if (descriptors.Length is < DeviceLength or > UsbDescriptors.MostBytes)
        {
            return false;
        }

        var found = ImmutableArray.CreateBuilder<UsbClass>();
        var level = Level.None;
        while (!descriptors.IsEmpty)
        {
            if (descriptors.Length < HeaderLength || descriptors[0] is < HeaderLength || descriptors[0] > descriptors.Length
                || Next(level, descriptors) is not { } next)
            {
                return false;
            }

            level = next;
            if (descriptors[1] == UsbDescriptors.DescriptorType.Interface)
            {
                found.Add(new UsbClass(descriptors[5], descriptors[6], descriptors[7]));
            }

            descriptors = descriptors[descriptors[0]..];
        }

        interfaces = found.DrainToImmutable();
        return true;
    }

    /// <summary>How deep the descriptors are after this one; null where it is out of place or of another length than USBGuard takes.</summary>
    private static Level? Next(Level level, ReadOnlySpan<byte> descriptor) => descriptor[1] switch
    {
        UsbDescriptors.DescriptorType.Device =>
            descriptor[0] == DeviceLength && level == Level.None ? Level.Device : null,
        UsbDescriptors.DescriptorType.Configuration =>
            descriptor[0] == ConfigurationLength && level >= Level.Device ? Level.Configuration : null,
        UsbDescriptors.DescriptorType.Interface =>
            descriptor[0] == InterfaceLength && level >= Level.Configuration ? Level.Interface : null,
        UsbDescriptors.DescriptorType.Endpoint =>
            descriptor[0] is EndpointLength or AudioEndpointLength && level >= Level.Interface ? Level.Interface : null,
        _ => level,
    };

    /// <summary>1d6b:0001 to 1d6b:0003, the kernel's own, and whoever says that it is one.</summary>
    private static bool IsRootHub(ReadOnlySpan<byte> descriptors) =>
        descriptors[1] == UsbDescriptors.DescriptorType.Device
        && descriptors[8..12] is [0x6b, 0x1d, >= 1 and <= 3, 0];

    private static string Base64Of(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, hash);
        return Convert.ToBase64String(hash);
    }

    private enum Level
    {
        None,
        Device,
        Configuration,
        Interface,
    }
}
