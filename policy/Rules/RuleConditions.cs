namespace UsbHostd.Policy.Rules;

/// <summary>Whether the conditions of a rule hold; usbguard-rules.conf(5), "Conditions".</summary>
internal static class RuleConditions
{
    /// <summary>True where the rule has none. <c>equals</c>, <c>equals-ordered</c> and <c>match-all</c> are <c>all-of</c> here.</summary>
    public static bool Hold(Rule rule, int place, IRuleContext context)
    {
        if (rule.If is not { Values.IsEmpty: false } conditions)
        {
            return true;
        }

        var (met, looksBack) = (0, false);
        foreach (var condition in conditions.Values)
        {
            met += Holds(condition, place, context) ? 1 : 0;
            looksBack |= condition is RuleCondition.RuleEvaluated;
        }

        if (looksBack)
        {
            context.Evaluated(place);
        }

        return conditions.Operator switch
        {
            SetOperator.OneOf => met > 0,
            SetOperator.NoneOf => met == 0,
            _ => met == conditions.Values.Length,
        };
    }

    /// <summary>Negation taken into account.</summary>
    public static bool Holds(RuleCondition condition, int place, IRuleContext context) => condition.Negated != (condition switch
    {
        RuleCondition.Constant constant => constant.Value,
        RuleCondition.LocalTime time => IsWithin(time, TimeOnly.FromTimeSpan(context.Now.TimeOfDay)),
        RuleCondition.Random random => context.Draw(place) < random.Probability,
        RuleCondition.RuleApplied applied => IsRecent(context.LastApplied(place), applied.Within, context),
        RuleCondition.RuleEvaluated evaluated => IsRecent(context.LastEvaluated(place), evaluated.Within, context),
        RuleCondition.AllowedMatches matches => context.AllowedMatches(matches.Query),
        _ => throw new ArgumentOutOfRangeException(nameof(condition), condition, "not a condition"),
    });

    /// <summary>Both ends belong to the range, the last one with its whole second.</summary>
    private static bool IsWithin(RuleCondition.LocalTime range, TimeOnly now)
    {
        var second = new TimeOnly(now.Hour, now.Minute, now.Second);
        return range.From <= range.To
            ? second >= range.From && second <= range.To
            : second >= range.From || second <= range.To;
    }

    /// <summary>USBGuard counts a duration of zero as none given (RuleAppliedCondition).</summary>
    private static bool IsRecent(DateTimeOffset? last, TimeSpan? within, IRuleContext context) =>
        last is { } then && (within is not { Ticks: > 0 } longest || context.Now - then <= longest);
}
