// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli;

/// <summary>guest-list, guest-start.</summary>
internal static class GuestVerbs
{
    public static Command List(CommandLine line) => line.Verb(
        new Command("guest-list", "List the guests that libvirt knows, with their USB devices and claims"), ListAsync);

    public static Command Start(CommandLine line)
    {
        var guest = CommandLine.Guest();
        return line.Verb(
            new Command("guest-start", "Start a guest with its claimed devices in it from the first moment") { guest },
            async (session, parsed, cancellationToken) =>
            {
                var started = await session.Client.StartGuestAsync(
                    new StartGuestRequest { Guest = parsed.GetRequiredValue(guest) }, cancellationToken);
                if (session.IsJson)
                {
                    session.Json(started);
                }
                else
                {
                    session.Line($"Guest {TerminalText.Escape(started.Name)} is starting");
                }

                return ExitCode.Ok;
            });
    }

    public static Command Info(CommandLine line)
    {
        var guest = CommandLine.Guest();
        return line.Verb(
            new Command("guest-info", "Show what a guest has, and what its definition asks for") { guest },
            async (session, parsed, cancellationToken) =>
            {
                Show(session, await session.Client.GetGuestAsync(new GetGuestRequest { Guest = parsed.GetRequiredValue(guest) }, cancellationToken));
                return ExitCode.Ok;
            });
    }

    private static void Show(Session session, Guest guest)
    {
        if (session.IsJson)
        {
            session.Json(guest);
            return;
        }

        session.Fields(
            ("Name", guest.Name), ("UUID", guest.Uuid), ("State", Words.State(guest)),
            ("USB devices", Words.Number(guest.Attachments.Count(attachment => !attachment.Missing))),
            ("Claims", string.Join(' ', guest.ClaimIds)));
        foreach (var controller in guest.Controllers)
        {
            session.Fields(($"Controller {Words.Number(controller.Index)}", $"{controller.Model}, {Words.Number(controller.FreePorts)} of {Words.Number(controller.Ports)} ports free"));
        }

        foreach (var wish in guest.Wishes)
        {
            session.Fields(
                ("Asks for", wish.Device + (wish.Optional ? ", optional" : "")),
                ("  claim", wish.ClaimId), ("  not met", wish.Message), ("  hint", wish.Hint));
        }
    }

    private static async Task<ExitCode> ListAsync(Session session, ParseResult parsed, CancellationToken cancellationToken)
    {
        var answer = await session.Client.ListGuestsAsync(new ListGuestsRequest(), cancellationToken);
        if (session.IsJson)
        {
            session.Json(answer);
            return ExitCode.Ok;
        }

        var table = new Table(["Id", "Name", "State", "USB devices", "Free ports", "Claims"], 1);
        foreach (var guest in answer.Guests)
        {
            table.Add(
                guest.DomainId > 0 ? Words.Number(guest.DomainId) : Words.None,
                guest.Name,
                Words.State(guest),
                Words.Number(guest.Attachments.Count(attachment => !attachment.Missing)),
                guest.Controllers.Count > 0 ? Words.Number(guest.Controllers.Sum(controller => controller.FreePorts)) : Words.None,
                Words.Number(guest.ClaimIds.Count));
        }

        session.Table(table);
        return ExitCode.Ok;
    }
}
