// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Policy.Rules.Import;

/// <summary>
/// One rule of a usbredir filter: for interfaces of a class, of devices of an id and a release. −1 stands for any
/// (usbredirfilter.h, <c>struct usbredirfilter_rule</c>).
/// </summary>
/// <param name="Class">0 to 255, or −1; so below up to 65535.</param>
/// <param name="Release">bcdDevice.</param>
public readonly record struct RedirRule(int Class, int Vendor, int Product, int Release, bool Allow)
{
    public const int Any = -1;

    public bool Matches(byte kind, UsbId id, ushort release) =>
        (Class == Any || Class == kind) && (Vendor == Any || Vendor == id.Vendor)
            && (Product == Any || Product == id.Product) && (Release == Any || Release == release);
}

/// <summary>What a usbredir filter is held against.</summary>
/// <param name="Class">bDeviceClass.</param>
/// <param name="Release">bcdDevice.</param>
public sealed record RedirDevice(UsbId Id, byte Class, ushort Release, ImmutableArray<UsbClass> Interfaces);

/// <summary>
/// A usbredir filter: <c>class,vendor,product,bcdDevice,allow</c>, rules joined by <c>|</c>, for example
/// <c>0x03,-1,-1,-1,0|-1,-1,-1,-1,1</c>. SPICE and the protocol write <c>,</c> between fields, QEMU's <c>filter=</c> writes <c>:</c>.
/// </summary>
public sealed record RedirFilter(ImmutableArray<RedirRule> Rules)
{
    private static readonly (string Name, int Most)[] Fields = [("class", 0xff), ("vendor", 0xffff), ("product", 0xffff), ("bcdDevice", 0xffff)];
    private static readonly UsbClass NonBootHid = new(UsbClass.Hid, 0, 0);

    /// <summary>
    /// Reads what usbredirfilter_string_to_rules reads: empty rules and fields count for nothing, numbers are C's (<c>8</c>,
    /// <c>0x08</c>, <c>010</c>). A number that no int holds, which C would let wrap around, is refused.
    /// </summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out RedirFilter? filter, [NotNullWhen(false)] out string? error)
    {
        (filter, error) = (null, null);
        var separator = text.Contains(',') ? ',' : ':';
        var rules = ImmutableArray.CreateBuilder<RedirRule>();
        foreach (var rule in text.Split('|', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TryParseRule(rule.Split(separator, StringSplitOptions.RemoveEmptyEntries), out var parsed, out var fault))
            {
                error = $"rule {rules.Count + 1} of the usbredir filter, '{Short(rule)}': {fault}";
                return false;
            }

            rules.Add(parsed);
        }

        filter = new RedirFilter(rules.DrainToImmutable());
        return true;
    }

    /// <summary>
    /// Whether usbredirfilter_check lets the device pass: its class, but for 00 and ef, and then each interface must find a rule, and the
    /// first that it finds must allow it. On a device with several interfaces those of 03:00:00 need not, unless all are.
    /// </summary>
    public bool Allows(RedirDevice device)
    {
        if (device.Class is not (0x00 or 0xef) && !Passes(device.Class, device))
        {
            return false;
        }

        var exempt = device.Interfaces.Length > 1 && device.Interfaces.Any(there => there != NonBootHid);
        return device.Interfaces.All(there => (exempt && there == NonBootHid) || Passes(there.Class, device));
    }

    /// <param name="separator">Between fields: <c>,</c> for SPICE, <c>:</c> for QEMU.</param>
    public string ToText(char separator) => string.Join('|', Rules.Select(rule => string.Join(
        separator, Number(rule.Class, 2), Number(rule.Vendor, 4), Number(rule.Product, 4), Number(rule.Release, 4), rule.Allow ? "1" : "0")));

    private static string Number(int value, int digits) => value == RedirRule.Any ? "-1" : "0x" + value.ToString("x" + digits, CultureInfo.InvariantCulture);

    private static string Short(string text) => text.Length <= 80 ? text : text[..80] + "...";

    private static bool TryParseRule(string[] fields, out RedirRule rule, [NotNullWhen(false)] out string? fault)
    {
        rule = default;
        Span<int> numbers = stackalloc int[Fields.Length + 1];
        if (fields.Length != numbers.Length)
        {
            fault = $"{fields.Length} fields, expected {numbers.Length}: class, vendor, product, bcdDevice, allow";
            return false;
        }

        for (var i = 0; i < fields.Length; i++)
        {
            var (name, least, most) = i < Fields.Length ? (Fields[i].Name, RedirRule.Any, Fields[i].Most) : ("allow", int.MinValue, int.MaxValue);
            if (!TryNumber(fields[i], out var number) || number < least || number > most)
            {
                fault = $"{name} is '{Short(fields[i])}', expected {(i < Fields.Length ? $"a number from -1 to 0x{most:x}" : "0 or 1")}";
                return false;
            }

            numbers[i] = (int)number;
        }

        fault = null;
        rule = new RedirRule(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4] != 0);
        return true;
    }

    /// <summary>As strtol with base 0 reads it, all of it.</summary>
    private static bool TryNumber(string text, out long number)
    {
        var digits = text.AsSpan().TrimStart(" \t\n\v\f\r");
        var negative = digits.StartsWith("-");
        digits = digits is ['-' or '+', ..] ? digits[1..] : digits;
        var hex = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        var radix = hex ? 16 : digits is ['0', ..] ? 8 : 10;
        digits = hex ? digits[2..] : digits;
        number = 0;
        foreach (var digit in digits)
        {
            var value = char.IsAsciiHexDigit(digit) ? Convert.ToInt32(digit.ToString(), 16) : radix;
            number = (number * radix) + value;
            if (value >= radix || number > int.MaxValue)
            {
                return false;
            }
        }

        number = negative ? -number : number;
        return !digits.IsEmpty;
    }

    private bool Passes(byte kind, RedirDevice device)
    {
        foreach (var rule in Rules)
        {
            if (rule.Matches(kind, device.Id, device.Release))
            {
                return rule.Allow;
            }
        }

        return false;
    }
}
