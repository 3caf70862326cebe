// SPDX-License-Identifier: Apache-2.0
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using UsbHostd.Core.Planning;
using UsbHostd.Core.Reducers;
using UsbHostd.Core.State;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>
/// What holds whatever happens. The simulation also checks at each rest that looking at everything finds nothing that looking at what
/// was touched left out. A failure prints the numbers that led to it, shrunk, and the seed.
/// </summary>
[TestFixture]
internal sealed class Properties
{
    /// <summary>
    /// The same scenarios at each run, so that a failure is the change's. To explore others: USBHOSTD_REPLAY=SEED,GAMMA, as a failure prints
    /// them, or USBHOSTD_REPLAY=random.
    /// </summary>
    private static readonly Config Bounded = (Environment.GetEnvironmentVariable("USBHOSTD_REPLAY") ?? "3557205048755322937,1981969964398336033").Split(',') is [var seed, var gamma]
        ? Config.QuickThrowOnFailure.WithMaxTest(200).WithReplay(ulong.Parse(seed), ulong.Parse(gamma))
        : Config.QuickThrowOnFailure.WithMaxTest(200);

    private static readonly Arbitrary<int[]> Steps = Gen.Choose(0, 4095).ArrayOf().Resize(60).ToArbitrary();

    [Test]
    public void Simulation_AnyScenario_EndsWithEachDeviceWhereItBelongs() => Prop.ForAll(Steps, steps =>
    {
        using var scenario = new Scenario();
        foreach (var step in steps)
        {
            scenario.Step(step);
            scenario.World.Settle();
        }

        scenario.ComeToRest();

        Assert.That(scenario.Wrongs(), Is.Empty);
        Assert.That(scenario.ForeignIsUntouched, Is.True);
    }).Check(Bounded);

    [Test]
    public void Simulation_StepsPileUpBetweenTurns_EndsWithEachDeviceWhereItBelongs() => Prop.ForAll(Steps, steps =>
    {
        using var scenario = new Scenario();
        foreach (var step in steps)
        {
            scenario.Step(step);
            if (step % 3 == 0)
            {
                scenario.World.Turn();
            }
            else if (step % 5 == 0)
            {
                scenario.World.Scheduler.RunOne();
            }
        }

        scenario.ComeToRest();

        Assert.That(scenario.Wrongs(), Is.Empty);
        Assert.That(scenario.ForeignIsUntouched, Is.True);
    }).Check(Bounded);

    [Test]
    public void Simulation_EventsLostAndRepeated_ARescanMakesUpForIt() => Prop.ForAll(Steps, steps =>
    {
        using var scenario = new Scenario();
        var random = new Random(steps.Aggregate(17, (hash, step) => unchecked((hash * 31) + step)));
        scenario.World.Host.Delivery = batch => batch.SelectMany(e => Enumerable.Repeat(e, e is HostEvent.DevicesEnumerated or HostEvent.GuestsEnumerated ? 1 : random.Next(3)));
        scenario.World.ChecksQuiet = false;
        foreach (var step in steps)
        {
            scenario.Step(step);
            scenario.World.Settle();
        }

        scenario.World.Host.Delivery = null;
        scenario.World.ChecksQuiet = true;
        scenario.ComeToRest();

        Assert.That(scenario.Wrongs(), Is.Empty);
        Assert.That(scenario.ForeignIsUntouched, Is.True);
    }).Check(Bounded);

    [Test]
    public void Fold_EventsInAnyOrderThenARescan_GiveTheSamePlan() => Prop.ForAll(Steps, Gen.Choose(0, int.MaxValue).ToArbitrary(), (steps, seed) =>
    {
        var (stored, rules, events, truth, now) = Record(steps);
        var straight = Fold(stored, rules, truth, now);
        var shuffled = Fold(stored, rules, [.. Mixed(events, seed), .. truth], now);

        Assert.That(Plan(shuffled, now), Is.EqualTo(Plan(straight, now)));
    }).Check(Bounded);

