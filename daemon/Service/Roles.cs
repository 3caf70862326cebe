// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using System.Collections.Immutable;
using UsbHostd.Api;
using UsbHostd.Daemon.Linux;

namespace UsbHostd.Daemon.Service;

/// <summary>Who has which role, as it is written; numbers and names alike.</summary>
internal sealed record RoleOptions
{
    /// <summary>The group that is made when usbhostd is installed; where it is not, nobody is in it.</summary>
    public static Principal Installed { get; } = new(PrincipalKind.Group, "usbhostd");

    public ImmutableArray<Principal> Viewers { get; init; } = [];

    public ImmutableArray<Principal> Users { get; init; } = [];

    public ImmutableArray<Principal> Operators { get; init; } = [Installed];

    public ImmutableArray<Principal> Admins { get; init; } = [];
}

/// <summary>The rights of each caller. Names of users and groups are looked up once, at the start; callers are held against numbers only.</summary>
internal sealed class Roles
{
    public const Right Viewer = Right.List;
    public const Right User = Right.Attach;
    public const Right Operator = Right.List | Right.Attach | Right.Manage;
    public const Right Admin = Operator | Right.Policy | Right.Force | Right.Audit;

    private readonly FrozenDictionary<uint, Right> users;
    private readonly FrozenDictionary<uint, Right> groups;
    private readonly FrozenDictionary<string, Right> subjects;
    private readonly FrozenDictionary<string, Right> names;

    /// <exception cref="IOException">The host knows no such user or group.</exception>
    public Roles(RoleOptions options)
    {
        (Principal Who, Right Right)[] all =
        [
            .. options.Viewers.Select(p => (p, Viewer)), .. options.Users.Select(p => (p, User)),
            .. options.Operators.Select(p => (p, Operator)), .. options.Admins.Select(p => (p, Admin)),
            (new Principal(PrincipalKind.User, "0"), Admin),
        ];
        users = Sum(PrincipalKind.User, p => p.Number ?? AccountNames.User(p.Value) ?? throw Unknown("user", p.Value));
        groups = Sum(PrincipalKind.Group, p => p.Number ?? AccountNames.Group(p.Value) ?? (p == RoleOptions.Installed ? Caller.NoUid : throw Unknown("group", p.Value)));
        subjects = Sum(PrincipalKind.Subject, p => p.Value);
        names = Sum(PrincipalKind.Name, p => p.Value);

        FrozenDictionary<T, Right> Sum<T>(PrincipalKind kind, Func<Principal, T> key)
            where T : notnull =>
            all.Where(a => a.Who.Kind == kind).GroupBy(a => key(a.Who), a => a.Right).ToFrozenDictionary(g => g.Key, g => g.Aggregate(Right.None, (sum, r) => sum | r));
    }

    /// <summary>What the roles of a caller let it do, all together.</summary>
    public Right Of(Caller caller)
    {
        if (caller.Certificate is { } certificate)
        {
            var given = subjects.GetValueOrDefault(certificate.Subject);
            foreach (var name in certificate.Names)
            {
                given |= names.GetValueOrDefault(name);
            }

            return given;
        }

        var right = users.GetValueOrDefault(caller.Uid);
        foreach (var gid in caller.Gids)
        {
            right |= groups.GetValueOrDefault(gid);
        }

        return right;
    }

    /// <summary>Whether the caller has all that an administrator has.</summary>
    public bool IsAdministrator(Caller caller) => (Of(caller) & Admin) == Admin;

    private static IOException Unknown(string what, string name) =>
        new($"[roles] names {what} {name}, which this host does not know; add it ({what}add {name}), or take it out of usbhostd.conf");
}
