// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Rules;

/// <summary>Whether the conditions of a rule hold; usbguard-rules.conf(5), "Conditions".</summary>
internal static class RuleConditions
{
    /// <summary>True where the rule has none. <c>equals</c>, <c>equals-ordered</c> and <c>match-all</c> are <c>all-of</c> here.</summary>
    public static bool Hold(Rule rule, int place, IRuleContext context)
    {
        var hold = WouldHold(rule, place, context);
        if (rule.If is { } conditions && LooksBack(conditions))
        {
            context.Evaluated(place);
        }

        return hold;
    }

    /// <summary>The same, without anybody being told.</summary>
    public static bool WouldHold(Rule rule, int place, IRuleContext context)
    {
        if (rule.If is not { Values.IsEmpty: false } conditions)
        {
            return true;
        }

        var met = 0;
        for (var i = 0; i < conditions.Values.Length; i++)
        {
            met += Holds(conditions.Values[i], i, place, context) ? 1 : 0;
        }

        return Enough(conditions, met);
    }

    public static bool Holds(RuleCondition.LocalTime range, DateTimeOffset now) => range.Negated != IsWithin(range, now);

    /// <summary>What comes out whatever the context; null where it depends on that.</summary>
    public static bool? Settled(Rule rule)
    {
        if (rule.If is not { Values.IsEmpty: false } conditions)
        {
            return true;
        }

        var met = 0;
        foreach (var condition in conditions.Values)
        {
            if (condition is not RuleCondition.Constant constant)
            {
                return null;
            }

            met += constant.Value != constant.Negated ? 1 : 0;
        }

        return Enough(conditions, met);
    }

    /// <summary>Negation taken into account.</summary>
    /// <param name="ordinal">Its place among the rule's conditions.</param>
    public static bool Holds(RuleCondition condition, int ordinal, int place, IRuleContext context) => condition.Negated != (condition switch
    {
        RuleCondition.Constant constant => constant.Value,
        RuleCondition.LocalTime time => IsWithin(time, context.Now),
        RuleCondition.Random random => context.Draw(place, ordinal) < random.Probability,
        RuleCondition.RuleApplied applied => IsRecent(context.LastApplied(place), applied.Within, context),
        RuleCondition.RuleEvaluated evaluated => IsRecent(context.LastEvaluated(place), evaluated.Within, context),
        RuleCondition.AllowedMatches matches => context.AllowedMatches(matches.Query),
        _ => throw new ArgumentOutOfRangeException(nameof(condition), condition, "not a condition"),
    });

    private static bool LooksBack(RuleAttribute<RuleCondition> conditions)
    {
        foreach (var condition in conditions.Values)
        {
            if (condition is RuleCondition.RuleEvaluated)
            {
                return true;
            }
        }

        return false;
    }

    private static bool Enough(RuleAttribute<RuleCondition> conditions, int met) => conditions.Operator switch
    {
        SetOperator.OneOf => met > 0,
        SetOperator.NoneOf => met == 0,
        _ => met == conditions.Values.Length,
    };

    /// <summary>Both ends belong to the range, the last one with its whole second.</summary>
    private static bool IsWithin(RuleCondition.LocalTime range, DateTimeOffset now)
    {
        var second = Seconds(now.TimeOfDay.Ticks);
        var (from, to) = (Seconds(range.From.Ticks), Seconds(range.To.Ticks));
        return from <= to ? second >= from && second <= to : second >= from || second <= to;
    }

    private static long Seconds(long ticks) => ticks / TimeSpan.TicksPerSecond;

    /// <summary>USBGuard counts a duration of zero as none given (RuleAppliedCondition).</summary>
    private static bool IsRecent(DateTimeOffset? last, TimeSpan? within, IRuleContext context) =>
        last is { } then && (within is not { Ticks: > 0 } longest || context.Now - then <= longest);
}
