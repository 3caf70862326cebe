// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>A world with some devices and guests, and numbered things that happen in it. Any number means something.</summary>
internal sealed class Scenario : IDisposable
{
    private static readonly string[] Ports = ["1-1", "1-2", "2-3", "2-4"];
    private static readonly int[] HostKinds = [0, 1, 3, 5, 11, 12, 13];
    private static readonly LoadedRules[] RuleSets =
    [
        TestRules.AllowAll, LoadedRules.None,
        TestRules.Of(Serial(RuleTarget.Block, "S-1111"), Allow),
        TestRules.Of(Serial(RuleTarget.Assign, "S-1111") with { ToGuest = [new Glob("a")] }, Allow with { ToGuest = [new Glob("b")] }),
        TestRules.Of(Serial(RuleTarget.Assign, "S-2222") with { ToGuest = [new Glob("b")] }, Serial(RuleTarget.Assign, "") with { ToGuest = [new Glob("a")] }, Allow),
    ];

    private readonly FakeDevice[] devices;
    private readonly FakeGuest[] guests;
    private readonly FakeDevice foreign = Some.Dongle("FOREIGN-1");
    private readonly FakeGuest host;

    public Scenario(bool twins = true)
    {
        // Flapping is another test's: here nothing is put aside.
        World = new World(limits: new ReconcileLimits { FlapPlugs = int.MaxValue });
        devices = [Some.Stick("S-1111", "one"), Some.Stick("S-2222", "two"), twins ? Some.Stick("S-2222", "twin") : Some.Dongle(), Some.Stick(serial: null, "bare")];
        guests = [World.Guest("a"), World.Guest("b", running: false)];
        host = World.Guest("foreign");
        World.Plugged(foreign, "1-9");
        World.Do(h => h.AttachForeign(host, foreign));
    }

    private static Rule Allow => new() { Target = RuleTarget.Allow };

    public World World { get; }

    public bool ForeignIsUntouched =>
        host.Hostdevs is [{ Alias: "hostdev0", IsLive: true }] && World.Host.Done.TrueForAll(d => !d.Contains("dongle foreign", StringComparison.Ordinal));

    /// <summary>One thing happens; nothing where it makes no sense now.</summary>
    public void Step(int number) => Step(number % 18, number);

    /// <summary>As <see cref="Step(int)"/>, of what people do to the host alone.</summary>
    public void HostStep(int number) => Step(HostKinds[number % HostKinds.Length], number);

    private void Step(int kind, int number)
    {
        var (device, guest, port) = (devices[number / 16 % devices.Length], guests[number / 64 % guests.Length], Ports[number / 128 % Ports.Length]);
        switch (kind)
        {
            case 0 or 1 or 2 when !device.IsPlugged && World.Host.Devices.All(d => d.Port != port):
                World.Host.Plug(device, port, number / 512 % 3 == 0 ? FreeNumber() : null);
                break;
            case 3 or 4 when device.IsPlugged:
                World.Host.Pull(device);
                break;
            case 5 when device.IsPlugged:
                World.Host.Replug(device);
                break;
            case 6 or 7 or 8 when device.IsPlugged:
                Try(() => World.Claim(device, guest, r => r.Move = number / 512 % 2 == 0));
                break;
            case 9 when Claims.Count > 0:
                World.Release(Claims[number / 16 % Claims.Count]);
                break;
            case 10 when Claims.Count > 0:
                Try(() => World.Move(Claims[number / 16 % Claims.Count], guest));
                break;
            case 11 when guest.IsActive:
                World.Host.Stop(guest);
                break;
            case 12 when !guest.IsActive:
                World.Host.Start(guest);
                break;
            case 13 when guest.IsActive:
                World.Host.ManagedSave(guest);
                break;
            case 14:
                ToggleLibvirt();
                break;
            case 15:
                World.Restart();
                break;
            case 16:
                World.Reload(RuleSets[number / 32 % RuleSets.Length]);
                break;
            case 17 when Claims.Count > 0:
                World.Retry(Claims[number / 16 % Claims.Count]);
                break;
        }
    }

    /// <summary>All standing claims.</summary>
    public IReadOnlyList<ClaimId> Claims => [.. World.State.Claims.Values.Where(e => e.Stands).Select(e => e.Id).Order()];

    /// <summary>Everything is reachable, nothing happens any more, and time passes.</summary>
    public void ComeToRest()
    {
        if (!World.Host.LibvirtUp)
        {
            World.Host.RegainLibvirt();
        }

        World.Host.RescanDevices();
        World.Host.RescanGuests();
        World.Settle();
        World.Advance(TimeSpan.FromMinutes(5));
    }

    /// <summary>Empty where each claim has what it can have, and nothing of ours is anywhere else.</summary>
    public IEnumerable<string> Wrongs()
    {
        foreach (var device in devices.Where(d => World.Host.GuestsWith(d).Count > 1))
        {
            yield return $"{device} is in two guests";
        }

        foreach (var entry in World.State.Claims.Values.Where(e => e.Stands))
        {
            var status = World.Status(entry.Id);
            var owner = status.Device is { } seen ? Assessor.OwnerOf(World.State, seen)?.Id : null;
            var device = devices.SingleOrDefault(d => d.IsPlugged && d.Plug == status.Device?.Plug);
            var guest = guests.Single(g => g.Id == entry.Claim.Guest);
            if (device is not null && guest.IsActive && owner == entry.Id && entry.Claim.Hold == ClaimHold.None && status.Reason != ClaimReason.NotAllowed && !World.Host.GuestsWith(device).Contains(guest))
            {
                yield return $"{device} is not in {guest}: {status.Phase} {status.Reason} {status.Detail}";
            }
        }

        foreach (var guest in guests)
        {
            foreach (var hostdev in guest.Hostdevs)
            {
                var alias = AttachmentAlias.TryParse(hostdev.Alias)!;
                if (!hostdev.IsLive || alias.Plug != hostdev.Device!.Plug || World.Stored(alias.Claim) is not { Released: null } claim || claim.Guest != guest.Id)
                {
                    yield return $"{hostdev.Alias} should not be in {guest}: live {hostdev.IsLive}, {World.Status(alias.Claim)}";
                }
                else if (Permission.WhyNot(World.State, claim, hostdev.Device.Seen()) is { } why)
                {
                    yield return $"{hostdev.Alias} is in {guest}, and policy forbids it: {why}";
                }
            }
        }
    }

    public void Dispose() => World.Dispose();

    private static Rule Serial(RuleTarget target, string serial) =>
        new() { Target = target, Serial = new RuleAttribute<string>(SetOperator.Equals, [serial], IsSet: false) };

    private int? FreeNumber()
    {
        var used = World.Host.Devices.Select(d => d.Address.Device).ToHashSet();
        return Enumerable.Range(3, 40).Where(n => !used.Contains(n)).Cast<int?>().FirstOrDefault();
    }

    private void ToggleLibvirt()
    {
        if (World.Host.LibvirtUp)
        {
            World.Host.LoseLibvirt();
        }
        else
        {
            World.Host.RegainLibvirt();
        }
    }

    private static void Try(Action act)
    {
        try
        {
            act();
        }
        catch (HostException)
        {
            // Refused: nothing happens.
        }
    }
}
