// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;

namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>Rules for tests.</summary>
internal static class TestRules
{
    public static LoadedRules AllowAll { get; } = Of(new Rule { Target = RuleTarget.Allow });

    public static LoadedRules Of(params Rule[] rules) => new() { Set = new RuleSet([.. rules]) };
}
