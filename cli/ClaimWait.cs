// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli;

/// <summary>Waits for a claim to come to rest: attached, or in a phase that it does not leave by itself.</summary>
internal static class ClaimWait
{
    /// <summary>A guest that runs configures its device in a moment; one that is paused, or has no driver for it, never does.</summary>
    private static readonly TimeSpan Configuring = TimeSpan.FromSeconds(5);

    /// <param name="limit">The whole time, for the message.</param>
    /// <param name="expiry">Cancelled when it is over.</param>
    /// <exception cref="UsbHostException">The time is over (ERROR_TIMED_OUT; the claim stands), or the daemon can't be asked.</exception>
    public static async Task<Claim> UntilSettledAsync(
        Session session, Claim claim, TimeSpan limit, CancellationToken expiry, CancellationToken cancellationToken)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(expiry);
        var last = claim;
        try
        {
            Tell(session, null, claim);
            await foreach (var current in ChangesAsync(session.Client, claim.Id, enough.Token))
            {
                Tell(session, last, current);
                last = current;
                if (IsSettled(current) && current.Reason != Reason.GuestNotConfigured)
                {
                    return current;
                }

                enough.CancelAfter(IsSettled(current) ? Configuring : Timeout.InfiniteTimeSpan);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return IsSettled(last) ? last : throw TimedOut(last, limit);
        }

        throw new UsbHostException(ErrorCode.ErrorUnavailable, "usbhostd ended the watch", $"the claim stands: usbhostctl claim-info {claim.Id}");
    }

    private static bool IsSettled(Claim claim) => claim.Phase switch
    {
        Phase.Attached or Phase.Held or Phase.Released => true,
        Phase.Failed => claim.Reason != Reason.RetryLater,
        _ => false,
    };

    /// <summary>The claim as it is at each change, from now on.</summary>
    private static async IAsyncEnumerable<Claim> ChangesAsync(
        UsbHostClient client, string id, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var seen = false;
        var request = new WatchRequest { Kinds = { Kind.Claims }, ClaimId = id };
        await foreach (var change in client.WatchAsync(request, cancellationToken))
        {
            if (change.Claim is { } claim)
            {
                seen = true;
                yield return claim;
            }
            else if (change.Type == WatchEvent.Types.Type.SnapshotEnd && !seen)
            {
                // It ended before the watch began.
                yield return await client.GetClaimAsync(new GetClaimRequest { Id = id }, cancellationToken);
            }
        }
    }

    private static void Tell(Session session, Claim? before, Claim now)
    {
        var changed = before is null || before.Phase != now.Phase || before.Reason != now.Reason;
        if (changed && !IsSettled(now) && !session.IsJson)
        {
            session.Progress($"{Words.Standing(now)}: {TerminalText.Escape(now.Message)}".TrimEnd(' ', ':'));
        }
    }

    private static UsbHostException TimedOut(Claim last, TimeSpan limit) => new(
        new ErrorDetail
        {
            Code = ErrorCode.ErrorTimedOut,
            Message = $"not attached after {limit.TotalSeconds:0.###} s: {Words.Standing(last)}"
                + (last.Message.Length > 0 ? $" ({last.Message})" : ""),
            Hint = last.Hint.Length > 0 ? last.Hint : $"the claim stands: usbhostctl claim-info {last.Id}",
            Claim = last,
        },
        Grpc.Core.StatusCode.DeadlineExceeded);
}
