namespace UsbHostd.Policy.Rules;

/// <summary>
/// What conditions see beside the device: the clock, draws and history. Pure data from the fold's side, so that a decision can be
/// made again and comes out the same.
/// </summary>
public interface IRuleContext
{
    /// <summary>Local time.</summary>
    DateTimeOffset Now { get; }

    /// <summary>A number from 0 (included) to 1 (excluded) that belongs to this device's plug and this rule's place.</summary>
    double Draw(int rule);

    /// <summary>When the rule last decided for a device; null for never since the rules were loaded.</summary>
    DateTimeOffset? LastApplied(int rule);

    /// <summary>When the rule was last looked at; null for never since the rules were loaded.</summary>
    DateTimeOffset? LastEvaluated(int rule);

    /// <summary>Whether a device that is allowed now matches the query.</summary>
    bool AllowedMatches(Rule query);
}
