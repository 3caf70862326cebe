// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Globalization;

namespace UsbHostd.Tests.Usb;

/// <summary>Binary descriptors as sysfs gives them: of the device, then of each configuration with what belongs to it.</summary>
internal static class FakeDescriptors
{
    public static byte[] For(FakeUsbDevice device) =>
    [
        .. Device(1),
        .. Configuration(1, device.Interfaces.Count, [.. device.Interfaces.SelectMany((from, i) => Interface(i, from))]),
    ];

    public static byte[] Device(byte configurations) =>
        [18, 1, 0, 2, 0, 0, 0, 64, 0x51, 0x09, 0x66, 0x16, 0x10, 0x01, 1, 2, 3, configurations];

    public static byte[] Configuration(byte value, int interfaces, byte[] body)
    {
        byte[] head = [9, 2, 0, 0, (byte)interfaces, value, 0, 0x80, 50];
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(2), (ushort)(head.Length + body.Length));
        return [.. head, .. body];
    }

    public static byte[] Interface(int number, FakeInterface from, byte alternate = 0) =>
    [
        9, 4, (byte)number, alternate, (byte)from.EndpointAttributes.Length, Hex(from.Class), Hex(from.Subclass), Hex(from.Protocol), 0,
        .. from.EndpointAttributes.SelectMany((attributes, i) => Endpoint((byte)(0x81 + i), attributes, from.Streams)),
    ];

    public static byte[] Endpoint(byte address, byte attributes, byte? companion = null) => companion is { } streams
        ? [7, 5, address, attributes, 0, 2, 1, 6, 0x30, 0, streams, 0, 0]
        : [7, 5, address, attributes, 0, 2, 1];

    private static byte Hex(string text) => byte.Parse(text, NumberStyles.AllowHexSpecifier);
}
