// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Guests;
using UsbHostd.Daemon.Store;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>The daemon is killed, or an effect fails, at each point of each type of action; the database is a real one.</summary>
[TestFixture]
internal sealed class FaultTests
{
    private string folder = null!;
    private World world = null!;
    private Action beforeCommit = () => { };
    private FakeDevice foreign = null!;

    public enum Effect
    {
        Refused,
        FailsForAMoment,
        Throws,
    }

    public static IEnumerable<TestCaseData> Actions => typeof(IHostActionVisitor<FaultScenario>).GetMethods().Select(m => new TestCaseData(m).SetArgDisplayNames(m.Name));

    public static IEnumerable<TestCaseData> Effects => Actions.SelectMany(
        a => Enum.GetValues<Effect>(), (a, e) => new TestCaseData(a.Arguments[0], e).SetArgDisplayNames(((MethodInfo)a.Arguments[0]!).Name, e.ToString()));

    /// <summary>A look changes nothing.</summary>
    public static IEnumerable<TestCaseData> ActionsWithAnEffect => Actions.Where(a => ((MethodInfo)a.Arguments[0]!).Name != nameof(FaultCatalogue.Look));

    [SetUp]
    public void SetUp()
    {
        folder = Directory.CreateTempSubdirectory("usbhostd-fault-").FullName;
        beforeCommit = () => { };
        world = new World(time => new TrippedStore(
            SqliteClaimStore.Open(Path.Combine(folder, "usbhostd.db"), time, NullLogger<SqliteClaimStore>.Instance), () => beforeCommit()));
        foreign = world.Plugged(Some.Dongle("FOREIGN"), "1-9");
        var other = world.Guest("other");
        world.Do(h => h.AttachForeign(other, foreign));
    }

