// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Rules;

/// <summary>How one value of a rule is held against one of the device's.</summary>
internal interface IValueTest<TRule, TDevice>
{
    static abstract bool Matches(TRule wanted, TDevice there);
}

/// <summary>
/// The set operators of usbguard-rules.conf(5), "Device Attributes". A device's attribute is a set too: of one value, but for interfaces.
/// As USBGuard's Rule::Attribute::appliesTo works it out: each value of the rule looks for a value of the device by itself, so that two
/// may find the same one; only the number of values tells them apart, in <c>equals</c>.
/// </summary>
internal static class SetOperation
{
    /// <summary>True where the rule says nothing of the attribute, or names no value.</summary>
    public static bool Holds<TRule, TDevice, TTest>(RuleAttribute<TRule>? attribute, ReadOnlySpan<TDevice> there)
        where TTest : struct, IValueTest<TRule, TDevice>
    {
        if (attribute is null || attribute.Values.IsEmpty)
        {
            return true;
        }

        var wanted = attribute.Values.AsSpan();
        return attribute.Operator switch
        {
            SetOperator.AllOf => All<TRule, TDevice, TTest>(wanted, there),
            SetOperator.OneOf => Any<TRule, TDevice, TTest>(wanted, there),
            SetOperator.NoneOf => !Any<TRule, TDevice, TTest>(wanted, there),
            SetOperator.Equals => wanted.Length == there.Length && All<TRule, TDevice, TTest>(wanted, there),
            SetOperator.EqualsOrdered => wanted.Length == there.Length && Pairwise<TRule, TDevice, TTest>(wanted, there),
            SetOperator.MatchAll => Covered<TRule, TDevice, TTest>(wanted, there),
            _ => throw new ArgumentOutOfRangeException(nameof(attribute), attribute.Operator, "not a set operator"),
        };
    }

    private static bool All<TRule, TDevice, TTest>(ReadOnlySpan<TRule> wanted, ReadOnlySpan<TDevice> there)
        where TTest : struct, IValueTest<TRule, TDevice>
    {
        foreach (var value in wanted)
        {
            if (!Finds<TRule, TDevice, TTest>(value, there))
            {
                return false;
            }
        }

        return true;
    }

    private static bool Any<TRule, TDevice, TTest>(ReadOnlySpan<TRule> wanted, ReadOnlySpan<TDevice> there)
        where TTest : struct, IValueTest<TRule, TDevice>
    {
        foreach (var value in wanted)
        {
            if (Finds<TRule, TDevice, TTest>(value, there))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Pairwise<TRule, TDevice, TTest>(ReadOnlySpan<TRule> wanted, ReadOnlySpan<TDevice> there)
        where TTest : struct, IValueTest<TRule, TDevice>
    {
        for (var i = 0; i < wanted.Length; i++)
        {
            if (!TTest.Matches(wanted[i], there[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Each value of the device is one that the rule names; so too where the device has none.</summary>
    private static bool Covered<TRule, TDevice, TTest>(ReadOnlySpan<TRule> wanted, ReadOnlySpan<TDevice> there)
        where TTest : struct, IValueTest<TRule, TDevice>
    {
        foreach (var value in there)
        {
            var named = false;
            foreach (var candidate in wanted)
            {
                named |= TTest.Matches(candidate, value);
            }

            if (!named)
            {
                return false;
            }
        }

        return true;
    }

    private static bool Finds<TRule, TDevice, TTest>(TRule value, ReadOnlySpan<TDevice> there)
        where TTest : struct, IValueTest<TRule, TDevice>
    {
        foreach (var candidate in there)
        {
            if (TTest.Matches(value, candidate))
            {
                return true;
            }
        }

        return false;
    }
}
