// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace UsbHostd.Policy.Rules.Import;

/// <summary>Rules made of another form of policy.</summary>
/// <param name="Notes">What the administrator should know of them, each a sentence.</param>
public sealed record Imported(ImmutableArray<Rule> Rules, ImmutableArray<string> Notes);
