// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli;

/// <summary>device-list, device-info, device-label, device-trust-serial, device-stats.</summary>
internal static class DeviceVerbs
{
    public static Command List(CommandLine line) => line.Verb(
        new Command("device-list", "List the USB devices that are plugged in"), ListAsync);

    public static Command Info(CommandLine line)
    {
        var device = CommandLine.Device();
        return line.Verb(
            new Command("device-info", "Show all that is known of a device") { device },
            async (session, parsed, cancellationToken) =>
            {
                Show(session, await session.Client.GetDeviceAsync(
                    new GetDeviceRequest { Device = parsed.GetRequiredValue(device) }, cancellationToken));
                return ExitCode.Ok;
            });
    }

    public static Command Label(CommandLine line)
    {
        var device = CommandLine.Device();
        var label = new Argument<string>("LABEL") { Description = "At most 64 characters; \"\" takes the label away" };
        return line.Verb(
            new Command("device-label", "Give a device a name of your own") { device, label },
            async (session, parsed, cancellationToken) =>
            {
                var labelled = await session.Client.SetDeviceLabelAsync(
                    new SetDeviceLabelRequest { Device = parsed.GetRequiredValue(device), Label = parsed.GetRequiredValue(label) },
                    cancellationToken);
                Done(session, labelled, labelled.Label.Length > 0 ? "labelled" : "without a label now");
                return ExitCode.Ok;
            });
    }

    public static Command TrustSerial(CommandLine line)
    {
        var device = CommandLine.Device();
        return line.Verb(
            new Command("device-trust-serial", "Say that this serial tells devices apart again (administrators)") { device },
            async (session, parsed, cancellationToken) =>
            {
                var trusted = await session.Client.TrustSerialAsync(
                    new TrustSerialRequest { Device = parsed.GetRequiredValue(device) }, cancellationToken);
                Done(session, trusted, "told apart by its serial again");
                return ExitCode.Ok;
            });
    }

    public static Command Statistics(CommandLine line) => line.Verb(
        new Command("device-stats", "Count the devices of each vendor and product"), StatisticsAsync);

    private static async Task<ExitCode> StatisticsAsync(Session session, ParseResult parsed, CancellationToken cancellationToken)
    {
        var answer = await session.Client.GetStatisticsAsync(new GetStatisticsRequest(), cancellationToken);
        if (session.IsJson)
        {
            session.Json(answer);
            return ExitCode.Ok;
        }

        var table = new Table(["Device", "Total", "Free", "Claimed"]);
        foreach (var pair in answer.Pairs)
        {
            table.Add($"{pair.VendorId}:{pair.ProductId}", Words.Number(pair.Total), Words.Number(pair.Free), Words.Number(pair.Claimed));
        }

        session.Table(table);
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> ListAsync(Session session, ParseResult parsed, CancellationToken cancellationToken)
    {
        var answer = await session.Client.ListDevicesAsync(new ListDevicesRequest(), cancellationToken);
        if (session.IsJson)
        {
            session.Json(answer);
            return ExitCode.Ok;
        }

        var table = new Table(["Id", "Port", "USB id", "Name", "Serial", "State"], 4, 3, 5);
        foreach (var device in answer.Devices)
        {
            table.Add(
                device.Id, device.Port, Words.UsbId(device), Words.Name(device), Words.Serial(device), Words.State(device));
        }

        session.Table(table);
        return ExitCode.Ok;
    }

    private static void Done(Session session, Device device, string what)
    {
        if (session.IsJson)
        {
            session.Json(device);
        }
        else
        {
            session.Line($"Device {TerminalText.Escape(device.Id)} ({TerminalText.Escape(Words.Listed(device))}) is {what}");
        }
    }

    private static void Show(Session session, Device device)
    {
        if (session.IsJson)
        {
            session.Json(device);
            return;
        }

        session.Fields(
            ("Id", device.Id),
            ("Label", device.Label),
            ("USB id", Words.UsbId(device)),
            ("Vendor", device.VendorName),
            ("Product", device.ProductName),
            ("Serial", Words.Serial(device)),
            ("Port", device.Port),
            ("Port key", device.PortKey),
            ("ID_PATH", device.IdPath),
            ("Controller", device.Controller),
            ("Bus, device", $"{device.Bus:000} {device.Device_:000}"),
            ("Node", device.DeviceNode),
            ("Speed", Words.Speed(device.SpeedMbps)),
            ("USB release", device.UsbRelease),
            ("Device release", device.DeviceRelease),
            ("Class", device.DeviceClass),
            ("Authorized", Words.YesNo(device.Authorized)),
            ("Fault", device.DescriptorFault),
            ("Connect type", device.ConnectType),
            ("Interface types", string.Join(' ', device.InterfaceTypes)),
            ("Hash", device.Hash),
            ("Parent hash", device.ParentHash),
            ("State", Words.State(device)),
            ("Claim", device.ClaimId),
            ("Plug", device.Plug));
        foreach (var use in device.Uses)
        {
            session.Fields(("Host use", $"{Words.Kebab(use.Kind.ToString())}: {use.Detail}{(use.Guarded ? " (guarded)" : "")}"));
        }

        ShowInterfaces(session, device);
    }

    private static void ShowInterfaces(Session session, Device device)
    {
        if (device.Interfaces.Count == 0)
        {
            return;
        }

        var table = new Table(["Interface", "Class", "Driver", "Authorized", "Endpoints"], 4);
        foreach (var usb in device.Interfaces)
        {
            table.Add(
                usb.Name,
                usb.Class,
                usb.Driver.Length > 0 ? usb.Driver : Words.None,
                Words.YesNo(usb.Authorized),
                string.Join(", ", usb.Endpoints.Select(endpoint => $"{endpoint.Address:x2} {endpoint.Type} {endpoint.MaxPacketSize}")));
        }

        session.Line();
        session.Table(table);
    }
}
