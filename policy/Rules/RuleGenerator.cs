// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Policy.Rules;

/// <summary>Makes the rules that allow what is plugged in, those of <c>usbguard generate-policy</c> (usbguard(1)).</summary>
public static class RuleGenerator
{
    /// <summary>
    /// One <c>allow</c> for each device, root hubs first, then by the length of the port's name and by the name itself; so a hub comes
    /// before what is plugged in it. Where rules have hashes a device without one is left out (<see cref="WhyLeftOut"/>).
    /// </summary>
    public static ImmutableArray<Rule> Generate(IEnumerable<RuleSubject> devices, RuleGeneratorOptions options)
    {
        var rules = InOrder(devices).Where(device => WhyLeftOut(device, options) is null).Select(device => RuleFor(device, options));
        if (options.CatchAll is { } target)
        {
            rules = rules.Append(new Rule { Target = target });
        }

        return [.. rules.Select((rule, i) => rule with { Source = new RuleSource(null, i + 1) })];
    }

    /// <summary>A comment of a rule file for each device that no rule was made for: <c># 1-4 (0951:1666) is left out: ...</c>.</summary>
    public static IEnumerable<string> Comments(IEnumerable<RuleSubject> devices, RuleGeneratorOptions options) =>
        InOrder(devices)
            .Where(device => WhyLeftOut(device, options) is not null)
            .Select(device => $"# {TextEscape.Escape(device.ViaPort)} ({device.Id}) is left out: {WhyLeftOut(device, options)}");

    /// <summary>Null where a rule is made for it. USBGuard leaves out the same, and says nothing.</summary>
    private static string? WhyLeftOut(RuleSubject device, RuleGeneratorOptions options) => device switch
    {
        _ when options.Hashes == GeneratedHashes.None => null,
        { Hash.Length: 0 } => "it has no hash, for its descriptors are not in order; without hashes (-X) it can be named",
        { ParentHash.Length: 0 } => "the hub that it is plugged into has no hash; without hashes (-X) it can be named",
        _ => null,
    };

    private static IEnumerable<RuleSubject> InOrder(IEnumerable<RuleSubject> devices) => devices
        .OrderBy(device => !device.ViaPort.StartsWith("usb", StringComparison.Ordinal))
        .ThenBy(device => device.ViaPort.Length)
        .ThenBy(device => device.ViaPort, StringComparer.Ordinal);

    private static Rule RuleFor(RuleSubject device, RuleGeneratorOptions options)
    {
        var rule = new Rule
        {
            Target = RuleTarget.Allow,
            Hash = options.Hashes == GeneratedHashes.None ? null : One(device.Hash),
            ParentHash = options.Hashes == GeneratedHashes.None ? null : One(device.ParentHash),
            ViaPort = HasPort(device, options.Ports) ? One(device.ViaPort) : null,
        };
        return options.Hashes == GeneratedHashes.Only ? rule : rule with
        {
            Id = One(new UsbIdPattern(device.Id.Vendor, device.Id.Product)),
            Serial = One(device.Serial),
            Name = One(device.Name),
            WithInterface = InterfacesOf(device),
            WithConnectType = One(device.ConnectType),
        };
    }

    private static bool HasPort(RuleSubject device, GeneratedPorts ports) =>
        ports == GeneratedPorts.All || (ports == GeneratedPorts.WithoutSerial && device.Serial.Length == 0);

    private static RuleAttribute<InterfacePattern>? InterfacesOf(RuleSubject device) => device.Interfaces.IsEmpty
        ? null
        : new RuleAttribute<InterfacePattern>(
            SetOperator.Equals,
            [.. device.Interfaces.Select(i => new InterfacePattern(i.Class, i.Subclass, i.Protocol))],
            IsSet: device.Interfaces.Length > 1);

    private static RuleAttribute<T> One<T>(T value) => new(SetOperator.Equals, [value], IsSet: false);
}

/// <summary>What generated rules say. The default is that of <c>usbguard generate-policy</c> without options.</summary>
/// <param name="Ports">Which rules have <c>via-port</c>.</param>
/// <param name="Hashes">Whether rules have <c>hash</c> and <c>parent-hash</c>.</param>
/// <param name="CatchAll">Target of a last rule that matches everything (<c>-t</c>): allow, block or reject; null for none.</param>
public sealed record RuleGeneratorOptions(
    GeneratedPorts Ports = GeneratedPorts.WithoutSerial, GeneratedHashes Hashes = GeneratedHashes.Too, RuleTarget? CatchAll = null);

/// <summary>Which generated rules name the port.</summary>
public enum GeneratedPorts
{
    /// <summary>Those of devices that have no serial.</summary>
    WithoutSerial,

    /// <summary>All (<c>-p</c>).</summary>
    All,

    /// <summary>None (<c>-P</c>).</summary>
    None,
}

/// <summary>Whether generated rules have hashes.</summary>
public enum GeneratedHashes
{
    /// <summary>Beside the other attributes.</summary>
    Too,

    /// <summary>None (<c>-X</c>).</summary>
    None,

    /// <summary>Nothing but these, and the port where that is wanted (<c>-H</c>).</summary>
    Only,
}