    [Test]
    public void Fold_AnyEvents_TheTouchedPlansTogetherAreTheFullOne() => Prop.ForAll(Steps, Gen.Choose(0, int.MaxValue).ToArbitrary(), (steps, seed) =>
    {
        var (stored, rules, events, truth, now) = Record(steps);
        var state = UsbHostd.Core.Reducers.Fold.From(stored, new ReconcileLimits(), rules);
        var planned = new HashSet<string>(StringComparer.Ordinal);
        foreach (var happened in truth.Concat(Mixed(events, seed)))
        {
            var transition = UsbHostd.Core.Reducers.Fold.Apply(state, happened, now);
            state = transition.State;
            planned.UnionWith(Planner.Plan(state, now, transition).Select(a => a.Subject));
        }

        Assert.That(Planner.Plan(state, now).Select(a => a.Subject).Where(s => s != "ignore-rules"), Is.SubsetOf(planned));
    }).Check(Bounded);

    [Test]
    public void Planner_AnyState_GivesNoDeviceToTwoClaims() => Prop.ForAll(Steps, Gen.Choose(0, int.MaxValue).ToArbitrary(), (steps, seed) =>
    {
        var (stored, rules, events, truth, now) = Record(steps);
        var state = Fold(stored, rules, [.. truth, .. Mixed(events, seed)], now);

        var given = Planner.Plan(state, now).OfType<HostAction.AttachDevice>().Select(a => a.Device.Plug).ToList();

        Assert.That(given, Is.Unique);
    }).Check(Bounded);

    /// <summary>
    /// A daemon gives some devices to guests and is gone; then people do this and that to the host. What was stored, what could have
    /// been heard since, and how everything is in the end.
    /// </summary>
    private static (StoredState Stored, LoadedRules Rules, IReadOnlyList<HostEvent> Events, HostEvent[] Truth, DateTimeOffset Now) Record(int[] steps)
    {
        using var scenario = new Scenario(twins: false);
        foreach (var step in steps.Take(steps.Length / 2))
        {
            scenario.Step(step);
            scenario.World.Settle();
        }

        scenario.World.Crash();
        foreach (var step in steps.Skip(steps.Length / 2))
        {
            scenario.HostStep(step);
        }

        var events = scenario.World.Host.Queued;
        HostEvent[] truth =
        [
            new HostEvent.DevicesEnumerated([.. scenario.World.Host.Devices.Select(d => d.Seen())]),
            new HostEvent.GuestsEnumerated([.. scenario.World.Host.Guests.Select(g => g.Seen())]),
        ];
        return (scenario.World.Store.Load(), scenario.World.Rules, events, truth, scenario.World.Time.GetUtcNow());
    }

    /// <summary>Some lost, some repeated, in any order.</summary>
    private static HostEvent[] Mixed(IReadOnlyList<HostEvent> events, int seed)
    {
        var random = new Random(seed);
        var kept = events.SelectMany(e => Enumerable.Repeat(e, random.Next(3))).ToArray();
        random.Shuffle(kept);
        return kept;
    }

    private static HostState Fold(StoredState stored, LoadedRules rules, IEnumerable<HostEvent> events, DateTimeOffset now) =>
        events.Aggregate(
            UsbHostd.Core.Reducers.Fold.From(stored, new ReconcileLimits { FlapPlugs = int.MaxValue }, rules), (s, e) => UsbHostd.Core.Reducers.Fold.Apply(s, e, now).State);

    private static IEnumerable<string> Plan(HostState state, DateTimeOffset now) => Planner.Plan(state, now).Select(a => a switch
    {
        HostAction.AttachDevice attach => $"attach {attach.Alias} {attach.Into}",
        HostAction.OfferDrivers => "",
        HostAction.WriteIgnoreRules rules => string.Join(' ', rules.Rules),
        _ => a.ToString(),
    }).Where(t => t.Length > 0).Order(StringComparer.Ordinal);
}
