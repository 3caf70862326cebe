// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;

namespace UsbHostd.Policy.Devices;

/// <summary>What the binary descriptors of a device say.</summary>
/// <param name="Interfaces">Every interface and alternate setting of every configuration, as far as they could be read.</param>
/// <param name="Fault">The first thing found wrong, for a person; null where they are sound.</param>
public sealed record UsbDescriptors(ImmutableArray<UsbInterfaceDescriptor> Interfaces, string? Fault)
{
    /// <summary>The most that is looked at. A configuration is at most 65535 bytes (wTotalLength), and real ones a few hundred.</summary>
    public const int MostBytes = 64 * 1024;

    /// <summary>The most interface descriptors that are kept; the kernel itself takes 32 interfaces with 128 settings each.</summary>
    public const int MostInterfaces = 1024;

    /// <summary>The most endpoints of one setting: 15 in either direction (USB 2.0 specification, 9.6.6).</summary>
    public const int MostEndpoints = 30;

    /// <summary>
    /// Reads sysfs <c>descriptors</c>: the device descriptor, then each configuration with all that belongs to it
    /// (Documentation/ABI/stable/sysfs-bus-usb). Total: whatever the bytes, it returns, in time linear in their number.
    /// </summary>
    public static UsbDescriptors Parse(ReadOnlySpan<byte> bytes)
    {
        var walk = new Walk();
        walk.Read(bytes);
        return walk.Result();
    }

