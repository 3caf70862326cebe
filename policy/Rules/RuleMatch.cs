// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Policy.Rules;

/// <summary>An attribute that a device is matched by, in the order in which they are looked at.</summary>
public enum MatchedAttribute
{
    Id,
    Serial,
    Name,
    Hash,
    ParentHash,
    ViaPort,
    WithInterface,
    WithConnectType,
    OnBus,
    OnController,
    Path,
}

/// <summary>Whether a device is one that a rule speaks of, conditions left aside.</summary>
public static class RuleMatch
{
    /// <summary>Whether every attribute matches; what an <c>allowed-matches</c> query is held against an allowed device with.</summary>
    public static bool Attributes(Rule rule, RuleSubject device) => FirstMismatch(rule, device) is null;

    /// <summary>The first attribute that does not match; null where all do. Allocates nothing.</summary>
    public static MatchedAttribute? FirstMismatch(Rule rule, RuleSubject device)
    {
        for (var attribute = MatchedAttribute.Id; attribute <= MatchedAttribute.Path; attribute++)
        {
            if (!Holds(rule, device, attribute))
            {
                return attribute;
            }
        }

        return null;
    }

    /// <summary>Whether one attribute of the rule holds for the device. An attribute that the rule does not have holds for each device.</summary>
    public static bool Holds(Rule rule, RuleSubject device, MatchedAttribute attribute) => attribute switch
    {
        MatchedAttribute.Id => One<UsbIdPattern, UsbId, IdTest>(rule.Id, device.Id),
        MatchedAttribute.Serial => One<string, string, TextTest>(rule.Serial, device.Serial),
        MatchedAttribute.Name => One<string, string, TextTest>(rule.Name, device.Name),
        MatchedAttribute.Hash => One<string, string, TextTest>(rule.Hash, device.Hash),
        MatchedAttribute.ParentHash => One<string, string, TextTest>(rule.ParentHash, device.ParentHash),
        MatchedAttribute.ViaPort => One<string, string, TextTest>(rule.ViaPort, device.ViaPort),
        MatchedAttribute.WithInterface => Holds(rule.WithInterface, device.Interfaces.AsSpan()),
        MatchedAttribute.WithConnectType => One<string, string, TextTest>(rule.WithConnectType, device.ConnectType),
        MatchedAttribute.OnBus => One<int, int, NumberTest>(rule.OnBus, device.Bus),
        MatchedAttribute.OnController => One<string, string, TextTest>(rule.OnController, device.Controller),
        MatchedAttribute.Path => One<Glob, string, GlobTest>(rule.Path, device.IdPath),
        _ => throw new ArgumentOutOfRangeException(nameof(attribute), attribute, "not an attribute that is matched"),
    };

    internal static bool Holds(RuleAttribute<InterfacePattern>? attribute, ReadOnlySpan<UsbClass> there) =>
        SetOperation.Holds<InterfacePattern, UsbClass, InterfaceTest>(attribute, there);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool One<TRule, TDevice, TTest>(RuleAttribute<TRule>? attribute, TDevice there)
        where TTest : struct, IValueTest<TRule, TDevice> =>
        attribute is null || SetOperation.Holds<TRule, TDevice, TTest>(attribute, new ReadOnlySpan<TDevice>(in there));

    private readonly struct IdTest : IValueTest<UsbIdPattern, UsbId>
    {
        public static bool Matches(UsbIdPattern wanted, UsbId there) => wanted.Matches(there);
    }

    private readonly struct TextTest : IValueTest<string, string>
    {
        public static bool Matches(string wanted, string there) => string.Equals(wanted, there, StringComparison.Ordinal);
    }

    private readonly struct NumberTest : IValueTest<int, int>
    {
        public static bool Matches(int wanted, int there) => wanted == there;
    }

    private readonly struct GlobTest : IValueTest<Glob, string>
    {
        public static bool Matches(Glob wanted, string there) => wanted.Matches(there);
    }

    private readonly struct InterfaceTest : IValueTest<InterfacePattern, UsbClass>
    {
        public static bool Matches(InterfacePattern wanted, UsbClass there) => wanted.Matches(there);
    }
}
