// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Core.Evaluation;

/// <summary>What conditions see while one device is judged. The same state and time give the same answers, draws included.</summary>
internal sealed class FoldRuleContext(HostState state, UsbDevice device, DateTimeOffset now) : IRuleContext
{
    public ImmutableDictionary<int, RuleHistory> History { get; private set; } = state.RuleHistory;

    /// <summary>Whether anything was asked that may be answered otherwise another time.</summary>
    public bool IsStateful { get; private set; }

    /// <summary>Whether an answer may be another once every device that is there is judged.</summary>
    public bool IsOpen { get; private set; }

    public DateTimeOffset Now
    {
        get
        {
            IsStateful = true;
            return TimeZoneInfo.ConvertTime(now, state.Rules.Zone);
        }
    }

    public DateTimeOffset? LastApplied(int rule) => HistoryOf(rule)?.Applied;

    public DateTimeOffset? LastEvaluated(int rule) => HistoryOf(rule)?.Evaluated;

    public bool AllowedMatches(Rule query)
    {
        IsStateful = true;
        var open = false;
        foreach (var (syspath, other) in state.Devices)
        {
            if (syspath == device.Syspath || state.Verdicts.GetValueOrDefault(syspath) is { IsAllowed: false } || !RuleMatch.Attributes(query, RuleSubject.Of(other)))
            {
                continue;
            }

            if (state.Verdicts.ContainsKey(syspath))
            {
                return true;
            }

            open = true;
        }

        IsOpen |= open;
        return false;
    }

    /// <summary>From the plug, the rule's place and the time of the decision: a device can't choose any of them.</summary>
    public double Draw(int rule, int condition)
    {
        IsStateful = true;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{device.Plug}\n{rule}\n{condition}\n{now.UtcTicks}"), hash);
        return (BinaryPrimitives.ReadUInt64LittleEndian(hash) >> 11) * (1.0 / (1UL << 53));
    }

    public void Evaluated(int rule) => History = History.SetItem(rule, (History.GetValueOrDefault(rule) ?? RuleHistory.None) with { Evaluated = now });

    /// <summary>The rule decided; kept where its conditions ask for it.</summary>
    public void Applied(int rule)
    {
        if (state.Rules.Set.Rules[rule].If is { } conditions && conditions.Values.Any(c => c is RuleCondition.RuleApplied))
        {
            History = History.SetItem(rule, (History.GetValueOrDefault(rule) ?? RuleHistory.None) with { Applied = now });
        }
    }

    private RuleHistory? HistoryOf(int rule)
    {
        IsStateful = true;
        return state.RuleHistory.GetValueOrDefault(rule);
    }
}