    private ref struct Walk()
    {
        private const int DeviceLength = 18;
        private const int ConfigurationLength = 9;
        private const int InterfaceLength = 9;
        private const int EndpointLength = 7;
        private const int CompanionLength = 6;

        private readonly ImmutableArray<UsbInterfaceDescriptor>.Builder interfaces =
            ImmutableArray.CreateBuilder<UsbInterfaceDescriptor>();

        private readonly List<UsbEndpoint> endpoints = [];
        private readonly HashSet<byte> numbers = [];
        private UsbInterfaceDescriptor? open;
        private int promisedEndpoints;
        private bool full;
        private string? fault;

        public UsbDescriptors Result() => new(interfaces.DrainToImmutable(), fault);

        public void Read(ReadOnlySpan<byte> bytes)
        {
            if (bytes.Length > MostBytes)
            {
                Blame($"oversized: {bytes.Length} bytes, looked at {MostBytes}");
                bytes = bytes[..MostBytes];
            }

            if (bytes.Length < DeviceLength)
            {
                Blame(bytes.IsEmpty ? "there are none" : $"truncated at {bytes.Length} of {DeviceLength} bytes");
                return;
            }

            if (bytes[0] != DeviceLength || bytes[1] != DescriptorType.Device)
            {
                Blame($"does not begin with a device descriptor: length {bytes[0]}, type {bytes[1]:x2}");
                return;
            }

            int promised = bytes[17];
            var seen = ReadConfigurations(bytes);
            if (seen != promised)
            {
                Blame($"{promised} configurations promised, {seen} there");
            }
        }

        private int ReadConfigurations(ReadOnlySpan<byte> bytes)
        {
            var seen = 0;
            var at = DeviceLength;
            while (at < bytes.Length)
            {
                var rest = bytes[at..];
                if (rest.Length < ConfigurationLength)
                {
                    Blame($"truncated at {bytes.Length} of {at + ConfigurationLength} bytes");
                    break;
                }

                if (rest[0] < ConfigurationLength || rest[1] != DescriptorType.Configuration)
                {
                    Blame($"no configuration descriptor at byte {at}: length {rest[0]}, type {rest[1]:x2}");
                    break;
                }

                int total = BinaryPrimitives.ReadUInt16LittleEndian(rest[2..]);
                if (total < rest[0])
                {
                    Blame($"configuration {rest[5]} says that it has {total} bytes in all, its descriptor alone has {rest[0]}");
                    break;
                }

                if (total > rest.Length)
                {
                    Blame($"truncated at {bytes.Length} of {at + total} bytes");
                    total = rest.Length;
                }

                seen++;
                ReadConfiguration(rest[..total], at);
                at += total;
            }

            return seen;
        }

        private void ReadConfiguration(ReadOnlySpan<byte> bytes, int offset)
        {
            int promised = bytes[4];
            int configuration = bytes[5];
            numbers.Clear();
            int at = bytes[0];
            while (at < bytes.Length)
            {
                int length = bytes[at];
                if (length < 2)
                {
                    Blame($"bLength {length} at byte {offset + at}");
                    break;
                }

                if (at + length > bytes.Length)
                {
                    Blame($"bLength {length} at byte {offset + at} runs past the end of configuration {configuration}");
                    break;
                }

                Take(bytes.Slice(at, length), configuration, offset + at);
                at += length;
            }

            Close();
            if (numbers.Count != promised)
            {
                Blame($"configuration {configuration} promises {promised} interfaces, {numbers.Count} there");
            }
        }

        private void Take(ReadOnlySpan<byte> descriptor, int configuration, int offset)
        {
            switch (descriptor[1])
            {
                case DescriptorType.Interface:
                    TakeInterface(descriptor, configuration, offset);
                    break;
                case DescriptorType.Endpoint:
                    TakeEndpoint(descriptor, offset);
                    break;
                case DescriptorType.SuperSpeedCompanion when descriptor.Length >= CompanionLength && endpoints.Count > 0:
                    var last = endpoints[^1];
                    if (last.Type == UsbTransferType.Bulk)
                    {
                        endpoints[^1] = last with { MaxStreams = (byte)(descriptor[3] & 0x1f) };
                    }

                    break;
                default:
                    // Class-specific descriptors mean nothing to us.
                    break;
            }
        }

        private void TakeInterface(ReadOnlySpan<byte> descriptor, int configuration, int offset)
        {
            Close();
            if (descriptor.Length < InterfaceLength)
            {
                Blame($"interface descriptor of {descriptor.Length} bytes at byte {offset}");
                return;
            }

            if (interfaces.Count >= MostInterfaces)
            {
                Blame($"more than {MostInterfaces} interface descriptors");
                full = true;
                return;
            }

            numbers.Add(descriptor[2]);
            promisedEndpoints = descriptor[4];
            open = new UsbInterfaceDescriptor(
                configuration, descriptor[2], descriptor[3], new UsbClass(descriptor[5], descriptor[6], descriptor[7]), []);
        }

        private void TakeEndpoint(ReadOnlySpan<byte> descriptor, int offset)
        {
            if (descriptor.Length < EndpointLength)
            {
                Blame($"endpoint descriptor of {descriptor.Length} bytes at byte {offset}");
            }
            else if (open is null)
            {
                if (!full)
                {
                    Blame($"endpoint descriptor outside of an interface at byte {offset}");
                }
            }
            else if (endpoints.Count >= MostEndpoints)
            {
                Blame($"interface {open.Number} has more than {MostEndpoints} endpoints");
            }
            else
            {
                endpoints.Add(new UsbEndpoint(
                    descriptor[2], (UsbTransferType)(descriptor[3] & 3), BinaryPrimitives.ReadUInt16LittleEndian(descriptor[4..]),
                    descriptor[6], 0));
            }
        }

        private void Close()
        {
            if (open is null)
            {
                return;
            }

            if (endpoints.Count != promisedEndpoints)
            {
                Blame($"interface {open.Number} setting {open.AlternateSetting} promises {promisedEndpoints} endpoints, "
                    + $"{endpoints.Count} there");
            }

            interfaces.Add(open with { Endpoints = [.. endpoints] });
            endpoints.Clear();
            open = null;
        }

        private void Blame(string text) => fault ??= text;
    }

    /// <summary>bDescriptorType (USB 3.2 specification, table 9-6).</summary>
    internal static class DescriptorType
    {
        public const byte Device = 0x01;
        public const byte Configuration = 0x02;
        public const byte Interface = 0x04;
        public const byte Endpoint = 0x05;
        public const byte SuperSpeedCompanion = 0x30;
    }
}
