// SPDX-License-Identifier: Apache-2.0
using System.Collections;

namespace UsbHostd.Policy.Rules.Import;

/// <summary>
/// The classes that the rules for one id come down to: some are blocked first, then either any other is allowed, or those of one set and
/// nothing else. Rules that decide otherwise than class by class are not taken.
/// </summary>
internal sealed class ClassSet
{
    private const int Classes = 256;
    private static readonly InterfacePattern NonBootHid = new(Devices.UsbClass.Hid, 0, 0);

    private readonly BitArray blocked = new(Classes);
    private BitArray allowed = new(Classes);
    private Stage stage;

    // 'block with-interface match-all { 03:00:00 }' came first: what a filter does with these by itself.
    private bool sparesNonBootHid;
    private bool allowsNonBootHidBeside;

    // A rule behind the set blocks some of what the set left over.
    private bool blocksOfTheRest;

    private enum Stage
    {
        Begun,
        SetAllowed,
        Decided,
    }

    /// <summary>Whether a filter of these classes lets interfaces of 03:00:00 pass, beside others, that the rules do not let pass.</summary>
    public bool LeaksNonBootHid
    {
        get
        {
            var classes = Allowed();
            return classes.HasAnySet() && !classes[NonBootHid.Class] && !(allowsNonBootHidBeside && !blocked[NonBootHid.Class]);
        }
    }

    public BitArray Allowed() => new BitArray(blocked).Not().And(allowed);

    public bool TryTake(Rule rule)
    {
        var allows = rule.Target is RuleTarget.Allow or RuleTarget.Assign;
        return (stage, rule.WithInterface) switch
        {
            (Stage.Decided, _) => true,
            (_, null or { Values.IsEmpty: true }) => TryTakeAny(allows),
            (Stage.Begun, { } interfaces) => allows ? TryAllow(interfaces) : TryBlock(interfaces),

            _ => TryTakeLeftOver(allows),
        };
    }

    /// <summary>What a set left over is blocked anyhow, unless it is all allowed later; class by class nothing can be allowed any more.</summary>
    private bool TryTakeLeftOver(bool allows)
    {
        blocksOfTheRest |= !allows;
        return !allows;
    }

    private bool TryTakeAny(bool allows)
    {
        if (allows)
        {
            allowed.SetAll(true);
        }

        stage = Stage.Decided;
        return !(allows && (sparesNonBootHid || blocksOfTheRest));
    }

    private bool TryBlock(RuleAttribute<InterfacePattern> interfaces)
    {
        if (interfaces is { Operator: SetOperator.MatchAll, Values: [var only] } && only == NonBootHid)
        {
            sparesNonBootHid = true;
            return true;
        }

        var isOneOf = interfaces.Operator == SetOperator.OneOf || interfaces is { Operator: SetOperator.AllOf, Values.Length: 1 };
        if (!isOneOf || WholeClasses(interfaces) is not { } classes)
        {
            return false;
        }

        blocked.Or(classes);
        return true;
    }

    private bool TryAllow(RuleAttribute<InterfacePattern> interfaces)
    {
        if (interfaces.Operator != SetOperator.MatchAll || WholeClasses(interfaces) is not { } classes)
        {
            return false;
        }

        (allowed, stage) = (classes, Stage.SetAllowed);
        allowsNonBootHidBeside = sparesNonBootHid && interfaces.Values.Contains(NonBootHid);
        return !(sparesNonBootHid && classes[NonBootHid.Class]);
    }

    /// <summary>Null where the patterns are not whole classes.</summary>
    private BitArray? WholeClasses(RuleAttribute<InterfacePattern> interfaces)
    {
        var classes = new BitArray(Classes);
        foreach (var pattern in interfaces.Values)
        {
            if (pattern.Subclass is null)
            {
                classes[pattern.Class] = true;
            }
            else if (!sparesNonBootHid || pattern != NonBootHid)
            {
                return null;
            }
        }

        return classes;
    }
}
