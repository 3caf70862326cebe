// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Reconcile;

namespace UsbHostd.Daemon.Service;

/// <summary>Who may, and what the audit says of it; before anything else is done.</summary>
internal sealed partial class HostService
{
    /// <summary>The one way in: what this call may do. Who may not call is told so, and the audit too.</summary>
    /// <param name="verb">As the audit calls it; else as the contract does.</param>
    private async ValueTask<Grant> EnterAsync(
        Caller caller, string method, CancellationToken cancellationToken, string device = "", string guest = "", Right also = Right.None, string? verb = null)
    {
        try
        {
            return await rights.GrantAsync(caller, method, also, Details(device, guest), cancellationToken).ConfigureAwait(false);
        }
        catch (HostException refused)
        {
            await AuditAsync(caller, verb ?? method[(method.LastIndexOf('/') + 1)..], device.Length > 0 ? device : guest, refused, cancellationToken).ConfigureAwait(false);
            throw;
        }
    }

    private async ValueTask<Grant> MoreAsync(
        Grant grant, Right right, string device, string guest, string verb, CancellationToken cancellationToken)
    {
        try
        {
            return await Rights.MoreAsync(grant, right, Details(device, guest), cancellationToken).ConfigureAwait(false);
        }
        catch (HostException refused)
        {
            await AuditAsync(grant.Caller, verb, device.Length > 0 ? device : guest, refused, cancellationToken).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The way in to change one claim, which takes more where it is somebody else's.</summary>
    /// <param name="device">What the caller said of the device or the claim. Somebody who is asked is told no more, until the caller may see the claim.</param>
    private async ValueTask<Grant> EnterToChangeAsync(
        Caller caller, string method, string verb, string device, string guest, Func<HostState, ClaimEntry> find, CancellationToken cancellationToken)
    {
        var state = feed.Current;
        ClaimEntry? entry = null;
        try
        {
            entry = find(state);
        }
        catch (HostException)
        {
            // Refused again below, once it is known who asks.
        }

        var grant = await EnterAsync(caller, method, cancellationToken, device, guest, verb: verb).ConfigureAwait(false);
        if (entry is null || grant.Owns(entry) || (!grant.SeesAll && caller.Authority is null))
        {
            return grant;
        }

        if (grant.Sees(entry))
        {
            (device, guest) = (entry.Claim.Follows.Text, state.GuestName(entry.Claim.Guest));
        }

        return await MoreAsync(grant, Right.Manage, device, guest, verb, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Has the loop decide; every refusal is audited.</summary>
    private Task<(HostState State, T Result)> AskAsync<T>(
        Caller caller, string verb, string subject, Func<HostState, DateTimeOffset, (Decided Decided, T Result)> decide, CancellationToken cancellationToken) =>
        loop.AskAsync(
            (state, now) =>
            {
                var decision = decide(state, now);
                if (decision.Decided.Changes.Count > 0 && !IsEnd(decision.Decided.Changes))
                {
                    limits.Change(caller);
                }

                return decision;
            },
            refused => Audit(caller, verb, subject, refused), cancellationToken);

    /// <summary>A claim that ends was counted when it was made: nobody is kept from giving a device back.</summary>
    private static bool IsEnd(IReadOnlyList<StoreChange> changes) =>
        changes.OfType<StoreChange.PutClaim>().ToList() is { Count: > 0 } puts && puts.TrueForAll(p => p.Claim.Released is not null);

    private async ValueTask AuditAsync(Caller caller, string verb, string subject, HostException refused, CancellationToken cancellationToken)
    {
        // Asked here and not in the loop: who is refused without end costs the one writer nothing.
        if (Audit(caller, verb, subject, refused) is not { } line)
        {
            return;
        }

        try
        {
            await loop.AskAsync<bool>((_, _) => throw refused, _ => line, cancellationToken).ConfigureAwait(false);
        }
        catch (HostException)
        {
            // The same one, written down on its way; whoever called throws it.
        }
    }

    /// <summary>A step before the loop is asked; the audit has its refusal too.</summary>
    private async ValueTask<T> AuditedAsync<T>(Caller caller, string verb, string subject, Func<T> step, CancellationToken cancellationToken)
    {
        try
        {
            return step();
        }
        catch (HostException refused)
        {
            await AuditAsync(caller, verb, subject, refused, cancellationToken).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Null where a caller is refused so often that its refusals would fill the disk: those that were left out are counted in the next line.</summary>
    private StoreChange.AppendAudit? Audit(Caller caller, string verb, string subject, HostException refused) =>
        limits.Note(caller) is { } leftOut
            ? Audit(
                caller, time.GetUtcNow(), verb, Bounded(subject), refused.Code.ToString(),
                leftOut == 0 ? refused.Message : $"{refused.Message} (and {leftOut} refusals before it that are not in this list)")
            : null;

    private static string Bounded(string text) => text.Length > MostText ? text[..MostText] : text;

    private static StoreChange.AppendAudit Audit(Caller caller, DateTimeOffset at, string verb, string subject, string outcome, string detail) =>
        new(at, caller.Owner, caller.Door, verb, subject, outcome, detail);

    private static Dictionary<string, string> Details(string device, string guest) =>
        new(StringComparer.Ordinal) { ["device"] = Bounded(device), ["guest"] = Bounded(guest) };
}
