// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli;

/// <summary>event: shows what changes, from now on.</summary>
internal static class EventVerb
{
    public static Command Create(CommandLine line)
    {
        var loop = new Option<bool>("--loop") { Description = "Go on until interrupted, not only until the first event" };
        return line.Verb(
            new Command("event", "Wait for a change of a device, claim or guest, and show it") { loop },
            (session, parsed, cancellationToken) => RunAsync(session, parsed.GetValue(loop), cancellationToken));
    }

    private static async Task<ExitCode> RunAsync(Session session, bool loop, CancellationToken cancellationToken)
    {
        var received = 0;
        try
        {
            await foreach (var change in session.Client.WatchAsync(new WatchRequest(), cancellationToken))
            {
                if (!Show(session, change))
                {
                    continue;
                }

                received++;
                if (!loop)
                {
                    break;
                }
            }
        }
        catch (OperationCanceledException) when (loop)
        {
            // Interrupting is how a loop ends.
        }

        if (!session.IsJson)
        {
            session.Line($"events received: {received}");
        }

        return ExitCode.Ok;
    }

    /// <summary>False for what is no change: the snapshot at the beginning or after a resync.</summary>
    private static bool Show(Session session, WatchEvent change)
    {
        if (change.Type is not (WatchEvent.Types.Type.Changed or WatchEvent.Types.Type.Removed or WatchEvent.Types.Type.Resync))
        {
            return false;
        }

        if (session.IsJson)
        {
            session.Json(change);
        }
        else
        {
            session.Line(TerminalText.Escape($"{Words.Time(change.Time)} {Describe(change)}".TrimStart()));
        }

        session.Flush();
        return true;
    }

    private static string Describe(WatchEvent change)
    {
        var what = Words.Kebab(change.Type.ToString());
        return change.ObjectCase switch
        {
            WatchEvent.ObjectOneofCase.Device =>
                $"event 'device-{what}' for {change.Device.Id} {Words.Listed(change.Device)}: {Words.State(change.Device)}",
            WatchEvent.ObjectOneofCase.Claim =>
                $"event 'claim-{what}' for {change.Claim.Id} {Words.Named(change.Claim)} for guest {Words.Name(change.Claim.Guest)}: "
                + Words.Standing(change.Claim),
            WatchEvent.ObjectOneofCase.Guest => $"event 'guest-{what}' for {change.Guest.Name}: {Words.State(change.Guest)}",
            _ => $"event '{what}': some changes were missed",
        };
    }
}
