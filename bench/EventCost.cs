// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using UsbHostd.Core.Guests;
using UsbHostd.Core.Reducers;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Bench;

/// <summary>One event's cost through fold, plan and publish: one turn of the real loop each, in a small and in a large world by turns.</summary>
internal static class EventCost
{
    private const int Rounds = 150;
    private const int PerRound = 8;

    private static readonly Kind[] Kinds =
    [
        new("device changed", (w, i, n) => new HostEvent.DevicePresent(w.Devices[i] with { Authorized = n % 2 == 0 }), World.Any),
        new("device gone", (w, i, _) => new HostEvent.DeviceGone(w.Devices[i].Syspath), World.Free),
        new("device present", (w, i, _) => new HostEvent.DevicePresent(w.Plug(i)), World.Free),
        new("guest present", (w, i, n) => new HostEvent.GuestPresent(w.Guest(w.GuestOf(i), n % 2 == 0 ? GuestState.Paused : GuestState.Running)), World.Held),
        new("attach finished", (w, i, _) => new HostEvent.ActionFinished(
            new HostAction.AttachDevice(w.Claims[i].Id, w.Claims[i].Guest, w.Devices[i], default, Unguarded: null), new ActionOutcome.Done()), World.Held),
        new("attached device gone, detach begun", (w, i, _) => new HostEvent.DeviceGone(w.Devices[i].Syspath), World.Held),
        new("its claim shown to a watcher", null, World.Held) { IsOfRequest = true },
        new("claimed device back, attach begun", (w, i, _) => new HostEvent.DevicePresent(w.Plug(i)), World.Held),
        new("claim written", (w, i, _) => new HostEvent.ClaimWritten(w.Claims[i]), World.Claimed) { IsOfRequest = true },
    ];

    public static Figure Measure()
    {
        using var small = new Run(new World(devices: 20, guests: 5, claims: 10));
        using var large = new Run(new World(devices: 2000, guests: 500, claims: 1000));
        for (var round = 0; round < Rounds; round++)
        {
            small.Round(round);
            large.Round(round);
        }

        var costs = Kinds.Select((kind, k) => (kind, small: Figures.Median(small.Samples[k]), large: Figures.Median(large.Samples[k]))).ToList();
        var worst = costs.Where(c => !c.kind.IsOfRequest).MaxBy(c => c.large);
        var steepest = costs.Where(c => !c.kind.IsOfRequest).Max(c => c.large / c.small);
        return new Figure(
            "one event: fold, plan, publish", $"{Figures.Time(worst.large)} ({large.World.Name})", $"{Figures.Time(worst.small)} ({small.World.Name})",
            steepest, "<= 1 ms and <= 2 x", worst.large <= TimeSpan.FromMilliseconds(1) && steepest <= 2)
        {
            Notes =
            [
                "median of a turn of the loop, large / small; the table has the dearest kind and the steepest ratio",
                .. costs.Select(c => $"{c.kind.Name,-36} {Figures.Time(c.large),10} {Figures.Time(c.small),10} {c.large / c.small,6:0.00}{(c.kind.IsOfRequest ? "  (a request, not an event)" : "")}"),
            ],
        };
    }

    private sealed record Kind(string Name, Func<World, int, int, HostEvent>? Make, Func<World, int, int> Choose)
    {
        public bool IsOfRequest { get; init; }
    }

    private sealed class Run : IDisposable
    {
        private readonly LoopInbox inbox = new();
        private readonly StateFeed feed = new();
        private readonly ReconcileLoop loop;
        private readonly ActionRunner runner;
        private readonly SteppingTime time = new();

        public Run(World world)
        {
            World = world;
            var usb = new NullUsb();
            runner = new ActionRunner(new WorldAttacher(world, inbox.Events), new NullGuests(), usb, usb, NullLogger<ActionRunner>.Instance);
            loop = new ReconcileLoop(
                Fold.From(new StoredState { Claims = world.Claims }, new ReconcileLimits(), World.Rules), inbox, new NullStore(), runner, feed, time, NullLogger<ReconcileLoop>.Instance);
            loop.Begin();
            Turn(new HostEvent.DevicesEnumerated([.. world.Devices]));
            Turn(new HostEvent.GuestsEnumerated(world.Guests));
            Settle();
        }

        public World World { get; }

        public List<TimeSpan>[] Samples { get; } = [.. Kinds.Select(_ => new List<TimeSpan>())];

        /// <summary>Each kind for a few devices, spread over all. The order of the kinds is that of a device's life.</summary>
        public void Round(int round)
        {
            for (var k = 0; k < Kinds.Length; k++)
            {
                for (var j = 0; j < PerRound; j++)
                {
                    var i = Kinds[k].Choose(World, (round * 7919) + j);
                    Samples[k].Add(Kinds[k].Make is { } make ? Turn(make(World, i, round)) : Show(i));
                    Settle();
                }
            }
        }

        public void Dispose()
        {
            loop.Dispose();
            runner.Dispose();
        }

        private TimeSpan Turn(HostEvent happened)
        {
            inbox.Events.TryWrite(happened);
            var start = Stopwatch.GetTimestamp();
            loop.ReadSome();
            return Stopwatch.GetElapsedTime(start);
        }

        private TimeSpan Show(int i)
        {
            var state = feed.Current;
            var start = Stopwatch.GetTimestamp();
            WireClaims.Claim(state, state.Claims[World.Claims[i % World.Claims.Length].Id], DateTimeOffset.MaxValue);
            return Stopwatch.GetElapsedTime(start);
        }

        /// <summary>Actions run elsewhere and end in events: they are not what is measured.</summary>
        private void Settle()
        {
            Task<(HostState State, bool Result)> look;
            do
            {
                look = loop.AskAsync((state, _) => (new Decided([], []), state.InFlight.IsEmpty), CancellationToken.None);
                loop.ReadSome();
                Thread.Yield();
            }
            while (!look.Result.Result);
        }
    }
}
