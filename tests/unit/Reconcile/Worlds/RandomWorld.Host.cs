// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Daemon.Guests;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile.Worlds;

/// <summary>What goes wrong, and what an administrator does: libvirt, the disk, the daemon itself, the rules, and time.</summary>
internal sealed partial class RandomWorld
{
    private static string? DetachByHand(RandomWorld random, Step step)
    {
        if (random.Named(step.A) is not { IsActive: true } guest || guest.Hostdevs.Where(h => h is { IsLive: true, Leaving: false }).ToList() is not { Count: > 0 } there)
        {
            return null;
        }

        var taken = there[step.B % there.Count];
        var isSeen = random is { isUp: true, isTroubled: false, IsFull: false } && random.unwritten.Count == 0 && random.world.Host.LibvirtUp && random.world.Scheduler.Waiting == 0;
        random.world.Host.DetachByHand(guest, taken.Device!);
        if (isSeen && !step.IsHasty && Core.Guests.AttachmentAlias.TryParse(taken.Alias) is { } alias && random.claims.GetValueOrDefault(alias.Claim) is { } known)
        {
            known.IsHeld = true;
        }

        return $"virsh detaches {taken.Device} from {guest}";
    }

    private static string? Libvirt(RandomWorld random, Step step)
    {
        if (random.world.Host.LibvirtUp)
        {
            random.world.Host.LoseLibvirt();
            return "libvirt is gone";
        }

        random.world.Host.RegainLibvirt();
        return "libvirt is back";
    }

    /// <summary>A start takes nothing from anybody.</summary>
    private static string? Restart(RandomWorld random, Step step)
    {
        if (!random.isUp)
        {
            return null;
        }

        var isCalm = random is { isTroubled: false, IsFull: false } && random.unwritten.Count == 0 && random.world.Host.LibvirtUp && random.world.Scheduler.Waiting == 0
            && random.world.Host.Queued.Count == 0;
        if (isCalm)
        {
            // What it remembers of the devices is written within two seconds.
            random.Pass(TimeSpan.FromSeconds(3));
        }

        var before = random.Given();
        random.Crash();
        random.Start();
        Require(
            !isCalm || before.SetEquals(random.Given()),
            () => $"a restart took or gave: before {string.Join(", ", before)}; after {string.Join(", ", random.Given())}");
        return "the daemon is restarted";
    }

    private static string? CrashOrStart(RandomWorld random, Step step)
    {
        if (random.isUp)
        {
            random.Crash();
            return "the daemon dies";
        }

        random.Start();
        return "the daemon is started";
    }

    private void Crash()
    {
        foreach (var claim in unwritten.Select(claims.GetValueOrDefault).OfType<PlainClaim>())
        {
            claim.Standing = Worlds.Standing.Unknown;
        }

        if (IsFull || unwritten.Count > 0)
        {
            // What the daemon noticed by itself, and could not write down, is lost as well.
            heldBack.Clear();
            foreach (var claim in claims.Values.Where(c => c.Lifetime != ClaimLifetime.Forever || c.IsHeld))
            {
                (claim.IsHeld, claim.Standing) = (false, claim.Standing == Worlds.Standing.Over ? claim.Standing : Worlds.Standing.Unknown);
            }
        }

        unwritten.Clear();
        world.Crash();
        isUp = false;
    }

    private void Start()
    {
        world.Host.Disconnect();
        isUp = true;
        world.Start();
    }

    private static string? Disk(RandomWorld random, Step step)
    {
        if (!random.IsFull)
        {
            random.world.Store.IsFull = true;
            random.commitsWhenFull = random.world.Store.Commits;
            return "the disk is full";
        }

        random.world.Store.IsFull = false;

        // So long a disk that refused may be left alone.
        random.Pass(TimeSpan.FromSeconds(61));
        return "the disk has room";
    }

    private static string? Reload(RandomWorld random, Step step)
    {
        random.Reload(step.A);
        return $"the rules are: {random.Said()}";
    }

