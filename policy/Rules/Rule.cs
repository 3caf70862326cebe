// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Policy.Rules;

/// <summary>
/// One rule of usbguard-rules.conf(5), with what usbhostd-rules(5) adds. Immutable, and the same whether it was read from a file or
/// made up: <see cref="Source"/> alone tells where it stands.
/// </summary>
public sealed record Rule
{
    public required RuleTarget Target { get; init; }

    /// <summary>Null where the rule says nothing of it; the same for every attribute below.</summary>
    public RuleAttribute<UsbIdPattern>? Id { get; init; }

    public RuleAttribute<string>? Name { get; init; }

    /// <summary>As USBGuard computes it: SHA-256 in base64, for example <c>jEP/6WzviqdJ5VSeTUY8PatCNBKeaREvo2OqdplND/o=</c>.</summary>
    public RuleAttribute<string>? Hash { get; init; }

    public RuleAttribute<string>? ParentHash { get; init; }

    public RuleAttribute<string>? Serial { get; init; }

    /// <summary>The kernel's name, for example <c>1-4.2</c>, <c>usb1</c>. Its bus number may differ after a reboot.</summary>
    public RuleAttribute<string>? ViaPort { get; init; }

    public RuleAttribute<InterfacePattern>? WithInterface { get; init; }

    /// <summary>sysfs <c>port/connect_type</c>: <c>hotplug</c>, <c>hardwired</c>, <c>not used</c>, <c>unknown</c>, or empty.</summary>
    public RuleAttribute<string>? WithConnectType { get; init; }

    /// <summary>Bus numbers; they may differ after a reboot.</summary>
    public RuleAttribute<int>? OnBus { get; init; }

    /// <summary>The root hub's parent device, for example <c>0000:02:01.0</c> or <c>dummy_hcd.0</c>.</summary>
    public RuleAttribute<string>? OnController { get; init; }

    /// <summary>Globs on udev's ID_PATH, for example <c>pci-0000:02:01.0-usb-0:4*</c>.</summary>
    public RuleAttribute<Glob>? Path { get; init; }

    public RuleAttribute<RuleCondition>? If { get; init; }

    /// <summary>Not matched: for people, and for filtering. More than one where USBGuard was told so; its operator means nothing.</summary>
    public RuleAttribute<string>? Label { get; init; }

    // What follows is not matched either: it says what an allowed device may be used for, and how.

    /// <summary>Guests by name, glob or UUID; empty: any guest. Exactly one literal for <see cref="RuleTarget.Assign"/>.</summary>
    public ImmutableArray<Glob> ToGuest { get; init; } = [];

    public ClaimMode? Mode { get; init; }

    public GuestReset? GuestReset { get; init; }

    /// <summary>How long a device is left alone after it was plugged in; null for not at all. At most one minute.</summary>
    public TimeSpan? Settle { get; init; }

    /// <summary>Why the guard may be passed; null where it may not.</summary>
    public string? Unsafe { get; init; }

    /// <summary>Whether the kubelet may be offered it (<c>share kubelet</c>).</summary>
    public bool ShareKubelet { get; init; }

    /// <summary>User names or uids that may claim it; empty together with <see cref="Groups"/>: whoever may claim at all.</summary>
    public ImmutableArray<string> Owners { get; init; } = [];

    /// <summary>Group names or gids whose members may claim it.</summary>
    public ImmutableArray<string> Groups { get; init; } = [];

    public RuleSource Source { get; init; }

    /// <summary>Equal where they say the same, wherever they stand.</summary>
    public bool Equals(Rule? other) => other is not null && RulePrinter.Print(this) == RulePrinter.Print(other);

    public override int GetHashCode() => RulePrinter.Print(this).GetHashCode(StringComparison.Ordinal);
}

/// <summary>What a rule decides.</summary>
public enum RuleTarget
{
    /// <summary>Guests may have the device, when somebody asks.</summary>
    Allow,

    /// <summary>No guest may have it.</summary>
    Block,

    /// <summary>No guest may have it. USBGuard would also remove it from the host; this daemon never does.</summary>
    Reject,

    /// <summary>Allowed, and claimed by itself for the guest that <c>to-guest</c> names.</summary>
    Assign,

    /// <summary>The desktop's agent decides; without one it is blocked.</summary>
    Ask,

    /// <summary>
    /// What <c>match</c> says, and a rule without a target: a query, as <c>allowed-matches</c> holds one. It decides nothing, so no
    /// <see cref="RuleFile"/> has one among its rules.
    /// </summary>
    Match,

    /// <summary>USBGuard's word for a device that is described as a rule. It decides nothing either.</summary>
    Device,
}

/// <summary>How a rule's values are held against the device's.</summary>
public enum SetOperator
{
    AllOf,
    OneOf,
    NoneOf,
    Equals,
    EqualsOrdered,
    MatchAll,
}

/// <summary>One attribute of a rule.</summary>
/// <param name="IsSet">Whether its canonical text has braces: not for a single value that is <c>equals</c>.</param>
public sealed record RuleAttribute<T>(SetOperator Operator, ImmutableArray<T> Values, bool IsSet);

/// <summary>A vendor and product, each perhaps any: <c>1234:5678</c>, <c>1234:*</c>, <c>*:*</c>.</summary>
/// <param name="Vendor">idVendor; null for any.</param>
/// <param name="Product">idProduct; null for any.</param>
public readonly record struct UsbIdPattern(ushort? Vendor, ushort? Product)
{
    public bool Matches(UsbId id) => (Vendor is null || Vendor == id.Vendor) && (Product is null || Product == id.Product);
}

/// <summary>An interface's class, subclass and protocol: <c>08:06:50</c>, <c>08:06:*</c>, <c>08:*:*</c>.</summary>
/// <param name="Subclass">Null for any; then Protocol is null too.</param>
/// <param name="Protocol">Null for any.</param>
public readonly record struct InterfacePattern(byte Class, byte? Subclass, byte? Protocol)
{
    public bool Matches(UsbClass there) =>
        Class == there.Class && (Subclass is null || Subclass == there.Subclass) && (Protocol is null || Protocol == there.Protocol);
}

/// <summary>Where a rule stands.</summary>
/// <param name="File">As it was opened, for example <c>/etc/usbhostd/rules.d/50-lab.conf</c>.</param>
/// <param name="Line">From 1.</param>
public readonly record struct RuleSource(string? File, int Line)
{
    public override string ToString() => File is null ? $"line {Line}" : $"{File}:{Line}";
}
