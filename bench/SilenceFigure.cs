// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Bench;

/// <summary>How long the daemon takes to answer while libvirtd is stopped in the middle of calls, beside one that answers.</summary>
internal static class SilenceFigure
{
    private const string What = "slowest answer, libvirtd stopped";
    private const string Process = "usbhostctl claim-list";
    private const string Aim = "<= 100 ms";

    // libvirt's own pretended hypervisor, in a libvirtd: guests that can be defined, and calls that libvirtd has to answer.
    private const string Uri = "test+unix:///default";

    // As many as there are workers.
    private const int Guests = 12;
    private const int Rounds = 50;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<Figure> MeasureAsync(string host, Libvirtd libvirtd, string port)
    {
        if ((libvirtd.WhyNot ?? libvirtd.WhyNoPause) is { } why)
        {
            return Figure.Skipped(What, Aim, why);
        }

        using var daemon = Served.Daemon(Uri, host);
        using var client = UsbHostClient.Connect("unix:" + daemon.Socket);
        var guests = await DefineAsync(client);
        var answering = await SlowestAsync(client, daemon.Socket, port, guests[0]);
        using (libvirtd.Pause())
        {
            var blocked = guests.Select(g => StartAsync(client, g)).ToList();
            await IsSilentAsync(client);
            var silent = await SlowestAsync(client, daemon.Socket, port, guests[0]);
            await NoneHasStartedAsync(client);
            var (us, them) = (Slowest(silent), Slowest(answering));
            return new Figure(What, Figures.Time(us), $"{Figures.Time(them)} answering", us / them, Aim, us <= TimeSpan.FromMilliseconds(100))
            {
                Notes =
                [
                    $"{blocked.Count} starts of guests wait for libvirtd meanwhile; {Rounds} calls of each kind, one after the other:",
                    .. silent.Zip(answering, (s, a) => $"{s.Name,-24} {Figures.Time(s.Took)} at most, {Figures.Time(a.Took)} while libvirtd answers"),
                ],
            };
        }
    }

    /// <summary>libvirtd forgets them with the last connection to its test driver, which is the daemon's.</summary>
    private static async Task<IReadOnlyList<string>> DefineAsync(UsbHostClient client)
    {
        // Until the daemon is connected, so that what is defined next stays.
        await UntilAsync(client, known => known.Count > 0);
        for (var i = 0; i < Guests; i++)
        {
            var file = Path.GetTempFileName();
            await File.WriteAllTextAsync(file, $"""
                <domain type='test'><name>bench-{i}</name><memory>65536</memory><os><type>hvm</type></os>
                <devices><controller type='usb' index='0' model='qemu-xhci' ports='8'/></devices></domain>
                """);
            var defined = Command.Run("virsh", ["-q", "-c", Uri, "define", file]);
            File.Delete(file);
            if (defined.ExitCode != 0)
            {
                throw new IOException($"virsh define: {defined.Text}");
            }
        }

        return [.. (await UntilAsync(client, known => known.Count(n => n.StartsWith("bench-", StringComparison.Ordinal)) == Guests)).Where(n => n.StartsWith("bench-", StringComparison.Ordinal))];
    }

    private static async Task<HashSet<string>> UntilAsync(UsbHostClient client, Predicate<HashSet<string>> isThere)
    {
        HashSet<string> known = new(StringComparer.Ordinal);
        using var patience = new CancellationTokenSource(Patience);
        await foreach (var change in client.WatchAsync(new WatchRequest { Kinds = { Kind.Guests } }, patience.Token))
        {
            if (change.Guest?.Name is { Length: > 0 } name)
            {
                known.Add(name);
            }

            if (isThere(known))
            {
                return known;
            }
        }

        throw new IOException("the daemon told of no guests");
    }

    private static async Task StartAsync(UsbHostClient client, string guest)
    {
        try
        {
            await client.StartGuestAsync(new StartGuestRequest { Guest = guest });
        }
        catch (UsbHostException)
        {
            // Told that libvirt is silent; the call to it goes on.
        }
    }

    /// <summary>The daemon has noticed. The claims of guests that exist say so, and there is one.</summary>
    private static async Task IsSilentAsync(UsbHostClient client)
    {
        using var patience = new CancellationTokenSource(Patience);
        await foreach (var change in client.WatchAsync(new WatchRequest { Kinds = { Kind.Claims } }, patience.Token))
        {
            if (change.Claim is { Reason: Reason.LibvirtUnavailable })
            {
                return;
            }
        }
    }

    /// <summary>Of the calls alone: the start of a process is another figure.</summary>
    private static TimeSpan Slowest(IEnumerable<(string Name, TimeSpan Took)> answers) => answers.Where(a => a.Name != Process).Max(a => a.Took);

    private static void ListClaims(string socket)
    {
        var run = Command.Run(Checkout.Cli, ["--connect", "unix:" + socket, "claim-list"]);
        if (run.ExitCode != 0)
        {
            throw new IOException($"{Process}: {run.Text}");
        }
    }

    private static async Task NoneHasStartedAsync(UsbHostClient client)
    {
        var started = (await client.ListGuestsAsync(new ListGuestsRequest())).Guests.Where(g => g.Name.StartsWith("bench-", StringComparison.Ordinal) && g.State == Guest.Types.State.Running);
        if (started.Any())
        {
            throw new IOException("libvirtd answered while it was stopped");
        }
    }

    private static async Task<IReadOnlyList<(string Name, TimeSpan Took)>> SlowestAsync(UsbHostClient client, string socket, string port, string guest)
    {
        (string, Func<Task>)[] calls =
        [
            ("ListDevices", () => client.ListDevicesAsync(new ListDevicesRequest())),
            ("ListGuests", () => client.ListGuestsAsync(new ListGuestsRequest())),
            ("GetHealth", () => client.GetHealthAsync(new GetHealthRequest())),
            ("CreateClaim", async () => await client.CreateClaimAsync(new CreateClaimRequest { Device = "port:" + port, Guest = guest })),
            (Process, () => Task.Run(() => ListClaims(socket))),
        ];
        List<(string, TimeSpan)> slowest = [];
        foreach (var (name, call) in calls)
        {
            // The first is made ready for.
            await call();
            var most = TimeSpan.Zero;
            for (var i = 0; i < Rounds; i++)
            {
                var began = Stopwatch.GetTimestamp();
                await call();
                var took = Stopwatch.GetElapsedTime(began);
                most = took > most ? took : most;
            }

            slowest.Add((name, most));
        }

        return slowest;
    }
}
