// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile.Worlds;

/// <summary>One thing that happens. Any numbers mean something, and what makes no sense at its moment does nothing.</summary>
/// <param name="IsHasty">The next thing happens before the daemon has followed.</param>
internal sealed record Step(int Kind, int A, int B, int C, bool IsHasty);

/// <summary>
/// A host with four guests and some devices, on which a list of steps happens. Beside it stands the plain model: what people did, and
/// what they were told. The laws (in the other part) hold the host against the model.
/// </summary>
internal sealed partial class RandomWorld : IDisposable
{
    private static readonly string[] Ports = ["1-1", "1-2", "2-3", "2-4"];
    private static readonly string[] Names = ["a", "b", "c"];
    private static readonly Caller[] Callers = [World.Root, World.Member, World.User, World.OtherUser];

    private readonly World world;
    private readonly PlainDevice[] devices;
    private readonly FakeDevice foreign = Some.Dongle("FOREIGN-1");
    private readonly FakeGuest foreignGuest;
    private readonly Dictionary<ClaimId, PlainClaim> claims = [];
    private readonly List<PlainAnswer> answers = [];
    private readonly Dictionary<PlainDevice, string> lastPorts = [];
    private readonly Dictionary<ClaimId, string> heldBack = [];
    private readonly HashSet<ClaimId> unwritten = [];
    private readonly List<string> told = [];
    private AgentRun.Asked? question;
    private Caller asked = World.Root;
    private PlainRule[] rules = [];
    private bool isUp = true;
    private bool isTroubled;
    private int commitsWhenFull;

    private RandomWorld(int seed)
    {
        world = new World(limits: new ReconcileLimits { FlapPlugs = int.MaxValue });
        var third = seed % 4 == 0 ? Some.Stick("S-2222", "twin") : Some.Dongle();
        devices = [.. new[] { Some.Stick("S-1111", "one"), Some.Stick("S-2222", "two"), third, Some.Stick(serial: null, "bare"), Some.Microcontroller() }.Select(d => new PlainDevice(d))];
        foreach (var name in Names)
        {
            var guest = world.Host.Define(name, [FakeGuest.Xhci[0] with { Ports = 15 }]);
            if (name != "b")
            {
                world.Host.Start(guest);
            }
        }

        foreignGuest = world.Guest("foreign");
        world.Plugged(foreign, "1-9");
        world.Do(h => h.AttachForeign(foreignGuest, foreign));
        Reload(seed);
        for (var i = 0; i < seed % Ports.Length; i++)
        {
            PlugInto(devices[(seed / 4 + i) % devices.Length], Ports[i], null);
        }

        world.Settle();
        isTroubled = false;
        Array.ForEach(devices, d => d.Look(Now, devices[0].Device.IsPlugged));
        told.Add($"the rules are: {Said()}");
    }

    /// <summary>What happened, for a person.</summary>
    public IReadOnlyList<string> Told => told;

    private DateTimeOffset Now => world.Time.GetUtcNow();

    private bool IsFull => world.Store.IsFull;

