// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli;

/// <summary>audit-list.</summary>
internal static class AuditVerb
{
    private static readonly string[] Forms = ["yyyy-MM-dd", "yyyy-MM-dd HH:mm", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-ddTHH:mm", "yyyy-MM-ddTHH:mm:ss", "yyyy-MM-ddTHH:mm:ssK"];

    public static Command List(CommandLine line)
    {
        var since = Time("--since", "Only what happened at this time or after it");
        var until = Time("--until", "Only what happened before this time");
        var caller = Text("--caller", "Only what this caller asked for, as the list shows it: uid:1000", "WHO");
        var verb = Text("--verb", "Only this verb: claim-create", "VERB");
        var subject = Text("--subject", "Only what was about this claim, device, guest or answer, by its id", "ID");
        var outcome = Text("--outcome", "Only what came to this: ok, refused, or an error's name", "OUTCOME");
        var text = Text("--text", "Only lines whose subject or detail contains this", "TEXT");
        var limit = new Option<uint>("--limit") { Description = "So many lines at most, from 1 to 1000", HelpName = "NUMBER", DefaultValueFactory = _ => 100 };
        limit.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && (!uint.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var n) || n is 0 or > 1000))
            {
                result.AddError("--limit takes a number from 1 to 1000");
            }
        });
        return line.Verb(
            new Command("audit-list", "List who asked for what, and what came of it, newest first") { since, until, caller, verb, subject, outcome, text, limit },
            (session, parsed, cancellationToken) => ListAsync(
                session,
                new ListAuditRequest
                {
                    Since = TimeOf(parsed.GetValue(since)),
                    Until = TimeOf(parsed.GetValue(until)),
                    Caller = parsed.GetValue(caller) ?? "",
                    Verb = parsed.GetValue(verb) ?? "",
                    Subject = parsed.GetValue(subject) ?? "",
                    Outcome = parsed.GetValue(outcome) ?? "",
                    Text = parsed.GetValue(text) ?? "",
                    Limit = parsed.GetValue(limit),
                },
                cancellationToken));
    }

    private static Option<string?> Text(string name, string description, string value) => new(name) { Description = description, HelpName = value };

    private static Option<string?> Time(string name, string description)
    {
        var option = Text(name, description + "; such as 2026-03-01, \"2026-03-01 14:30\", or 2026-03-01T14:30:00Z", "TIME");
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !IsTime(result.Tokens[0].Value, out _))
            {
                result.AddError($"{name} takes a time such as 2026-03-01, \"2026-03-01 14:30\", or 2026-03-01T14:30:00Z");
            }
        });
        return option;
    }

    private static Timestamp? TimeOf(string? text) => text is not null && IsTime(text, out var at) ? Timestamp.FromDateTimeOffset(at) : null;

    /// <summary>Without a zone it is the local time.</summary>
    private static bool IsTime(string text, out DateTimeOffset at) =>
        DateTimeOffset.TryParseExact(text, Forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out at);

    private static async Task<ExitCode> ListAsync(Session session, ListAuditRequest request, CancellationToken cancellationToken)
    {
        var audit = await session.Client.ListAuditAsync(request, cancellationToken);
        if (session.IsJson)
        {
            session.Json(audit);
            return ExitCode.Ok;
        }

        var table = new Table(["Time", "Caller", "Door", "Verb", "Subject", "Outcome", "Detail"], 6, 4, 5);
        foreach (var line in audit.Lines)
        {
            table.Add(Words.Time(line.At), line.Caller, line.Door, line.Verb, line.Subject, line.Outcome, line.Detail);
        }

        session.Table(table);
        if (audit.More)
        {
            session.Progress("Older lines match as well: ask with --until or a larger --limit");
        }

        return ExitCode.Ok;
    }
}
