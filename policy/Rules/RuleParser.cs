// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;

namespace UsbHostd.Policy.Rules;

/// <summary>
/// Reads rules: usbguard-rules.conf(5), as usbguard-rule-parser 1.1.2 takes it, and what usbhostd-rules(5) adds. Total: any text is
/// taken whole or refused whole, in one pass, in time and memory in proportion to its length. What <see cref="RulePrinter"/> writes
/// is read as the same rule.
/// </summary>
public static class RuleParser
{
    /// <summary>
    /// Reads a file: a rule a line, lines end with a line feed; empty lines and comments, from <c>#</c> to the end of the line, count
    /// for nothing.
    /// </summary>
    /// <param name="file">Its name, for messages and for <see cref="Rule.Source"/>.</param>
    /// <param name="text">What is in it; <see cref="RuleText.Decode"/> makes it of bytes.</param>
    public static bool TryParse(string file, string text, [NotNullWhen(true)] out RuleFile? rules, [NotNullWhen(false)] out RuleParseError? error)
    {
        var reader = new RuleReader(file, text);
        var found = default(Scratch<Rule>);
        (rules, error) = (null, null);
        var line = 0;
        for (var at = 0; at < text.Length;)
        {
            line++;
            var feed = text.AsSpan(at).IndexOf('\n');
            var end = feed < 0 ? text.Length : at + feed;
            if (end > at)
            {
                if (!reader.TryLine(line, at, end, out var rule))
                {
                    error = reader.Error;
                    return false;
                }

                if (rule is { Target: not (RuleTarget.Match or RuleTarget.Device) })
                {
                    found.Add(rule);
                }
            }

            at = end + 1;
        }

        rules = found.Count == 0 && reader.Warnings.IsEmpty ? RuleFile.Empty : new RuleFile(found.ToImmutable(), reader.Warnings);
        return true;
    }

    /// <summary>Reads one rule, which may have a comment behind it. A text without a rule is refused.</summary>
    public static bool TryParseRule(string text, [NotNullWhen(true)] out Rule? rule, [NotNullWhen(false)] out RuleParseError? error)
    {
        var reader = new RuleReader(file: null, text);
        error = null;
        if (reader.TryLine(1, 0, text.Length, out rule) && rule is not null)
        {
            return true;
        }

        error = reader.Error;
        return false;
    }

    /// <summary>
    /// Reads a rule without a target, as <c>allowed-matches</c> and the queries of usbguard(1) have it: attributes that a device must
    /// match, at least one of them. Its target is <see cref="RuleTarget.Match"/>.
    /// </summary>
    public static bool TryParsePartial(string text, [NotNullWhen(true)] out Rule? query, [NotNullWhen(false)] out RuleParseError? error)
    {
        var reader = new RuleReader(file: null, text);
        var taken = reader.TryQuery(0, text.Length, out query);
        error = taken ? null : reader.Error;
        return taken;
    }
}