    /// <summary>The steps that a seed stands for.</summary>
    public static IReadOnlyList<Step> Draw(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, random.Next(8, 36)).Select(_ =>
            new Step(random.Next(Steps.Length), random.Next(1 << 16), random.Next(1 << 16), random.Next(1 << 16), random.Next(8) == 0))];
    }

    /// <summary>What happens in a world in which all laws hold.</summary>
    public static IReadOnlyList<string> Tell(int seed, IReadOnlyList<Step> steps)
    {
        using var random = new RandomWorld(seed);
        random.Live(steps);
        return [.. random.told, random.Describe()];
    }

    /// <summary>Null where all laws held; else the first that did not, with what had happened.</summary>
    public static string? Run(int seed, IReadOnlyList<Step> steps)
    {
        RandomWorld? random = null;
        try
        {
            random = new RandomWorld(seed);
            random.Live(steps);
            return null;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            var message = e is NUnit.Framework.AssertionException or BrokenLawException ? e.Message : e.ToString();
            return $"{message.Trim()}\n{string.Join('\n', random?.Told ?? [])}\n{random?.Describe()}";
        }
        finally
        {
            random?.Dispose();
        }
    }

    public void Dispose() => world.Dispose();

    private string Describe() => isUp ? world.Describe() : string.Join('\n', world.Host.Done);

    private void Live(IReadOnlyList<Step> steps)
    {
        foreach (var step in steps)
        {
            Take(step);
        }

        CalmDown();
    }

    private void Take(Step step)
    {
        world.Time.Advance(TimeSpan.FromMilliseconds(10), () => { });
        var (clashes, atRest) = (world.Host.Clashes.Count, isUp && world.Scheduler.Waiting == 0 && world.Host.Queued.Count == 0);
        if (Steps[step.Kind](this, step) is not { } what)
        {
            return;
        }

        told.Add($"{what}{(step.IsHasty ? ", in haste" : "")}");
        if (step.IsHasty)
        {
            Hurry(step.C);
        }
        else if (isUp)
        {
            world.Settle();
        }

        NoteWritten();
        Array.ForEach(devices, d => d.Look(Now, devices[0].Device.IsPlugged));
        if (atRest && !step.IsHasty)
        {
            Require(world.Host.Clashes.Count == clashes, () => $"the daemon gives a guest what another has: {world.Host.Clashes[^1]}");
        }

        CheckAlways();
        if (isUp && !step.IsHasty)
        {
            CheckAtRest();
        }
    }

    /// <summary>The daemon does a part of what it would, and no more.</summary>
    private void Hurry(int number)
    {
        isTroubled = true;
        if (isUp && number % 3 == 1)
        {
            world.Turn();
        }
        else if (isUp && number % 3 == 2)
        {
            world.Turn();
            world.Scheduler.RunOne();
        }
    }

    /// <summary>What was told while the disk was full counts for certain once something was written.</summary>
    private void NoteWritten()
    {
        if (!IsFull && world.Store.Commits > commitsWhenFull)
        {
            unwritten.Clear();
        }
    }

    private void Changed(ClaimId id)
    {
        if (IsFull)
        {
            unwritten.Add(id);
            commitsWhenFull = world.Store.Commits;
        }
    }

    private FakeGuest? Named(int number)
    {
        var id = new Policy.Identity.GuestId(new Guid((number % Names.Length) + 1, 0, 0, new byte[8]));
        return id == foreignGuest.Id ? null : world.Host.Guests.FirstOrDefault(g => g.Id == id);
    }

    private PlainDevice Device(int number) => devices[number % devices.Length];

    /// <summary>Everything can be reached and nothing happens any more. What is wanted then is attached, also after holds are taken back.</summary>
    private void CalmDown()
    {
        told.Add("all calms down");
        (world.Host.Before, world.Host.DetachHangs, world.Store.IsFull, world.ChecksQuiet) = (null, false, false, false);
        foreach (var device in devices)
        {
            device.WasInUse = false;
            world.Host.Use(device.Device);
        }

        if (!world.Host.LibvirtUp)
        {
            world.Host.RegainLibvirt();
        }

        if (!isUp)
        {
            Start();
        }

        world.Host.RescanDevices();
        world.Host.RescanGuests();
        world.Settle();
        Rest();
        foreach (var guest in world.Host.Guests)
        {
            Wake(guest);
        }

        foreach (var entry in world.State.Claims.Values.Where(e => e.Stands).OrderBy(e => e.Id).ToList())
        {
            Try(() => Retried(entry.Id));
        }

        told.Add("all guests run, and all claims are retried");
        world.Settle();
        Rest();
        CheckWanted();
    }

    private void Wake(FakeGuest guest)
    {
        if (!guest.IsActive)
        {
            world.Host.Start(guest);
        }
        else
        {
            world.Host.SetState(guest, Core.Guests.GuestState.Running);
        }
    }

    private void Rest()
    {
        world.Advance(TimeSpan.FromMinutes(5));
        world.ChecksQuiet = true;
        world.Settle();
        (isTroubled, commitsWhenFull) = (false, 0);
        NoteWritten();
        Array.ForEach(devices, d => d.Look(Now, devices[0].Device.IsPlugged));
        CheckAlways();
        CheckAtRest();
    }

    /// <returns>False where it was refused, or could not be written.</returns>
    private static bool Try(Action act)
    {
        try
        {
            act();
            return true;
        }
        catch (HostException)
        {
            return false;
        }
    }

    private static void Require(bool holds, Func<string> what)
    {
        if (!holds)
        {
            throw new BrokenLawException(what());
        }
    }

    private sealed class BrokenLawException(string message) : Exception(message);
}
