// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Import;

namespace UsbHostd.Cli.Rules;

/// <summary>policy-import: rules made of another form of policy. Only an address, in OpenStack's list, needs the daemon.</summary>
internal static class PolicyImportVerb
{
    public static Command Create(CommandLine line)
    {
        var form = new Argument<string>("FORM") { Description = "openstack: a nova.conf with its usb_passthrough_whitelist or usb_white_list; usbredir: a filter", HelpName = "openstack|usbredir" };
        form.OneOf("openstack", "usbredir");
        var source = new Argument<string>("SOURCE") { Description = "For openstack a file, for usbredir the filter itself; - is the standard input" };
        var command = new Command("policy-import", "Write OpenStack's whitelist or a usbredir filter as rules") { form, source };
        line.WithoutJson(command);
        return line.Verb(command, async (session, parsed, cancellationToken) =>
        {
            var text = parsed.GetRequiredValue(source);
            var isFile = parsed.GetRequiredValue(form) == "openstack";
            if (isFile || text == RuleInput.StandardInput)
            {
                if (RuleInput.Bytes(session.Terminal, text) is not { } bytes)
                {
                    return ExitCode.Usage;
                }

                text = RuleText.Decode(bytes);
            }

            Show(session, isFile ? await OfOpenStackAsync(session, text, cancellationToken) : OfUsbredir(text.Trim('\ufeff').Trim()));
            return ExitCode.Ok;
        });
    }

    /// <exception cref="UsbHostException">There is no rule in it. A script must not take that for an import.</exception>
    private static void Show(Session session, Imported imported)
    {
        if (imported.Rules.IsEmpty)
        {
            throw new UsbHostException(
                ErrorCode.ErrorInvalidArgument, "nothing is imported" + string.Concat(imported.Notes.Select(note => ": " + note)),
                "name the file or filter that has the devices");
        }

        foreach (var note in imported.Notes)
        {
            session.Progress("note: " + TerminalText.Escape(note));
        }

        foreach (var rule in imported.Rules)
        {
            session.Line(RulePrinter.Print(rule));
        }
    }

    private static Imported OfUsbredir(string text) =>
        RedirFilter.TryParse(text, out var filter, out var error) && RedirImport.TryImport(filter, out var imported, out error)
            ? imported
            : throw Refused(error);

    private static async Task<Imported> OfOpenStackAsync(Session session, string text, CancellationToken cancellationToken)
    {
        var hasAddresses = false;
        if (OpenStackWhitelist.TryImport(text, (_, _) => Ask(), out var imported, out var error))
        {
            return imported;
        }

        if (!hasAddresses)
        {
            throw Refused(error);
        }

        var devices = await DevicesAsync(session.Client, cancellationToken);
        return OpenStackWhitelist.TryImport(text, (bus, device) => devices.TryGetValue((bus, device), out var found) ? found : null, out imported, out error)
            ? imported
            : throw Refused(error);

        (string, UsbId)? Ask()
        {
            hasAddresses = true;
            return null;
        }
    }

    private static async Task<Dictionary<(int Bus, int Device), (string Port, UsbId Id)>> DevicesAsync(UsbHostClient client, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await client.ListDevicesAsync(new ListDevicesRequest(), cancellationToken);
            return answer.Devices.ToDictionary(
                device => ((int)device.Bus, (int)device.Device_),
                device => (device.Port, UsbId.TryParse($"{device.VendorId}:{device.ProductId}", out var id) ? id : default));
        }
        catch (UsbHostException e) when (e.Code == ErrorCode.ErrorUnavailable)
        {
            throw new UsbHostException(e.Code, $"the list has a device number, which only a running usbhostd can tell the port of: {e.Message}", e.Hint, e);
        }
    }

    private static UsbHostException Refused(string error) => new(ErrorCode.ErrorInvalidArgument, error);
}
