// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;

namespace UsbHostd.Daemon.Service;

/// <summary>Who may do what: decided here and nowhere else.</summary>
internal sealed class Rights(Roles roles, CallerLimits limits)
{
    private static readonly (Right Right, string What)[] Names =
    [
        (Right.List, "see what is there"), (Right.Attach, "claim devices"), (Right.Manage, "change what is not his own"), (Right.Policy, "change policy"),
        (Right.Force, "pass the guard or policy"), (Right.Audit, "read the audit or copy the database"),
    ];

    /// <summary>What the caller may do in one call: what its roles say, and what somebody else gives it for this call.</summary>
    /// <param name="method">Of the contract, <see cref="UsbHostMethods"/>.</param>
    /// <param name="also">Asked for on top, all of it.</param>
    /// <param name="details">For a person who is asked.</param>
    /// <exception cref="HostException">It may not, or asks too often.</exception>
    public async ValueTask<Grant> GrantAsync(
        Caller caller, string method, Right also, IReadOnlyDictionary<string, string> details, CancellationToken cancellationToken)
    {
        limits.Count(caller);
        var has = roles.Of(caller);
        var wanted = UsbHostRights.OfMethod.GetValueOrDefault(method);
        if ((has & wanted) == Right.None)
        {
            // Whoever is asked is asked for the least that will do.
            has |= await AskAsync(caller, Least(wanted), details, cancellationToken).ConfigureAwait(false);
        }

        foreach (var right in Each(also & ~has))
        {
            has |= await AskAsync(caller, right, details, cancellationToken).ConfigureAwait(false);
        }

        return new Grant(caller, has);
    }

    /// <summary>The same, for a right that turns out to be needed later.</summary>
    public static async ValueTask<Grant> MoreAsync(Grant grant, Right right, IReadOnlyDictionary<string, string> details, CancellationToken cancellationToken) =>
        grant.Has(right) ? grant : grant with { Rights = grant.Rights | await AskAsync(grant.Caller, right, details, cancellationToken).ConfigureAwait(false) };

    /// <summary>A claim is its owner's, or for who may change what is not its own.</summary>
    /// <param name="unchanged">Nothing is changed: whoever sees it may have it as its answer.</param>
    public static void RequireOwn(Grant grant, Core.State.ClaimEntry entry, bool unchanged = false)
    {
        if (!grant.Owns(entry) && !grant.Has(Right.Manage) && !(unchanged && grant.SeesAll))
        {
            throw Refused(grant.Caller, Right.Manage);
        }
    }

    private static async ValueTask<Right> AskAsync(
        Caller caller, Right right, IReadOnlyDictionary<string, string> details, CancellationToken cancellationToken) =>
        right != Right.None && caller.Authority is { } authority && await authority.GrantsAsync(right, details, cancellationToken).ConfigureAwait(false)
            ? right
            : throw Refused(caller, right);

    private static Right Least(Right wanted) => Each(wanted).FirstOrDefault();

    private static IEnumerable<Right> Each(Right rights) => Names.Select(n => n.Right).Where(r => (rights & r) != Right.None);

    private static HostException Refused(Caller caller, Right right) => new(
        ErrorCode.ErrorPermissionDenied, $"{caller.Owner} may not {Names.FirstOrDefault(n => n.Right == right).What ?? "do this"}",
        "roles are given under [roles] in usbhostd.conf(5); unless it says otherwise, members of group usbhostd are operators");
}
