// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Cli.Rules;

/// <summary>What a recorded device's <c>.expect</c> file asks for in one line: <c>allow</c>, <c>assign erp</c>, <c>block vdi-2</c>.</summary>
/// <param name="Place">File and line.</param>
/// <param name="Guest">Name or UUID; empty where the target alone is meant.</param>
internal sealed record Expectation(string Place, RuleTarget Target, string Guest)
{
    private static readonly RuleTarget[] Targets = [RuleTarget.Allow, RuleTarget.Block, RuleTarget.Reject, RuleTarget.Assign, RuleTarget.Ask];

    /// <summary>Of a file; empty where there is none, null where it is not in order, which is told on the standard error.</summary>
    public static ImmutableArray<Expectation>? ReadAll(CliTerminal terminal, string path)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        if (RuleInput.Bytes(terminal, path) is not { } bytes)
        {
            return null;
        }

        var all = ImmutableArray.CreateBuilder<Expectation>();
        var number = 0;
        foreach (var line in RuleText.Decode(bytes).Split('\n'))
        {
            number++;
            var words = line.Trim().Split(' ', 2, StringSplitOptions.TrimEntries);
            if (words[0] is "" or ['#', ..])
            {
                continue;
            }

            var place = $"{path}:{number}";
            var target = Array.FindIndex(Targets, t => RulePrinter.Name(t) == words[0]);
            if (target < 0)
            {
                ErrorReport.Write(terminal, $"{place}: found '{words[0]}', expected allow, block, reject, assign or ask, and perhaps a guest", "");
                return null;
            }

            all.Add(new Expectation(place, Targets[target], words.Length > 1 ? words[1] : ""));
        }

        return all.DrainToImmutable();
    }

    /// <summary>What a decision means for a guest: a device that is allowed for others is blocked for it.</summary>
    /// <param name="decides">Null where no rule matches.</param>
    /// <param name="guest">Name or UUID; empty for what the rule says by itself.</param>
    public static RuleTarget TargetFor(Rule? decides, string guest)
    {
        if (decides is null || guest.Length == 0)
        {
            return decides?.Target ?? RuleTarget.Block;
        }

        var uuid = RuleGuests.UuidOf(guest);
        return decides.Target is RuleTarget.Allow or RuleTarget.Assign && !decides.AllowsGuest(uuid is null ? guest : "", new GuestId(uuid ?? default))
            ? RuleTarget.Block
            : decides.Target;
    }
}