    private string Said() => string.Join("; ", rules.Select(r => r.ToString()));

    private static string? Use(RandomWorld random, Step step)
    {
        var device = random.Device(step.A);
        if (!device.Device.IsPlugged)
        {
            return null;
        }

        device.WasInUse = false;
        if (device.Device.Uses.IsEmpty)
        {
            random.world.Host.Use(device.Device, new HostUse(HostUseKind.Mount, "/dev/sdb1 on /srv"));
            return $"{device.Device} is mounted";
        }

        random.world.Host.Use(device.Device);
        return $"{device.Device} is not mounted any more";
    }

    private static string? Hang(RandomWorld random, Step step)
    {
        random.isTroubled = true;
        random.world.Host.DetachHangs = !random.world.Host.DetachHangs;
        return random.world.Host.DetachHangs ? "QEMU hangs" : "QEMU goes on";
    }

    /// <summary>libvirt refuses what it is asked next, one to three times.</summary>
    private static string? Refuse(RandomWorld random, Step step)
    {
        var left = (step.A % 3) + 1;
        random.isTroubled = true;
        random.world.Host.Before = verb =>
        {
            if (verb is "attach" or "detach" && left-- > 0)
            {
                throw new GuestHostException(ClaimReason.AttachFailed, "drawn", transient: true);
            }
        };
        return $"libvirt refuses {left} times";
    }

    private static string? Wait(RandomWorld random, Step step)
    {
        var by = TimeSpan.FromSeconds((step.A % 8) switch { 0 or 1 => 1, 2 => 9, 3 => 11, 7 => 7 * 3600, _ => 90 });
        random.Pass(by);
        return $"{by} pass";
    }

    private void Pass(TimeSpan by)
    {
        if (!isUp)
        {
            world.Time.Advance(by, () => { });
            return;
        }

        world.ChecksQuiet = false;
        world.Advance(by);
        world.ChecksQuiet = !IsFull;
        isTroubled &= by < TimeSpan.FromMinutes(1) || world.Host.DetachHangs || !world.Host.LibvirtUp;
    }

    private void Reload(int number)
    {
        var random = new Random(number);
        rules = [.. Enumerable.Range(0, random.Next(4)).Select(_ => DrawRule(random)), .. random.Next(3) > 0 ? new[] { AllowAll } : []];
        heldBack.Clear();
        Array.ForEach(devices, d => d.Forget());
        if (isUp)
        {
            world.Reload(PlainRule.Load(rules));
        }
        else
        {
            world.Rules = PlainRule.Load(rules);
        }
    }

    private static PlainRule AllowAll => new(RuleTarget.Allow, null, null, null, [], null, null, PlainWhen.Always);

    private static PlainRule DrawRule(Random random)
    {
        var target = random.Next(10) switch { < 4 => RuleTarget.Allow, < 7 => RuleTarget.Assign, 7 => RuleTarget.Block, 8 => RuleTarget.Reject, _ => RuleTarget.Ask };
        target = random.Next(5) == 0 ? RuleTarget.Ask : target;
        var (what, some) = (random.Next(5), Names[random.Next(Names.Length)]);
        string[] guests = target == RuleTarget.Assign || random.Next(4) == 0 ? [some] : random.Next(4) == 0 ? [some, Names[0]] : [];
        var who = random.Next(6);
        return new PlainRule(
            target,
            what == 0 ? new[] { PlainRule.One, "S-2222", "D-77" }[random.Next(3)] : null,
            what == 1 ? new[] { Some.StickId, Some.EspBoot }[random.Next(2)] : null,
            what == 2 ? Ports[random.Next(Ports.Length)] : null,
            target is RuleTarget.Block or RuleTarget.Reject ? [] : guests.Distinct(StringComparer.Ordinal).ToArray(),
            who is 0 ? World.User.Uid : null,
            who is 0 or 1 ? World.Group : null,
            random.Next(3) == 0 ? (PlainWhen)random.Next(7) : PlainWhen.Always);
    }
}
