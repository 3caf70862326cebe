// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Policy.Rules;

namespace UsbHostd.Tests.Rules;

/// <summary>What a test says of the clock, draws and history; the default is a host where nothing has happened yet.</summary>
internal sealed class FakeRuleContext : IRuleContext
{
    public DateTimeOffset Now { get; set; } = new(2026, 11, 21, 12, 0, 0, TimeSpan.FromHours(1));

    public double NextDraw { get; set; }

    /// <summary>Instead of <see cref="NextDraw"/>, where set.</summary>
    public Func<int, int, double>? Draws { get; set; }

    public Dictionary<int, DateTimeOffset> Applied { get; } = [];

    public Dictionary<int, DateTimeOffset> EvaluatedBefore { get; } = [];

    public List<RuleSubject> Allowed { get; } = [];

    /// <summary>The rules that <see cref="Evaluated"/> was told of.</summary>
    public List<int> Noted { get; } = [];

    public double Draw(int rule, int condition) => Draws?.Invoke(rule, condition) ?? NextDraw;

    public DateTimeOffset? LastApplied(int rule) => Applied.TryGetValue(rule, out var at) ? at : null;

    public DateTimeOffset? LastEvaluated(int rule) => EvaluatedBefore.TryGetValue(rule, out var at) ? at : null;

    public bool AllowedMatches(Rule query) => Allowed.Exists(device => RuleMatch.Attributes(query, device));

    public void Evaluated(int rule) => Noted.Add(rule);
}
