// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;
using GuestWish = UsbHostd.Core.Guests.GuestWish;
using UsbController = UsbHostd.Policy.Identity.UsbController;

namespace UsbHostd.Tests.Reconcile.Worlds;

/// <summary>What people and definitions ask of the daemon, and what the model keeps of the answers.</summary>
internal sealed partial class RandomWorld
{
    private static string? Create(RandomWorld random, Step step)
    {
        var device = random.Device(step.A);
        return device.Device.IsPlugged ? random.Create($"port:{device.Device.Port}", device, step) : null;
    }

    private static string? CreateAway(RandomWorld random, Step step)
    {
        var device = random.Device(step.A);
        return device.Device is { IsPlugged: false, Serial: { } serial } && !random.devices.Any(d => d.Device.IsPlugged && d.Device.Serial == serial) ? random.Create($"serial:{device.Device.UsbId}:{serial}", device, step) : null;
    }

    private string? Create(string selector, PlainDevice device, Step step)
    {
        if (!isUp || Named(step.B) is not { } guest)
        {
            return null;
        }

        var caller = Callers[step.C % Callers.Length];
        var request = new CreateClaimRequest
        {
            Device = selector,
            Guest = guest.Id.ToString(),
            Move = step.C / 4 % 3 == 0,
            Lifetime = (step.C / 16 % 4) switch { 0 => Lifetime.UntilUnplug, 1 => Lifetime.UntilGuestStops, _ => Lifetime.Unspecified },
            Follow = (step.C / 64 % 4) switch { 0 => Follow.Port, 1 when device.Device.Serial is not null => Follow.Serial, _ => Follow.Unspecified },
            OverrideReason = caller == World.Root && step.C / 256 % 4 == 0 ? "drawn" : "",
            ForceReason = caller == World.Root && step.C / 1024 % 4 == 0 ? "drawn" : "",
        };
        var what = $"{caller.Owner} claims {device.Device} for {guest}: {request}";
        return Try(() => NoteMade(world.Create(request, caller), request, caller, device)) ? what : $"{what}: refused";
    }

    private void NoteMade(Api.V1.Claim made, CreateClaimRequest request, Caller caller, PlainDevice device)
    {
        heldBack.Clear();
        var id = ClaimId.Parse(made.Id);
        var guest = GuestOf(made);
        if (claims.TryGetValue(id, out var known))
        {
            known.Overrides = request.OverrideReason.Length > 0 || (known.Overrides && known.Guest == guest);
            known.Forces = request.ForceReason.Length > 0 || (known.Forces && known.Guest == guest);
            Turned(known, guest, caller);
        }
        else if (made.Origin == Origin.Explicit && made.Owner == caller.Owner && made.Door == caller.Door)
        {
            claims[id] = new PlainClaim
            {
                Id = id,
                Maker = caller,
                Serial = made.Follow == Follow.Serial ? device.Device.Serial : null,
                Port = made.Follow == Follow.Serial ? null : device.Device.Port,
                UsbId = device.Device.UsbId,
                Lifetime = made.Lifetime switch
                {
                    Lifetime.UntilUnplug => ClaimLifetime.UntilUnplug,
                    Lifetime.UntilGuestStops => ClaimLifetime.UntilGuestStops,
                    _ => ClaimLifetime.Forever,
                },
                Guest = guest,
                Overrides = request.OverrideReason.Length > 0,
                Forces = request.ForceReason.Length > 0,
            };
        }

        Changed(id);
    }

    /// <summary>To another guest, or nothing where it is for that one already.</summary>
    private static void Turned(PlainClaim claim, GuestId guest, Caller mover)
    {
        if (claim.Guest != guest)
        {
            (claim.Guest, claim.Mover, claim.IsHeld, claim.Run) = (guest, mover, false, null);
        }
    }

    private static GuestId GuestOf(Api.V1.Claim claim) => new(Guid.Parse(claim.Guest.Uuid));

    /// <summary>Of those that stand, in an order that does not hang on the ids, which are drawn anew at each run.</summary>
    private ClaimId? Standing(int number)
    {
        var there = world.State.Claims.Values.Where(e => e.Stands)
            .OrderBy(e => e.Claim.Created).ThenBy(e => e.Claim.Follows.Text, StringComparer.Ordinal).ThenBy(e => e.Claim.Guest.Uuid).ThenBy(e => e.Claim.Origin).ToList();
        return there.Count == 0 ? null : there[number % there.Count].Id;
    }

