// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;

namespace UsbHostd.Tests.Reconcile.Worlds;

/// <summary>When a rule of a random world counts.</summary>
internal enum PlainWhen
{
    Always,
    Never,
    ByDay,
    ByNight,
    Perhaps,
    BesideOne,
    OnceApplied,
}

/// <summary>
/// A rule as a person would put it, with its own evaluation. The model judges by this alone, and never asks the code under test.
/// </summary>
/// <param name="Serial">Null where the rule says nothing of it; the same for id and port.</param>
/// <param name="Guests">Names; empty for any guest.</param>
/// <param name="Uid">Who may claim; null together with <paramref name="Gid"/> for everybody.</param>
internal sealed record PlainRule(
    RuleTarget Target, string? Serial, UsbId? Id, string? Port, string[] Guests, uint? Uid, uint? Gid, PlainWhen When)
{
    /// <summary>The serial that <see cref="PlainWhen.BesideOne"/> asks for.</summary>
    public const string One = "S-1111";

    public static readonly TimeOnly Morning = new(6, 0);
    public static readonly TimeOnly Evening = new(18, 0);

    public static LoadedRules Load(IEnumerable<PlainRule> rules) => new() { Set = new RuleSet([.. rules.Select(r => r.ToRule())]) };

    public bool Matches(PlainDevice device) =>
        (Serial is null || Serial == device.Device.Serial) && (Id is null || Id == device.Device.UsbId) && (Port is null || Port == device.Device.Port);

    public bool AllowsGuest(string name) => Guests.Length == 0 || Guests.Contains(name);

    /// <summary>Null for one of whom nobody knows a uid: a guest's definition.</summary>
    public bool AllowsCaller(Caller? caller) =>
        (Uid is null && Gid is null) || (caller is not null && (caller.Uid == Uid || (Gid is { } gid && caller.Gids.Contains(gid))));

    /// <summary>What its condition may have been at the moment of the decision.</summary>
    public (bool CanHold, bool CanFail) WhatMayBe(PlainDevice device) => When switch
    {
        PlainWhen.Always => (true, false),
        PlainWhen.Never => (false, true),
        PlainWhen.ByDay => (device.SawDay, device.SawNight),
        PlainWhen.ByNight => (device.SawNight, device.SawDay),
        PlainWhen.BesideOne => (device.SawOne, true),
        _ => (true, true),
    };

    public override string ToString() => RulePrinter.Print(ToRule());

    private Rule ToRule() => new()
    {
        Target = Target,
        Serial = Serial is null ? null : Is(Serial),
        Id = Id is { } id ? Is(new UsbIdPattern(id.Vendor, id.Product)) : null,
        ViaPort = Port is null ? null : Is(Port),
        ToGuest = [.. Guests.Select(g => new Glob(g))],
        Owners = Uid is { } uid ? [$"{uid}"] : [],
        Groups = Gid is { } gid ? [$"{gid}"] : [],
        If = Condition() is { } condition ? Is(condition) : null,
    };

    private RuleCondition? Condition() => When switch
    {
        PlainWhen.Never => new RuleCondition.Constant(true, Negated: true),
        PlainWhen.ByDay => new RuleCondition.LocalTime(Morning, Evening, Negated: false),
        PlainWhen.ByNight => new RuleCondition.LocalTime(Morning, Evening, Negated: true),
        PlainWhen.Perhaps => new RuleCondition.Random(0.5, Negated: false),
        PlainWhen.BesideOne => new RuleCondition.AllowedMatches(new Rule { Target = RuleTarget.Match, Serial = Is(One) }, Negated: false),
        PlainWhen.OnceApplied => new RuleCondition.RuleApplied(null, Negated: true),
        _ => null,
    };

    private static RuleAttribute<T> Is<T>(T value) => new(SetOperator.Equals, [value], IsSet: false);
}
