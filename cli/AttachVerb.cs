// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli;

/// <summary>attach: makes a claim, and may wait until it is attached.</summary>
internal sealed class AttachVerb
{
    private readonly Argument<string> device = CommandLine.Device();

    private readonly Argument<string> guest = CommandLine.Guest();

    private readonly Option<string?> by = new Option<string?>("--by")
    {
        Description = "What the claim follows; by serial where the device has one of its own, else by port",
        HelpName = "serial|port",
    }.OneOf("serial", "port");

    private readonly Option<string?> follow = new("--follow")
    {
        Description = "Follow a device that changes its id on one port: 303a:1001,303a:4001",
        HelpName = "IDS",
    };

    private readonly Option<bool> once = new("--once") { Description = "End the claim when the device is unplugged" };

    private readonly Option<bool> untilGuestStops = new("--until-guest-stops") { Description = "End the claim when the guest stops" };

    private readonly Option<bool> move = new("--move") { Description = "Take the device from the guest that a claim gave it to" };

    private readonly Option<string?> guestReset = new Option<string?>("--guest-reset")
    {
        Description = "Which of the guest's resets reach the device",
        HelpName = "off|uninitialized|on",
    }.OneOf("off", "uninitialized", "on");

    private readonly Option<string?> force = new("--force")
    {
        Description = "Attach although the host uses it, for this reason (administrators; never a hub)",
        HelpName = "REASON",
    };

    private readonly Option<string?> overriding = new("--override")
    {
        Description = "Attach although no rule allows it, for this reason (administrators)",
        HelpName = "REASON",
    };

    private readonly Option<bool> dryRun = new("--dry-run") { Description = "Say what would happen, policy and all, and do nothing" };

    private readonly Option<bool> wait = new("--wait") { Description = "Wait until the device is in the guest" };

    private readonly Option<double?> timeout = new("--timeout")
    {
        Description = "Seconds to wait at most",
        HelpName = "S",
        CustomParser = Seconds,
    };

    private AttachVerb()
    {
    }

    public static Command Create(CommandLine line)
    {
        var verb = new AttachVerb();
        var command = new Command("attach", "Claim a device for a guest: it is there whenever both are")
        {
            verb.device,
            verb.guest,
            verb.by,
            verb.follow,
            verb.once,
            verb.untilGuestStops,
            verb.move,
            verb.guestReset,
            verb.force,
            verb.overriding,
            verb.dryRun,
            verb.wait,
            verb.timeout,
        };
        command.Validators.Add(verb.Check);
        return line.Verb(command, verb.RunAsync);
    }

    private static double? Seconds(ArgumentResult result)
    {
        if (double.TryParse(result.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
            && seconds is > 0 and <= int.MaxValue / 1000)
        {
            return seconds;
        }

        result.AddError("--timeout takes seconds, more than none");
        return null;
    }

    private void Check(CommandResult result)
    {
        if (result.GetValue(once) && result.GetValue(untilGuestStops))
        {
            result.AddError("--once and --until-guest-stops exclude each other");
        }
        else if (result.GetValue(dryRun) && result.GetValue(wait))
        {
            result.AddError("--dry-run and --wait exclude each other");
        }
        else if (result.GetResult(timeout) is not null && !result.GetValue(wait))
        {
            result.AddError("--timeout needs --wait");
        }
    }

    private async Task<ExitCode> RunAsync(Session session, ParseResult parsed, CancellationToken cancellationToken)
    {
        var limit = parsed.GetValue(timeout) is { } seconds ? TimeSpan.FromSeconds(seconds) : Timeout.InfiniteTimeSpan;
        using var expiry = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        // From here on, whatever the daemon does: making the claim may take long, too.
        expiry.CancelAfter(limit);
        var claim = await CreateAsync(session, Request(parsed), limit, expiry.Token, cancellationToken);
        if (!parsed.GetValue(wait))
        {
            ClaimVerbs.ShowStanding(session, claim);
            return ExitCode.Ok;
        }

        claim = await ClaimWait.UntilSettledAsync(session, claim, limit, expiry.Token, cancellationToken);
        if (claim.Phase == Phase.Attached)
        {
            ClaimVerbs.ShowStanding(session, claim);
            return ExitCode.Ok;
        }

        throw ErrorReport.Of(claim);
    }

    private static async Task<Claim> CreateAsync(
        Session session, CreateClaimRequest request, TimeSpan limit, CancellationToken expiry, CancellationToken cancellationToken)
    {
        try
        {
            return await session.Client.CreateClaimAsync(request, expiry);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new UsbHostException(
                ErrorCode.ErrorTimedOut, string.Create(CultureInfo.InvariantCulture, $"usbhostd did not say within {limit.TotalSeconds:0.###} s whether it made the claim"),
                "see whether it did: usbhostctl claim-list");
        }
    }

    private CreateClaimRequest Request(ParseResult parsed)
    {
        var request = new CreateClaimRequest
        {
            Device = parsed.GetRequiredValue(device),
            Guest = parsed.GetRequiredValue(guest),
            Follow = parsed.GetValue(by) switch { "serial" => Follow.Serial, "port" => Follow.Port, _ => Follow.Unspecified },
            Lifetime = Lifetime(parsed),
            GuestReset = parsed.GetValue(guestReset) switch
            {
                "off" => GuestReset.Off,
                "uninitialized" => GuestReset.Uninitialized,
                "on" => GuestReset.On,
                _ => GuestReset.Unspecified,
            },
            ForceReason = parsed.GetValue(force) ?? "",
            OverrideReason = parsed.GetValue(overriding) ?? "",
            Move = parsed.GetValue(move),
            DryRun = parsed.GetValue(dryRun),
        };
        request.FollowIds.AddRange((parsed.GetValue(follow) ?? "").Split(
            ',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        return request;
    }

    private Lifetime Lifetime(ParseResult parsed) => (parsed.GetValue(once), parsed.GetValue(untilGuestStops)) switch
    {
        (true, _) => Api.V1.Lifetime.UntilUnplug,
        (_, true) => Api.V1.Lifetime.UntilGuestStops,
        _ => Api.V1.Lifetime.Unspecified,
    };
}
