// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli;

/// <summary>claim-list, claim-info, claim-release, claim-retry, detach.</summary>
internal static class ClaimVerbs
{
    private const int IdLength = 13;
    private const int PhaseColumn = 5;

    public static Command List(CommandLine line)
    {
        var all = new Option<bool>("--all") { Description = "Released claims too" };
        return line.Verb(
            new Command("claim-list", "List the claims, and where each stands") { all },
            async (session, parsed, cancellationToken) =>
            {
                var answer = await session.Client.ListClaimsAsync(
                    new ListClaimsRequest { IncludeReleased = parsed.GetValue(all) }, cancellationToken);
                ShowAll(session, answer);
                return ExitCode.Ok;
            });
    }

    public static Command Info(CommandLine line)
    {
        var claim = CommandLine.Claim();
        return line.Verb(
            new Command("claim-info", "Show all that is known of a claim") { claim },
            async (session, parsed, cancellationToken) =>
            {
                Show(session, await session.Client.GetClaimAsync(
                    new GetClaimRequest { Id = parsed.GetRequiredValue(claim) }, cancellationToken));
                return ExitCode.Ok;
            });
    }

    public static Command Release(CommandLine line)
    {
        var claim = CommandLine.Claim();
        return line.Verb(
            new Command("claim-release", "End a claim; the device goes back to the host") { claim },
            async (session, parsed, cancellationToken) =>
            {
                ShowStanding(session, await session.Client.ReleaseClaimAsync(
                    new ReleaseClaimRequest { Id = parsed.GetRequiredValue(claim) }, cancellationToken));
                return ExitCode.Ok;
            });
    }

    public static Command Retry(CommandLine line)
    {
        var claim = CommandLine.Claim();
        return line.Verb(
            new Command("claim-retry", "Try a held, failed or quarantined claim again now") { claim },
            async (session, parsed, cancellationToken) =>
            {
                ShowStanding(session, await session.Client.RetryClaimAsync(
                    new RetryClaimRequest { Id = parsed.GetRequiredValue(claim) }, cancellationToken));
                return ExitCode.Ok;
            });
    }

    public static Command Detach(CommandLine line)
    {
        var device = new Argument<string>("DEVICE") { Description = "A device as for attach, or the id of a claim" };
        var guest = new Argument<string?>("GUEST")
        {
            Description = "Only if it is this guest that has the device",
            Arity = ArgumentArity.ZeroOrOne,
        };
        return line.Verb(
            new Command("detach", "Take a device from its guest, and end its claim") { device, guest },
            async (session, parsed, cancellationToken) =>
            {
                ShowStanding(session, await session.Client.ReleaseClaimAsync(
                    DetachRequest(parsed.GetRequiredValue(device), parsed.GetValue(guest)), cancellationToken));
                return ExitCode.Ok;
            });
    }

    /// <summary>Writes where a claim stands, and what to do about it.</summary>
    public static void ShowStanding(Session session, Claim claim)
    {
        if (session.IsJson)
        {
            session.Json(claim);
            return;
        }

        session.Line(
            $"Claim {TerminalText.Escape(claim.Id)} of {TerminalText.Escape(Words.Named(claim))} for guest "
            + $"{Words.Shown(claim.Guest)}: {session.Paint(Words.Standing(claim), Words.Tone(claim.Phase))}");
        if (claim.Message.Length > 0)
        {
            session.Line(TerminalText.Escape(claim.Message));
        }

        if (claim.Hint.Length > 0)
        {
            session.Line("hint: " + TerminalText.Escape(claim.Hint));
        }
    }

    private static ReleaseClaimRequest DetachRequest(string device, string? guest) =>
        guest is null && IsClaimId(device)
            ? new ReleaseClaimRequest { Id = device }
            : new ReleaseClaimRequest { Device = device, Guest = guest ?? "" };

    // "c" and 12 base32 digits; a serial that looks like one is named with its prefix.
    private static bool IsClaimId(string text) =>
        text is { Length: IdLength } && text[0] == 'c' && text.All(c => c is (>= 'a' and <= 'z') or (>= '2' and <= '7'));

    private static void ShowAll(Session session, ListClaimsResponse answer)
    {
        if (session.IsJson)
        {
            session.Json(answer);
            return;
        }

        var table = new Table(["Id", "Device", "Serial", "Port", "Guest", "Phase", "Reason"], 1, 4, 2);
        foreach (var claim in answer.Claims)
        {
            table.AddToned(
                PhaseColumn, Words.Tone(claim.Phase), claim.Id, Words.Name(claim), Words.OrNone(claim.Serial), Words.OrNone(claim.Port), Words.Name(claim.Guest),
                Words.Phase(claim), Words.Reason(claim));
        }

        session.Table(table);
    }

    private static void Show(Session session, Claim claim)
    {
        if (session.IsJson)
        {
            session.Json(claim);
            return;
        }

        session.Fields(
            ("Id", claim.Id),
            ("Device", Words.Name(claim)),
            ("Device id", claim.DeviceId),
            ("Serial", claim.Serial),
            ("Port", claim.Port),
            ("Guest", Words.Name(claim.Guest)),
            ("Guest UUID", claim.Guest?.Uuid ?? ""),
            ("Phase", Words.Phase(claim)),
            ("Reason", Words.Reason(claim)),
            ("Message", claim.Message),
            ("Hint", claim.Hint),
            ("Follows", claim.Key),
            ("USB ids", string.Join(", ", claim.Ids)),
            ("Candidates", string.Join(", ", claim.Candidates)),
            ("Mode", Words.Kebab(claim.Mode.ToString())),
            ("Lifetime", Words.Kebab(claim.Lifetime.ToString())),
            ("Guest reset", Words.Kebab(claim.GuestReset.ToString())),
            ("Origin", Words.Kebab(claim.Origin.ToString())),
            ("Owner", claim.Owner),
            ("Door", claim.Door),
            ("Request", claim.RequestId),
            ("Override", claim.OverrideReason),
            ("Force", claim.ForceReason),
            ("Unsafe", claim.UnsafeReason),
            ("Plug", claim.Plug),
            ("Created", Words.Time(claim.Created)),
            ("Released", Words.Time(claim.Released)));
    }
}
