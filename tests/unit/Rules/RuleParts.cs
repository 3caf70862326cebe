// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Tests.Rules;

/// <summary>Rules and devices put together without the parser.</summary>
internal static class RuleParts
{
    public static readonly RuleSubject Stick = new()
    {
        Id = new UsbId(0x0951, 0x1666),
        Name = "DataTraveler 3.0",
        Hash = "jEP/6WzviqdJ5VSeTUY8PatCNBKeaREvo2OqdplND/o=",
        ParentHash = "UIhuJ5Bf8rLA8VvM8qSsX0g2mUOWZSdZdwKvFFQLj4k=",
        Serial = "60A44C413FAE",
        ViaPort = "1-4.2",
        Interfaces = [new UsbClass(0x08, 0x06, 0x50)],
        ConnectType = "hotplug",
        Bus = 1,
        Controller = "0000:00:14.0",
        IdPath = "pci-0000:00:14.0-usb-0:4.2",
    };

    public static RuleAttribute<T> Single<T>(T value) => new(SetOperator.Equals, [value], IsSet: false);

    public static RuleAttribute<T> Set<T>(SetOperator how, params IEnumerable<T> values) => new(how, [.. values], IsSet: true);

    /// <summary>For example <c>08:06:*</c>.</summary>
    public static InterfacePattern Pattern(string text)
    {
        var parts = text.Split(':').Select(p => p == "*" ? (byte?)null : byte.Parse(p, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray();
        return new InterfacePattern(parts[0]!.Value, parts[1], parts[2]);
    }

    /// <summary>Separated by blanks, for example <c>08:06:50 03:01:01</c>.</summary>
    public static ImmutableArray<UsbClass> Interfaces(string text) =>
        [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Pattern).Select(p => new UsbClass(p.Class, p.Subclass!.Value, p.Protocol!.Value))];

    public static Rule Allow(RuleCondition condition) => new() { Target = RuleTarget.Allow, If = Single(condition) };
}
