// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Guests;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile.Worlds;

/// <summary>What may happen: people plug and pull, and guests come and go.</summary>
internal sealed partial class RandomWorld
{
    /// <summary>Each says what it did, or null where it did nothing. The more often one is named, the more often it happens.</summary>
    private static readonly ImmutableArray<Func<RandomWorld, Step, string?>> Steps =
    [
        Plug, Plug, Plug, Plug, Plug, Pull, Pull, Replug,
        Create, Create, Create, Create, Create, CreateAway, Release, Release, Release, Move, Move, Retry,
        Wish, Wish, Question, Question, Answer, Answer, ForgetAnswer,
        StartOrStop, StartOrStop, StartOrStop, Suspend, Save, Undefine, Rename, DetachByHand,
        Libvirt, Restart, Restart, CrashOrStart, Disk, Reload, Reload, Use, Use, Hang, Refuse,
        Wait, Wait, Wait,
    ];

    private static string? Plug(RandomWorld random, Step step)
    {
        var (device, port) = (random.Device(step.A), Ports[step.B % Ports.Length]);
        if (device.Device.IsPlugged || random.world.Host.Devices.Any(d => d.Port == port))
        {
            return null;
        }

        random.PlugInto(device, port, step.C % 3 == 0 ? random.FreeNumber() : null);
        return $"plug {device.Device}";
    }

    private static string? Pull(RandomWorld random, Step step)
    {
        var device = random.Device(step.A);
        if (!device.Device.IsPlugged)
        {
            return null;
        }

        var what = $"pull {device.Device}";
        random.PullOut(device);
        return what;
    }

    private static string? Replug(RandomWorld random, Step step)
    {
        var device = random.Device(step.A);
        if (device.Device.Port is not { } port)
        {
            return null;
        }

        random.PullOut(device);
        random.PlugInto(device, port, null);
        return $"replug {device.Device}";
    }

    private void PullOut(PlainDevice device)
    {
        (lastPorts[device], device.WasInUse) = (device.Device.Port!, false);
        device.Device.Uses = [];
        device.NotePull(Now);
        world.Host.Pull(device.Device);
    }

    private void PlugInto(PlainDevice device, string port, int? number)
    {
        world.Host.Plug(device.Device, port, number);
        device.NotePlug(lastPorts.GetValueOrDefault(device), Now);
        foreach (var twin in devices.Where(d => d != device && d.Device.IsPlugged && d.Device.Serial is not null && d.Device.Serial == device.Device.Serial))
        {
            twin.HasTwin = device.HasTwin = true;
        }
    }

    private int? FreeNumber()
    {
        var used = world.Host.Devices.Select(d => d.Address.Device).ToHashSet();
        return Enumerable.Range(3, 40).Where(n => !used.Contains(n)).Cast<int?>().FirstOrDefault();
    }

    private static string? StartOrStop(RandomWorld random, Step step)
    {
        if (random.Named(step.A) is not { } guest)
        {
            return null;
        }

        if (guest.IsActive)
        {
            random.world.Host.Stop(guest);
            return $"stop {guest}";
        }

        random.world.Host.Start(guest);
        return $"start {guest}";
    }

    private static string? Suspend(RandomWorld random, Step step)
    {
        if (random.Named(step.A) is not { IsActive: true } guest)
        {
            return null;
        }

        random.world.Host.SetState(guest, guest.State == GuestState.Running ? GuestState.Paused : GuestState.Running);
        return $"{guest} is {guest.State}";
    }

    private static string? Save(RandomWorld random, Step step)
    {
        if (random.Named(step.A) is not { IsActive: true } guest)
        {
            return null;
        }

        random.world.Host.ManagedSave(guest);
        return $"save {guest}";
    }

    /// <summary>And it is defined anew at once, as the same guest without devices.</summary>
    private static string? Undefine(RandomWorld random, Step step)
    {
        if (random.Named(step.A) is not { } guest || step.B % 2 == 0)
        {
            return null;
        }

        random.heldBack.Clear();
        random.world.Host.Undefine(guest);
        random.world.Host.Define(new FakeGuest { Id = guest.Id, Name = guest.Name, Controllers = guest.Controllers });
        return $"undefine {guest}, and define it again";
    }

    private static string? Rename(RandomWorld random, Step step)
    {
        if (random.Named(step.A) is not { } guest)
        {
            return null;
        }

        var own = Names[step.A % Names.Length];
        random.heldBack.Clear();
        random.world.Host.Rename(guest, guest.Name == own ? $"{own}-renamed" : own);
        return $"{own} is called {guest}";
    }
}