    [TearDown]
    public void TearDown()
    {
        world.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [TestCaseSource(nameof(Actions))]
    public void Crash_BeforeTheCommit_IsAsIfNobodyHadAsked(MethodInfo of)
    {
        var (scenario, stage) = Prepare(of);
        beforeCommit = () => throw new InvalidOperationException("killed");
        scenario.Trigger(stage);
        try
        {
            world.Turn();
        }
        catch (InvalidOperationException)
        {
            // The commit took the daemon with it.
        }

        beforeCommit = () => { };
        Recover();

        // What needs no commit of its own is under way already.
        Assert.That(scenario.IsUndone(stage) || of.Name == nameof(FaultCatalogue.Look), Is.True, world.Describe());
        AssertSound();
    }

    [TestCaseSource(nameof(Actions))]
    public void Crash_AfterTheCommitBeforeTheEffect_IsMadeUpFor(MethodInfo of)
    {
        var (scenario, stage) = Prepare(of);
        scenario.Trigger(stage);
        RunUntilStarted(of);

        Recover();

        // A guest that was to be started is not started by a daemon that comes later.
        Assert.That(of.Name == nameof(FaultCatalogue.StartPaused) ? scenario.IsUndone(stage) : scenario.IsDone(stage), Is.True, world.Describe());
        AssertSound();
    }

    [TestCaseSource(nameof(Actions))]
    public void Crash_AfterTheEffectBeforeItsOutcome_IsMadeUpFor(MethodInfo of)
    {
        var (scenario, stage) = Prepare(of);
        scenario.Trigger(stage);
        RunUntilStarted(of);
        world.Scheduler.RunAll();

        Recover();

        Assert.That(scenario.IsDone(stage), Is.True, world.Describe());
        AssertSound();
    }

    [TestCaseSource(nameof(Effects))]
    public void Effect_FailsOnce_IsMadeUpFor(MethodInfo of, Effect effect)
    {
        var (scenario, stage) = Prepare(of);
        var failed = false;
        world.Host.Before = verb =>
        {
            if (verb == scenario.Verb && !failed)
            {
                failed = true;
                throw Exception(verb, effect);
            }
        };
        scenario.Trigger(stage);
        world.Settle();
        world.Advance(TimeSpan.FromMinutes(1));

        Assert.That(failed, Is.True, "the effect was never tried");
        Assert.That(scenario.IsDone(stage) || MayStayUndone(of, effect, stage), Is.True, world.Describe());
        AssertSound();
    }

    [TestCaseSource(nameof(ActionsWithAnEffect))]
    public void Effect_HappensAndItsReplyIsLost_IsMadeUpFor(MethodInfo of)
    {
        var (scenario, stage) = Prepare(of);
        var lost = false;
        world.Host.After = verb =>
        {
            if (verb == scenario.Verb && !lost)
            {
                lost = true;
                LoseReply(verb);
            }
        };
        scenario.Trigger(stage);
        world.Settle();
        world.Do(h => h.RegainLibvirt());
        world.Advance(TimeSpan.FromMinutes(1));

        Assert.That(lost, Is.True, "the effect never happened");
        Assert.That(scenario.IsDone(stage), Is.True, world.Describe());
        AssertSound();
    }

    private (FaultScenario Scenario, FaultStage Stage) Prepare(MethodInfo of)
    {
        var scenario = (FaultScenario)of.Invoke(new FaultCatalogue(), [null])!;
        var stage = new FaultStage(world);
        scenario.Prepare(stage);
        world.Started.Clear();
        return (scenario, stage);
    }

    /// <summary>The action is in flight, and its effect has not happened.</summary>
    private void RunUntilStarted(MethodInfo of)
    {
        var type = of.GetParameters()[0].ParameterType;
        for (var turns = 0; !world.Started.Exists(type.IsInstanceOfType); turns++)
        {
            Assert.That(turns, Is.LessThan(100), $"{type.Name} is never started");
            if (!world.Turn() && !world.Scheduler.RunOne())
            {
                world.Host.FinishDetaches();
            }
        }
    }

    private void Recover()
    {
        world.Restart();
        world.Advance(TimeSpan.FromMinutes(1));
    }

    private void AssertSound()
    {
        Assert.That(world.Host.Ours().Count(h => !h.IsLive), Is.Zero, "something stale is left");
        Assert.That(world.Host.Ours(), Has.Count.LessThanOrEqualTo(1), "it is attached twice");
        Assert.That(world.Host.GuestsWith(foreign).Select(g => g.Name), Is.EqualTo(["other"]), "the foreign one was touched");
        Assert.That(world.State.Claims.Values.Count(e => e.Stands), Is.LessThanOrEqualTo(1));
    }

    /// <summary>A start that libvirt refused is the caller's to repeat; rules and power settings that can't be written are passed over until the next change.</summary>
    private static bool MayStayUndone(MethodInfo of, Effect effect, FaultStage stage) => of.Name switch
    {
        nameof(FaultCatalogue.StartPaused) => effect != Effect.FailsForAMoment && stage.World.State.GuestStarts.Values.All(s => s.Failure is not null),
        nameof(FaultCatalogue.Resume) => effect != Effect.FailsForAMoment && stage.IsAttached,
        nameof(FaultCatalogue.WriteIgnoreRules) or nameof(FaultCatalogue.KeepAwake) => stage.IsAttached,
        _ => false,
    };

    /// <summary>libvirtd goes away just after it has done what it was asked; or the kernel has, and says otherwise.</summary>
    private void LoseReply(string verb)
    {
        if (IsOfTheKernel(verb))
        {
            throw new IOException("input/output error");
        }

        world.Host.LoseLibvirt();
        throw new GuestHostException(ClaimReason.LibvirtUnavailable, "Cannot recv data: Connection reset by peer", transient: true);
    }

    private static bool IsOfTheKernel(string verb) => verb is "offer" or "ignore" or "read" or "jail" or "power";

    private static Exception Exception(string verb, Effect effect) => effect switch
    {
        Effect.Throws => new InvalidOperationException("a bug"),
        _ when IsOfTheKernel(verb) => new IOException("input/output error"),
        _ => new GuestHostException(ClaimReason.AttachFailed, "refused", transient: effect == Effect.FailsForAMoment),
    };
}
