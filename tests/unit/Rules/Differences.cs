// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Tests.Rules;

/// <summary>Where usbguard-rules.conf(5) is silent, or usbguard-rule-parser 1.1.2 does not do what it says.</summary>
/// <param name="Rule">In C's escapes where it has a character that can't be seen.</param>
/// <param name="ManPage">What the man page says of it.</param>
/// <param name="Prints">What we make of it; empty for a line without a rule, null where we refuse it.</param>
internal sealed record Difference(string Rule, string ManPage, bool UsbguardTakes, string? Prints, string Follows)
{
    public static readonly IReadOnlyList<Difference> All =
    [
        new("match name \"x\"", "no such target", UsbguardTakes: true, "match name \"x\"", "USBGuard; the line decides nothing, with a warning"),
        new("device 1234:5678", "no such target", UsbguardTakes: true, "device id 1234:5678", "USBGuard; the line decides nothing, with a warning"),
        new("allow name \"a\"block", "a rule has one target", UsbguardTakes: true, null, "the man page; USBGuard reads on without a blank, and the last target wins"),
        new("blockallow", "a rule has one target", UsbguardTakes: true, null, "the man page; USBGuard makes it allow"),
        new("allow ", "silent", UsbguardTakes: false, "allow", "USBGuard from 1.1.4 on: blanks after a rule count for nothing"),
        new(" allow", "silent", UsbguardTakes: false, "allow", "USBGuard from 1.1.4 on: blanks before a rule count for nothing"),
        new("  ", "silent", UsbguardTakes: false, "", "USBGuard from 1.1.4 on: a line of blanks is an empty one"),
        new("allow name \"a\" # x ", "silent", UsbguardTakes: true, "allow name \"a\"", "USBGuard: a blank at the end of a comment is part of it"),
        new("allow\r", "silent", UsbguardTakes: false, null, "USBGuard: lines end with a line feed alone"),
        new("\ufeffallow", "silent", UsbguardTakes: false, null, "USBGuard: no byte order mark"),
        new("allow# x", "comments are not described", UsbguardTakes: true, "allow", "USBGuard: a comment may follow a rule"),
        new("allow 1234:5678", "only in an example", UsbguardTakes: true, "allow id 1234:5678", "USBGuard: id may be left away behind the target"),
        new("allow id 1234:ABCD", "hexadecimal", UsbguardTakes: true, "allow id 1234:abcd", "USBGuard, but that prints ids as they were written"),
        new("allow name \"a\" name \"b\"", "attributes may follow each other", UsbguardTakes: false, null, "USBGuard: each attribute once"),
        new("allow label \"a\" label \"b\"", "attributes may follow each other", UsbguardTakes: true, "allow label { \"a\" \"b\" }", "USBGuard: labels add up"),
        new("allow name { }", "silent", UsbguardTakes: false, null, "USBGuard: a set has a value"),
        new("allow name \"\\n\"", "escapes are not described", UsbguardTakes: false, null, "USBGuard: \\\\, \\\" and \\xHH only"),
        new("allow name \"\\x41\\xc3\\xa9\"", "escapes are not described", UsbguardTakes: true, "allow name \"A\\xc3\\xa9\"", "USBGuard: each is a byte"),
        new("allow name \"é\"", "silent", UsbguardTakes: true, "allow name \"\\xc3\\xa9\"", "USBGuard: any byte but the ends of lines"),
        new("allow with-interface *:*:*", "an asterisk for subclass and protocol", UsbguardTakes: false, null, "both: the class is a number"),
        new("allow if match-all { true }", "not among the operators of conditions", UsbguardTakes: true, "allow if match-all { true }", "USBGuard"),
        new("allow if true(x)", "no parameter", UsbguardTakes: true, "allow if true", "USBGuard, with a warning"),
        new("allow if true()", "no parameter", UsbguardTakes: false, null, "USBGuard: no empty parentheses"),
        new("allow if random(2)", "a probability", UsbguardTakes: true, "allow if random(1)", "USBGuard; taken as 1, with a warning"),
        new("allow if random(nan)", "a probability", UsbguardTakes: true, "allow if random(0)", "USBGuard; taken as 0, with a warning"),
        new("allow if random(50%)", "a probability", UsbguardTakes: true, "allow if random(1)", "USBGuard; the sign is passed over, with a warning"),
        new("allow if localtime(22:00-06:00)", "silent", UsbguardTakes: false, null, "USBGuard: a range ends after it begins"),
        new("allow if localtime(08:00-17:00:00)", "HH:MM[:SS]", UsbguardTakes: false, "allow if localtime(08:00-17:00)", "the man page; USBGuard compares seconds with hours"),
        new("allow if localtime(10:00:05-09:00:06)", "HH:MM[:SS]", UsbguardTakes: true, null, "the man page; USBGuard sees only the seconds"),
        new("allow if localtime(23:59:60)", "HH:MM[:SS]", UsbguardTakes: true, "allow if localtime(23:59:59)", "USBGuard; taken as the last second"),
        new("allow if localtime(08:00h)", "HH:MM[:SS]", UsbguardTakes: true, "allow if localtime(08:00)", "USBGuard; the rest is passed over, with a warning"),
        new("allow if rule-applied(100:00)", "HH:MM:SS, HH:MM, or SS", UsbguardTakes: true, "allow if rule-applied(00:01:40)", "USBGuard: 100 is no hour, so seconds; the rest is passed over, with a warning"),
        new("allow if rule-evaluated(1:00)", "a condition of its own", UsbguardTakes: true, "allow if rule-evaluated(01:00:00)", "the man page; USBGuard prints rule-applied"),
        new("allow if allowed-matches(name \"a)b\")", "the rule syntax", UsbguardTakes: false, null, "USBGuard: the first ) ends it; write \\x29"),
        new("allow if allowed-matches(name \"a\\\"b\")", "the rule syntax", UsbguardTakes: false, null, "USBGuard: no \\\" in parentheses; write \\x22"),
        new("allow if allowed-matches( name \"a\" )", "the rule syntax", UsbguardTakes: false, "allow if allowed-matches(name \"a\")", "USBGuard from 1.1.4 on: blanks around a query count for nothing"),
        new("allow if allowed-matches( )", "the rule syntax", UsbguardTakes: false, null, "USBGuard 1.1.2: a query has an attribute; 1.1.4 takes it for any device"),
        new("allow if allowed-matches(#)", "the rule syntax", UsbguardTakes: true, "allow if allowed-matches(#)", "USBGuard: matches any device"),
        new("allow if allowed-matches()", "the rule syntax", UsbguardTakes: false, null, "USBGuard: no empty parentheses"),
    ];

    /// <summary>As it stands in the decision record.</summary>
    public string Row => $"| {Code(Rule)} | {ManPage} | {(UsbguardTakes ? "takes" : "refuses")} | {(Prints switch { null => "refuse", "" => "no rule", _ => Code(Prints) })} | {Follows.Replace("|", "\\|", StringComparison.Ordinal)} |";

    public override string ToString() => Rule;

    private static string Code(string rule) => $"`{rule.Replace("\r", "\\r", StringComparison.Ordinal).Replace("\ufeff", "\\ufeff", StringComparison.Ordinal)}`";
}
