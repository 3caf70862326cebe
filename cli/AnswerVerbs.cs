// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli;

/// <summary>answer-list, answer-forget.</summary>
internal static class AnswerVerbs
{
    public static Command List(CommandLine line) => line.Verb(new Command("answer-list", "List what was answered where a rule says ask"), ListAsync);

    public static Command Forget(CommandLine line)
    {
        var answer = new Argument<string>("ANSWER") { Description = "Id of an answer, as answer-list shows it" };
        return line.Verb(
            new Command("answer-forget", "Take an answer back, so that the device is asked about again") { answer },
            async (session, parsed, cancellationToken) =>
            {
                var forgotten = await session.Client.ForgetAnswerAsync(new ForgetAnswerRequest { Id = parsed.GetRequiredValue(answer) }, cancellationToken);
                if (session.IsJson)
                {
                    session.Json(forgotten);
                }
                else
                {
                    session.Line($"Answer {TerminalText.Escape(forgotten.Id)} ({TerminalText.Escape(Words.Listed(forgotten))}) is forgotten");
                }

                return ExitCode.Ok;
            });
    }

    private static async Task<ExitCode> ListAsync(Session session, ParseResult parsed, CancellationToken cancellationToken)
    {
        var answer = await session.Client.ListAnswersAsync(new ListAnswersRequest(), cancellationToken);
        if (session.IsJson)
        {
            session.Json(answer);
            return ExitCode.Ok;
        }

        var table = new Table(["Id", "Device", "Follows", "Answer", "Holds", "By"], 2, 1, 3);
        foreach (var each in answer.Answers)
        {
            table.Add(
                each.Id, each.DeviceName, each.Key, each.Guest is { } guest ? Words.Name(guest) : "no", each.Remembered ? "always" : "this plug", each.Owner);
        }

        session.Table(table);
        return ExitCode.Ok;
    }
}