    private static string? Release(RandomWorld random, Step step)
    {
        if (!random.isUp || random.Standing(step.A) is not { } id)
        {
            return null;
        }

        var what = $"release {random.Of(id)}";
        return Try(() => random.NoteReleased(random.world.Ask(s => s.ReleaseClaimAsync(World.Root, new ReleaseClaimRequest { Id = id.ToString() }, default))))
            ? what : $"{what}: refused";
    }

    private void NoteReleased(Api.V1.Claim released)
    {
        var id = ClaimId.Parse(released.Id);
        if (released.Released is null)
        {
            // Something else would give it back to the same guest: now it is nobody's claim, and a hold.
            claims.Remove(id);
            heldBack[id] = released.Guest.Name;
        }
        else if (claims.TryGetValue(id, out var known))
        {
            known.Standing = Worlds.Standing.Over;
        }

        Changed(id);
    }

    private string Of(ClaimId id) => world.State.Claims.TryGetValue(id, out var entry)
        ? $"the {entry.Claim.Origin} claim on {entry.Claim.Follows.Text} for {world.State.GuestName(entry.Claim.Guest)}" : id.ToString();

    private static string? Move(RandomWorld random, Step step)
    {
        if (!random.isUp || random.Standing(step.A) is not { } id || random.Named(step.B) is not { } guest)
        {
            return null;
        }

        var (caller, what) = (Callers[step.C % 2], $"{Callers[step.C % 2].Owner} moves {random.Of(id)} to {guest}");
        return Try(() =>
        {
            var moved = random.world.Ask(s => s.MoveClaimAsync(caller, new MoveClaimRequest { Id = id.ToString(), Guest = guest.Id.ToString() }, default));
            random.NoteMoved(id, moved, caller);
        }) ? what : $"{what}: refused";
    }

    private void NoteMoved(ClaimId before, Api.V1.Claim moved, Caller caller)
    {
        heldBack.Clear();
        var id = ClaimId.Parse(moved.Id);
        if (claims.TryGetValue(before, out var known) && id == before)
        {
            var goes = known.Guest != GuestOf(moved);
            (known.Overrides, known.Forces) = (known.Overrides && !goes, known.Forces && !goes);
            Turned(known, GuestOf(moved), caller);
        }
        else if (id != before)
        {
            var claim = world.State.Claims[id].Claim;
            var device = devices.FirstOrDefault(d => d.Device.Serial is { } serial && claim.Follows == DeviceKey.Serial(d.Device.UsbId, serial));
            var port = device is null ? Ports.FirstOrDefault(p => KeyOf(p) == claim.Follows) : null;
            claims[id] = new PlainClaim
            {
                Id = id,
                Maker = caller,
                Serial = device?.Device.Serial,
                Port = port,
                UsbId = claim.Ids[0],
                Lifetime = ClaimLifetime.Forever,
                Guest = GuestOf(moved),
            };
        }

        Changed(id);
    }

    private static DeviceKey KeyOf(string port) =>
        DeviceKey.Port(new UsbController("pci", "0000:00:14.0"), port[0] == '2' ? UsbHalf.Usb3 : UsbHalf.Usb2, port[2..]);

    private static string? Retry(RandomWorld random, Step step)
    {
        if (!random.isUp || random.Standing(step.A) is not { } id)
        {
            return null;
        }

        var what = $"retry {random.Of(id)}";
        return Try(() => random.Retried(id)) ? what : $"{what}: refused";
    }

    private void Retried(ClaimId id)
    {
        world.Retry(id);
        heldBack.Remove(id);
        if (claims.TryGetValue(id, out var known))
        {
            known.IsHeld = false;
        }

        Changed(id);
    }

    private static string? Wish(RandomWorld random, Step step)
    {
        if (random.Named(step.A) is not { } guest)
        {
            return null;
        }

        var serials = random.devices.Where((d, i) => d.Device.Serial is not null && (step.B >> i) % 2 == 1).Select(d => d.Device).DistinctBy(d => d.Serial, StringComparer.Ordinal);
        var wishes = serials.Select(d => new GuestWish($"serial:{d.UsbId}:{d.Serial}", Optional: step.C % 2 == 0)).ToArray();
        random.heldBack.Clear();
        random.world.Host.Redefine(guest, wishes);
        return $"{guest} asks for {string.Join(" and ", wishes.Select(w => w.Device))}";
    }
}
