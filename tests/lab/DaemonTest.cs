// SPDX-License-Identifier: Apache-2.0
using System.Xml.Linq;
using NUnit.Framework.Interfaces;
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab;

/// <summary>A scenario with the daemon: it runs when a test begins, and has no claims; afterwards the claims are released and every guest is empty.</summary>
public abstract class DaemonTest : LabTest
{
    /// <summary>Hostdevs of ours are told by this start of their alias.</summary>
    protected const string Alias = "ua-usbhostd-";

    protected static Daemon Daemon => Bed.Daemon;

    protected static ApiClient Api => Bed.Api;

    /// <summary>For the daemon's environment: it dies of SIGKILL there, as in <c>AttachDevice:before</c>.</summary>
    protected static string Fault(string where) => "USBHOSTD_FAULT=" + where;

    [SetUp]
    public async Task DaemonRuns()
    {
        await Bed.Libvirtd.StartAsync();
        await Daemon.EnsureRunningAsync();
    }

    /// <summary>Claims a device, once the daemon has seen the guest and everything that is plugged in: a request may overtake udev and libvirt.</summary>
    protected static async Task<Claim> ClaimAsync(string device, GuestVm guest, Action<CreateClaimRequest>? more = null)
    {
        var request = new CreateClaimRequest { Device = device, Guest = guest.Name };
        more?.Invoke(request);
        await HasSeenAsync(guest.Name);
        return await Api.CallAsync<Claim>("CreateClaim", request);
    }

    /// <summary>Claims a device and waits until the guest's console shows it.</summary>
    protected static async Task<Claim> ClaimAndSeeAsync(string device, GuestVm guest, string seenAs, Action<CreateClaimRequest>? more = null)
    {
        var mark = await guest.MarkAsync();
        var claim = await ClaimAsync(device, guest, more);
        await guest.SeesAsync(seenAs, mark);
        return await PhaseAsync(claim, Phase.Attached);
    }

    /// <summary>Waits, on the daemon's own feed, until the claim is in a phase (for a reason).</summary>
    protected static Task<Claim> PhaseAsync(Claim claim, Phase phase, Reason? reason = null, TimeSpan? within = null) =>
        AnyClaimAsync(claim.Id, phase, reason, within);

