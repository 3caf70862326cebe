// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;

namespace UsbHostd.Daemon.Rules;

/// <summary>The rules can't be taken; each problem says where, what was found and what was expected.</summary>
internal sealed partial class RulesException(IReadOnlyList<string> problems) : Exception(string.Join('\n', problems))
{
    public IReadOnlyList<string> Problems { get; } = problems;

    /// <summary>The file that the first problem was read in; null where it could not be read at all.</summary>
    public string? File => Place().Match(Problems[0]) is { Success: true } place ? place.Groups["file"].Value : null;

    [GeneratedRegex(@"^(?<file>[^\n]+?):\d+:\d+: ", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Place();
}
