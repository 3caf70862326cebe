// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace UsbHostd.Policy.Rules.Matching;

/// <summary>The rules in force, with what was looked up once when they were read.</summary>
public sealed record LoadedRules
{
    /// <summary>Nothing is allowed.</summary>
    public static readonly LoadedRules None = new();

    public RuleSet Set { get; init; } = RuleSet.Empty;

    /// <summary>Uids of the user names that rules name; a name that the host does not know is not in it.</summary>
    public ImmutableDictionary<string, uint> Users { get; init; } = ImmutableDictionary.Create<string, uint>(StringComparer.Ordinal);

    /// <summary>Gids of the group names that rules name.</summary>
    public ImmutableDictionary<string, uint> Groups { get; init; } = ImmutableDictionary.Create<string, uint>(StringComparer.Ordinal);

    /// <summary>In which <c>localtime</c> is meant.</summary>
    public TimeZoneInfo Zone { get; init; } = TimeZoneInfo.Utc;

    /// <summary>The files that were read, in their order, with how many rules each has.</summary>
    public ImmutableArray<RuleFileInfo> Files { get; init; } = [];

    /// <summary>What is in order, and yet may not do what its author expects; each with its place.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>
    /// Whether a caller is among those whom the rule lets claim the device: everybody where it names nobody.
    /// </summary>
    public bool AllowsCaller(Rule rule, uint uid, ImmutableArray<uint> gids)
    {
        if (rule.Owners.IsEmpty && rule.Groups.IsEmpty)
        {
            return true;
        }

        foreach (var owner in rule.Owners)
        {
            if (IdOf(owner, Users) == uid)
            {
                return true;
            }
        }

        foreach (var group in rule.Groups)
        {
            if (IdOf(group, Groups) is { } gid && gids.Contains(gid))
            {
                return true;
            }
        }

        return false;
    }

    private static uint? IdOf(string name, ImmutableDictionary<string, uint> known) =>
        known.TryGetValue(name, out var id) || uint.TryParse(name, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out id)
            ? id
            : null;
}

/// <param name="Path">For example <c>/etc/usbhostd/rules.d/50-lab.conf</c>.</param>
public sealed record RuleFileInfo(string Path, int Rules);
