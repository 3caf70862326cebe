// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace UsbHostd.Policy.Rules;

/// <summary>Why a rule decides, and the ones before it do not.</summary>
/// <param name="Decided">The place of the one that decides now; −1 where none matches, so that the device is blocked.</param>
/// <param name="Misses">Rules before it, in their order: the nearest misses, where there are too many.</param>
/// <param name="LeftOut">How many rules before it are not among these.</param>
public sealed record RuleExplanation(int Decided, ImmutableArray<RuleMiss> Misses, int LeftOut);

/// <summary>The first thing about a device for which a rule is not for it.</summary>
/// <param name="Place">The rule's.</param>
/// <param name="Attribute">As in a rule: <c>serial</c>; <c>if</c> where only conditions do not hold.</param>
/// <param name="Wanted">As in the rule: <c>"A"</c>, <c>one-of { 08:*:* 03:*:* }</c>; of conditions the one at fault, where it is one.</param>
/// <param name="Found">What the device has, written in the same way: <c>"B"</c>, <c>{ 08:06:50 08:06:62 }</c>; <c>true</c> or <c>false</c> of conditions.</param>
/// <param name="Mismatches">How many of the attributes that it asks for do not match; 0 where only conditions do not hold.</param>
public sealed record RuleMiss(int Place, string Attribute, string Wanted, string Found, int Mismatches);
