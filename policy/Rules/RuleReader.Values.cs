// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace UsbHostd.Policy.Rules;

/// <content>The attributes' values.</content>
internal partial struct RuleReader
{
    private const int MostSettleMilliseconds = 60_000;

    private delegate bool ValueReader<T>(ref RuleReader reader, out T value);

    /// <summary>A value; or values in braces, with an operator before them or without.</summary>
    private bool TryValues<T>(int from, ref RuleAttribute<T>? attribute, ref Scratch<T> values, ValueReader<T> read)
    {
        if (attribute is not null)
        {
            return scan.FailAt(from, "this attribute only once in a rule");
        }

        values.Clear();
        if (!TryValues(ref values, read, withOperator: true, out var set))
        {
            return false;
        }

        attribute = AttributeOf(set ?? SetOperator.Equals, values);
        return true;
    }

    /// <summary>As the others, but without an operator: what is not matched has no use for one.</summary>
    private bool TryPlainValues<T>(int from, ref RuleAttribute<T>? attribute, ref Scratch<T> values, ValueReader<T> read)
    {
        if (attribute is not null)
        {
            return scan.FailAt(from, "this attribute only once in a rule");
        }

        values.Clear();
        if (!TryValues(ref values, read, withOperator: false, out _))
        {
            return false;
        }

        attribute = AttributeOf(SetOperator.Equals, values);
        return true;
    }

    private static RuleAttribute<T> AttributeOf<T>(SetOperator set, Scratch<T> values) =>
        new(set, values.ToImmutable(), IsSet: values.Count != 1 || set != SetOperator.Equals);

    /// <param name="set">The operator that stands there; null for none.</param>
    private bool TryValues<T>(ref Scratch<T> values, ValueReader<T> read, bool withOperator, out SetOperator? set)
    {
        set = null;
        if (!scan.SkipBlanks())
        {
            return scan.Fail("a blank, and the attribute's value");
        }

        if (withOperator && !TryOperator(out set))
        {
            return false;
        }

        if (scan.Eat('{'))
        {
            return TryBraces(ref values, read);
        }

        if (set is not null)
        {
            return scan.Fail("{ and the values");
        }

        if (!read(ref this, out var value))
        {
            return false;
        }

        values.Add(value);
        return true;
    }

    private static SetOperator? OperatorOf(ReadOnlySpan<char> word) => word switch
    {
        "all-of" => SetOperator.AllOf,
        "one-of" => SetOperator.OneOf,
        "none-of" => SetOperator.NoneOf,
        "equals" => SetOperator.Equals,
        "equals-ordered" => SetOperator.EqualsOrdered,
        "match-all" => SetOperator.MatchAll,
        _ => null,
    };

    private bool TryOperator(out SetOperator? set)
    {
        set = null;
        var from = scan.Position;
        if (OperatorOf(scan.Word()) is not { } found)
        {
            scan.Position = from;
            return true;
        }

        set = found;
        return scan.SkipBlanks() || scan.Fail("a blank between the operator and {");
    }

    private bool TryBraces<T>(ref Scratch<T> values, ValueReader<T> read)
    {
        scan.SkipBlanks();
        while (true)
        {
            if (!read(ref this, out var value))
            {
                return false;
            }

            values.Add(value);
            var blank = scan.SkipBlanks();
            if (scan.Eat('}'))
            {
                return true;
            }

            if (!blank || scan.AtEnd)
            {
                return scan.Fail("a blank and another value, or }");
            }
        }
    }

    /// <summary>USBGuard takes more than one label, and keeps all of them under the last operator.</summary>
    private bool TryLabel()
    {
        labelOperator = labels.Count == 0 ? SetOperator.Equals : labelOperator;
        if (!TryValues(ref labels, TryExact, withOperator: true, out var set))
        {
            return false;
        }

        labelOperator = set ?? labelOperator;
        return true;
    }

    private readonly RuleAttribute<string>? LabelRead() => labels.Count == 0 ? null : AttributeOf(labelOperator, labels);

    private static bool TryId(ref RuleReader reader, out UsbIdPattern id)
    {
        id = default;
        ref var at = ref reader.scan;
        var from = at.Position;
        if (!TryIdPart(ref at, out var vendor) || !at.Eat(':') || !TryIdPart(ref at, out var product))
        {
            return at.FailAt(from, ADeviceId);
        }

        id = new UsbIdPattern(vendor, product);
        return vendor is not null || product is null || at.FailAt(from, "*:*, or a vendor before the product: a product number alone names nothing");
    }

    private static bool TryIdPart(ref RuleScanner scan, out ushort? part)
    {
        part = null;
        if (scan.Eat('*'))
        {
            return true;
        }

        var isHex = scan.TryHex(4, out var value);
        part = (ushort)value;
        return isHex;
    }

    private static bool TryInterface(ref RuleReader reader, out InterfacePattern type)
    {
        const string AnInterface = "an interface's class, subclass and protocol, for example 08:06:50, 08:06:* or 08:*:*";

        type = default;
        ref var at = ref reader.scan;
        var from = at.Position;
        if (!at.TryHex(2, out var major) || !at.Eat(':') || !TryInterfacePart(ref at, out var minor) || !at.Eat(':')
            || !TryInterfacePart(ref at, out var protocol))
        {
            return at.FailAt(from, AnInterface);
        }

        type = new InterfacePattern((byte)major, minor, protocol);
        return minor is not null || protocol is null || at.FailAt(from, AnInterface + ": with any subclass goes any protocol");
    }

    private static bool TryInterfacePart(ref RuleScanner scan, out byte? part)
    {
        part = null;
        if (scan.Eat('*'))
        {
            return true;
        }

        var isHex = scan.TryHex(2, out var value);
        part = (byte)value;
        return isHex;
    }

    private static bool TryText(ref RuleReader reader, out string text) => reader.scan.TryString(ref reader.strings, out text);

    /// <summary>A text that is compared as a whole. Patterns are common in other tools, so an asterisk in it is warned of.</summary>
    private static bool TryExact(ref RuleReader reader, out string text)
    {
        var from = reader.scan.Position;
        var taken = TryText(ref reader, out text);
        reader.WarnOfAsterisk(from, taken);
        return taken;
    }

    private static bool TryExactNonEmpty(ref RuleReader reader, out string text)
    {
        var from = reader.scan.Position;
        var taken = TryNonEmpty(ref reader, out text);
        reader.WarnOfAsterisk(from, taken);
        return taken;
    }

    /// <summary>Looks at what is written: an asterisk as <c>\x2a</c> is meant as one.</summary>
    private void WarnOfAsterisk(int from, bool taken)
    {
        if (taken && scan.Text.AsSpan(from, scan.Position - from).Contains('*'))
        {
            Warn(from, @"* stands for itself here and is no pattern; leave the attribute out for any value, use path or to-guest, which take patterns, or write \x2a");
        }
    }

    private static bool TryNonEmpty(ref RuleReader reader, out string text)
    {
        var from = reader.scan.Position;
        return TryText(ref reader, out text) && (text.Length > 0 || reader.scan.FailAt(from, "a string that is not empty"));
    }

    private static bool TryGlob(ref RuleReader reader, out Glob glob)
    {
        var taken = TryNonEmpty(ref reader, out var text);
        glob = new Glob(text);
        return taken;
    }

    private static bool TryBus(ref RuleReader reader, out int bus)
    {
        var from = reader.scan.Position;
        var digits = reader.scan.Word();
        return (int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out bus) && bus is >= 1 and <= 999)
            || reader.scan.FailAt(from, "a bus number, 1 to 999");
    }
}
