// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace UsbHostd.Policy.Rules;

/// <summary>What a file says, taken whole.</summary>
/// <param name="Rules">In the order of the lines; without those that decide nothing (<c>match</c>, <c>device</c>).</param>
/// <param name="Warnings">What was taken, and may not mean what its writer thought; in the order of the lines.</param>
public sealed record RuleFile(ImmutableArray<Rule> Rules, ImmutableArray<RuleWarning> Warnings)
{
    public static readonly RuleFile Empty = new([], []);
}

/// <summary>Something in a rule that was taken all the same.</summary>
/// <param name="Column">From 1, in characters.</param>
/// <param name="Text">What happens, and what to write instead; no part of the file is in it.</param>
public readonly record struct RuleWarning(RuleSource Source, int Column, string Text)
{
    /// <summary>For example <c>/etc/usbhostd/rules.conf:3:7: bus numbers may change …</c>.</summary>
    public override string ToString() => Source.File is null ? $"{Source}, column {Column}: {Text}" : $"{Source}:{Column}: {Text}";
}
