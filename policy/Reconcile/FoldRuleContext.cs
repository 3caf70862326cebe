using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Policy.Reconcile;

/// <summary>What conditions see while one device is judged. The same state and time give the same answers, draws included.</summary>
internal sealed class FoldRuleContext(HostState state, UsbDevice device, DateTimeOffset now) : IRuleContext
{
    public ImmutableDictionary<int, RuleHistory> History { get; private set; } = state.RuleHistory;

    public DateTimeOffset Now { get; } = TimeZoneInfo.ConvertTime(now, state.Rules.Zone);

    public DateTimeOffset? LastApplied(int rule) => state.RuleHistory.GetValueOrDefault(rule)?.Applied;

    public DateTimeOffset? LastEvaluated(int rule) => state.RuleHistory.GetValueOrDefault(rule)?.Evaluated;

    public bool AllowedMatches(Rule query) =>
        state.Devices.Values.Any(d => d.Syspath != device.Syspath && state.VerdictOf(d).IsAllowed && RuleMatch.Attributes(query, RuleSubject.Of(d)));

    /// <summary>From the plug, the rule's place and the time of the decision: a device can't choose any of them.</summary>
    public double Draw(int rule, int condition)
    {
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
}
