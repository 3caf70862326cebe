// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Tests.Doors;

/// <summary>Somebody who calls, by what gives the rights.</summary>
/// <param name="Name">For the test's name.</param>
/// <param name="Has">What the roles give.</param>
/// <param name="Grant">Gives the role to a principal.</param>
internal sealed record MatrixCaller(string Name, Right Has, Func<Principal, RoleOptions> Grant)
{
    public static MatrixCaller WithoutRole { get; } = new("without a role", Right.None, _ => new RoleOptions { Operators = [] });

    /// <summary>uid 65534, or a certificate that says nothing.</summary>
    public static MatrixCaller Nobody { get; } = WithoutRole with { Name = "nobody" };

    /// <summary>uid 0, to whom no role is given.</summary>
    public static MatrixCaller Root { get; } = new("root", Roles.Admin, _ => new RoleOptions { Operators = [] });

    public static IReadOnlyList<MatrixCaller> WithRoles { get; } =
    [
        new("viewer", Roles.Viewer, p => new RoleOptions { Operators = [], Viewers = [p] }),
        new("user", Roles.User, p => new RoleOptions { Operators = [], Users = [p] }),
        new("operator", Roles.Operator, p => new RoleOptions { Operators = [p] }),
        new("admin", Roles.Admin, p => new RoleOptions { Operators = [], Admins = [p] }),
    ];

    public override string ToString() => Name;
}
