// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace UsbHostd.Policy.Rules;

/// <summary>A rule while its attributes are read.</summary>
internal struct RuleDraft
{
    public RuleTarget Target;
    public RuleAttribute<UsbIdPattern>? Id;
    public RuleAttribute<string>? Name;
    public RuleAttribute<string>? Hash;
    public RuleAttribute<string>? ParentHash;
    public RuleAttribute<string>? Serial;
    public RuleAttribute<string>? ViaPort;
    public RuleAttribute<InterfacePattern>? WithInterface;
    public RuleAttribute<string>? WithConnectType;
    public RuleAttribute<string>? Label;
    public RuleAttribute<RuleCondition>? If;
    public RuleAttribute<int>? OnBus;
    public RuleAttribute<string>? OnController;
    public RuleAttribute<Glob>? Path;
    public RuleAttribute<Glob>? ToGuest;
    public RuleAttribute<string>? Owners;
    public RuleAttribute<string>? Groups;
    public ClaimMode? Mode;
    public GuestReset? GuestReset;
    public TimeSpan? Settle;
    public string? Unsafe;
    public bool ShareKubelet;

    /// <summary>Whether what is said of the use of a device, by whom and where, has a place in this rule.</summary>
    public readonly bool LetsSomebodyHaveIt => Target is RuleTarget.Allow or RuleTarget.Assign or RuleTarget.Ask;

    public readonly Rule ToRule(RuleSource source) => new()
    {
        Target = Target,
        Id = Id,
        Name = Name,
        Hash = Hash,
        ParentHash = ParentHash,
        Serial = Serial,
        ViaPort = ViaPort,
        WithInterface = WithInterface,
        WithConnectType = WithConnectType,
        Label = Label,
        If = If,
        OnBus = OnBus,
        OnController = OnController,
        Path = Path,
        ToGuest = ToGuest?.Values ?? [],
        Owners = Owners?.Values ?? [],
        Groups = Groups?.Values ?? [],
        Mode = Mode,
        GuestReset = GuestReset,
        Settle = Settle,
        Unsafe = Unsafe,
        ShareKubelet = ShareKubelet,
        Source = source,
    };
}
