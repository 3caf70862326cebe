// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using Google.Protobuf;
using UsbHostd.Api.V1;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Cli.Rules;

/// <summary>A device as <c>usbhostctl device-info DEVICE --json</c> wrote it.</summary>
/// <param name="Title">The file's name without <c>.json</c>.</param>
internal sealed record RecordedDevice(string Title, Device Device, RuleSubject Subject)
{
    private const string ProductStringName = "\"productString\"";
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));

    /// <summary>Null where it is no device; then why is told on the standard error.</summary>
    public static RecordedDevice? Read(CliTerminal terminal, string path)
    {
        if (RuleInput.Bytes(terminal, path) is not { } bytes)
        {
            return null;
        }

        try
        {
            var text = RuleText.Decode(bytes);
            var device = Parser.Parse<Device>(text);

            // Written by hand it may have the name that is shown, and nothing else.
            var name = text.Contains(ProductStringName, StringComparison.Ordinal) ? device.ProductString : device.ProductName;
            return new RecordedDevice(Path.GetFileNameWithoutExtension(path), device, SubjectOf(device, name));
        }
        catch (Exception e) when (e is IOException or FormatException)
        {
            ErrorReport.Write(terminal, $"{path} is no recorded device: {e.Message}", $"record it again: {Recording(path)}");
            return null;
        }
    }

    /// <summary>The command that records a device.</summary>
    public static string Recording(string path) => $"usbhostctl device-info DEVICE --json > {ShellWord.Of(path) ?? "NAME.json"}";

    private static RuleSubject SubjectOf(Device device, string name) => new()
    {
        Id = UsbId.TryParse($"{device.VendorId}:{device.ProductId}", out var id) ? id : throw new FormatException("vendorId and productId are not four hex digits each"),
        Name = UsbGuardHash.Trimmed(name),
        Hash = device.Hash,
        ParentHash = device.ParentHash,
        Serial = UsbGuardHash.Trimmed(device.Serial),
        ViaPort = device.Port,
        Interfaces = [.. device.InterfaceTypes.Select(ClassOf)],
        ConnectType = device.ConnectType,
        Bus = (int)device.Bus,
        Controller = device.Controller[(device.Controller.IndexOf(' ', StringComparison.Ordinal) + 1)..],
        IdPath = device.IdPath,
    };

    /// <summary>Of <c>08:06:50</c>.</summary>
    private static UsbClass ClassOf(string text)
    {
        var parts = text.Split(':');
        return parts is [{ Length: 2 }, { Length: 2 }, { Length: 2 }]
            && TryByte(parts[0], out var kind) && TryByte(parts[1], out var subclass) && TryByte(parts[2], out var protocol)
            ? new UsbClass(kind, subclass, protocol)
            : throw new FormatException($"interfaceTypes has '{text}', expected three hex numbers, \"08:06:50\"");
    }

    private static bool TryByte(string text, out byte value) => byte.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