    /// <summary>Waits until this claim, or any where the id is empty, is in a phase.</summary>
    protected static async Task<Claim> AnyClaimAsync(string id, Phase phase, Reason? reason = null, TimeSpan? within = null)
    {
        using var deadline = new CancellationTokenSource(within ?? Within.Moments);
        Claim? last = null;
        try
        {
            var request = new WatchRequest { Kinds = { Kind.Claims }, ClaimId = id };
            await foreach (var change in Api.StreamAsync<WatchEvent>("Watch", request, deadline.Token))
            {
                last = change.Claim ?? last;
                if (last?.Phase == phase && (reason is null || last.Reason == reason))
                {
                    return last;
                }
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            // Told below, with what was seen last.
        }

        throw new LabException($"{(id.Length == 0 ? "no claim ever" : $"claim {id} never")} was {phase} {reason}; last: {last}");
    }

    protected static Task<Claim> GetClaimAsync(Claim claim) => Api.CallAsync<Claim>("GetClaim", new GetClaimRequest { Id = claim.Id });

    protected static async Task<IReadOnlyList<Claim>> ClaimsAsync() =>
        [.. (await Api.CallAsync<ListClaimsResponse>("ListClaims", new ListClaimsRequest())).Claims];

    /// <summary>Waits until no claim stands any more: who asked for a release is answered before it is done.</summary>
    protected static async Task NoClaimsAsync()
    {
        using var deadline = new CancellationTokenSource(Within.Moments);
        var standing = new Dictionary<string, Claim>(StringComparer.Ordinal);
        var isTold = false;
        try
        {
            await foreach (var change in Api.StreamAsync<WatchEvent>("Watch", new WatchRequest { Kinds = { Kind.Claims } }, deadline.Token))
            {
                isTold |= change.Type == WatchEvent.Types.Type.SnapshotEnd;
                if (change.Claim is { Phase: Phase.Released } released)
                {
                    standing.Remove(released.Id);
                }
                else if (change.Claim is { } claim)
                {
                    standing[claim.Id] = claim;
                }

                if (isTold && standing.Count == 0)
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            // Told below, with what was seen last.
        }

        throw new LabException($"claims still stand: {string.Join(", ", standing.Values)}");
    }

    protected static async Task<Claim> ReleaseAsync(Claim claim)
    {
        await Api.CallAsync<Claim>("ReleaseClaim", new ReleaseClaimRequest { Id = claim.Id });
        return await PhaseAsync(claim, Phase.Released);
    }

    protected static async Task<Device> DeviceAsync(string device)
    {
        await HasSeenAsync();
        return await Api.CallAsync<Device>("GetDevice", new GetDeviceRequest { Device = device });
    }

    /// <summary>Waits until the daemon has seen what is plugged in, and the guest.</summary>
    protected static async Task HasSeenAsync(string guest = "")
    {
        var missing = Host.Plugged.Where(p => p.IsIn).Select(p => p.PortPath).ToHashSet(StringComparer.Ordinal);
        var request = new WatchRequest { Kinds = { Kind.Devices } };
        if (guest.Length > 0 && Bed.Libvirtd.Runs)
        {
            request.Kinds.Add(Kind.Guests);
            missing.Add(guest);
        }

        using var deadline = new CancellationTokenSource(Within.Moments);
        try
        {
            await foreach (var change in Api.StreamAsync<WatchEvent>("Watch", request, deadline.Token))
            {
                missing.Remove(change.Device?.Port ?? change.Guest?.Name ?? "");
                if (missing.Count == 0)
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            // Told below.
        }

        throw new LabException("the daemon has not seen " + string.Join(", ", missing));
    }

    /// <summary>Waits, on the daemon's own feed, until it has seen that the host uses the device, or no longer does.</summary>
    protected static async Task InUseAsync(QemuDevice device, bool inUse)
    {
        using var deadline = new CancellationTokenSource(Within.Moments);
        Device? last = null;
        try
        {
            await foreach (var change in Api.StreamAsync<WatchEvent>("Watch", new WatchRequest { Kinds = { Kind.Devices } }, deadline.Token))
            {
                last = change.Device?.Port == device.PortPath ? change.Device : last;
                if (last is not null && last.Uses.Any(u => u.Guarded) == inUse)
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            // Told below, with what was seen last.
        }

        throw new LabException($"the host's use of {device.PortPath} should be {inUse}; last: {last}");
    }

    /// <summary>A request that must be refused, and why it was.</summary>
    protected static async Task<ErrorDetail> RefusalAsync(Func<Task> request)
    {
        try
        {
            await request();
        }
        catch (ApiRefusedException refusal)
        {
            return refusal.Detail;
        }

        throw new AssertionException("the request was granted");
    }

    /// <summary>Our hostdevs in a guest, by alias.</summary>
    protected static async Task<IReadOnlyList<string>> OursAsync(GuestVm guest) =>
        [.. (await guest.HostdevsAsync()).Select(AliasOf).Where(a => a.StartsWith(Alias, StringComparison.Ordinal))];

    protected static string AliasOf(XElement hostdev) => hostdev.Element("alias")?.Attribute("name")?.Value ?? "";

    protected override async Task CleanUpAsync()
    {
        if (TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Failed)
        {
            await StartOverAsync();
            return;
        }

        await DaemonRuns();
        foreach (var claim in await ClaimsAsync())
        {
            await ReleaseAsync(claim);
        }

        // libvirt's own note of each running guest: quicker to read than virsh is to start. It is written a moment after dumpxml shows the same.
        foreach (var note in (await Host.DoAsync("ls /run/libvirt/qemu")).Split('\n').Where(f => f.EndsWith(".xml", StringComparison.Ordinal)))
        {
            await new GuestVm(Host, Path.GetFileNameWithoutExtension(note)).NoLongerHoldsAsync(Alias);
        }
    }

    /// <summary>After a failure nothing is sure: the next test gets an empty database, and guests emptied by hand.</summary>
    private static async Task StartOverAsync()
    {
        await Daemon.StartOverAsync();
        await Bed.Libvirtd.StartAsync();
        foreach (var name in (await Host.DoAsync("virsh -q list --name")).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                await new GuestVm(Host, name).DetachAllByHandAsync();
            }
            catch (LabException)
            {
                await Host.RunAsync($"virsh -q destroy {name}"); // started anew by whoever needs it next
            }
        }
    }
}
