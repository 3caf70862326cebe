// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Bench;

/// <summary>What the published daemon takes of its host: time to start, memory, wake-ups.</summary>
internal static class ProcessFigures
{
    /// <summary>No such socket: the daemon goes on trying, as on a host without libvirt.</summary>
    public const string NoLibvirt = "qemu+unix:///system?socket=/nonexistent/libvirt-sock";

    private const int Events = 1000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // Threads that we make, and those that run what our timers and tasks begin (comm has 15 characters).
    private static readonly string[] Ours = ["usb", "usb-nodes", "Console logger", ".NET TP Worker", ".NET Timer"];

    // We make it, libvirt's event loop runs in it. libvirtd pings its clients every 5 s (libvirtd.conf, keepalive_interval).
    private const string LibvirtLoop = "libvirt-events";
    private static readonly TimeSpan Keepalive = TimeSpan.FromSeconds(5);

    public static IEnumerable<Figure> Start(string host, IReadOnlyList<(string Name, string Uri)> libvirts)
    {
        var bare = new List<TimeSpan>();
        var ours = libvirts.ToDictionary(l => l.Name, _ => new List<TimeSpan>(), StringComparer.Ordinal);
        var state = Directory.CreateTempSubdirectory("usbhostd-bench-").FullName;
        for (var i = 0; i < 11; i++)
        {
            using (var kestrel = Served.BareKestrel())
            {
                bare.Add(kestrel.UntilReady);
            }

            foreach (var (name, uri) in libvirts)
            {
                using var daemon = Served.Daemon(uri, host, state);
                ours[name].Add(daemon.UntilReady);
            }
        }

        Directory.Delete(state, recursive: true);
        foreach (var (name, times) in ours)
        {
            // The first of each finds cold files.
            var (us, them) = (Figures.Median(times.Skip(1)), Figures.Median(bare.Skip(1)));
            yield return new Figure($"start to ready, libvirt {name}", Figures.Time(us), $"{Figures.Time(them)} bare Kestrel", us / them, "-", null);
        }
    }

    public static async Task<Figure> MemoryAsync(string host, string libvirt, IReadOnlyList<string> ports)
    {
        using var daemon = Served.Daemon(libvirt, host);
        using var bare = Served.BareKestrel();
        var atStart = (daemon.Status("RssAnon"), daemon.Status("VmRSS"));
        await CauseEventsAsync(daemon.Socket, ports);
        await AskBareAsync(bare.Socket);
        var (anonymous, resident) = (daemon.Status("RssAnon"), daemon.Status("VmRSS"));
        var (bareAnonymous, bareResident) = (bare.Status("RssAnon"), bare.Status("VmRSS"));
        return new Figure(
            "memory after 1,000 events, anonymous", Figures.Size(anonymous), $"{Figures.Size(bareAnonymous)} bare Kestrel",
            (double)anonymous / bareAnonymous, "<= 25 MiB", anonymous <= 25 * 1024)
        {
            Notes =
            [
                $"resident {Figures.Size(resident)} beside {Figures.Size(bareResident)} of a bare Kestrel after as many requests: {(double)resident / bareResident:0.00}",
                $"before them: anonymous {Figures.Size(atStart.Item1)}, resident {Figures.Size(atStart.Item2)}",
                "events: labels, claims and releases over the API, each through the loop and the database",
            ],
        };
    }

    /// <summary>Watches a daemon with nothing to do; what else is measured meanwhile does not concern it.</summary>
    public static async Task<Figure> IdleAsync(string host, string libvirt, string with, TimeSpan wait, TimeProvider time)
    {
        using var daemon = Served.Daemon(libvirt, host);

        // Past its start: tiered compilation, the pool's idle threads, and what it remembers is written.
        await Task.Delay(TimeSpan.FromSeconds(45), time);
        var before = daemon.Threads();
        await Task.Delay(wait, time);
        var after = daemon.Threads();
        var woken = after
            .Select(t => (t.Value.Name, Count: t.Value.Switches - (before.TryGetValue(t.Key, out var b) ? b.Switches : 0)))
            .Where(t => t.Count > 0).ToList();
        var own = woken.Where(t => Ours.Contains(t.Name, StringComparer.Ordinal)).Sum(t => t.Count);
        var pings = woken.Where(t => t.Name == LibvirtLoop).Sum(t => t.Count);
        return new Figure(
            $"wake-ups in {wait.TotalSeconds:0} idle seconds, libvirt {with}", $"{own} of our code",
            $"{pings} libvirt's, {woken.Sum(t => t.Count) - own - pings} the runtime's", null, "0 of our code", own == 0 && pings <= (wait / Keepalive) + 2)
        {
            Notes = [.. woken.GroupBy(t => t.Name, StringComparer.Ordinal).Select(g => $"{g.Key,-16} {g.Sum(t => t.Count),4}  {WhatIs(g.Key)}")],
        };
    }

    private static string WhatIs(string thread) => thread switch
    {
        LibvirtLoop => "libvirtd's keepalive ping, every 5 s, and its answer",
        "Kestrel Timer" => "Kestrel's heartbeat, once a second",
        ".NET Finalizer" => "the runtime's look at memory, every 10 s",
        ".NET TP Gate" => "the thread pool's gate",
        _ => "",
    };

    private static async Task CauseEventsAsync(string socket, IReadOnlyList<string> ports)
    {
        using var client = UsbHostClient.Connect("unix:" + socket);
        await SeesAsync(client, ports);
        var caused = 0;
        for (var i = 0; caused < Events; i++)
        {
            var device = "port:" + ports[i % ports.Count];
            await client.SetDeviceLabelAsync(new SetDeviceLabelRequest { Device = device, Label = $"label {i}" });
            var claim = await client.CreateClaimAsync(new CreateClaimRequest { Device = device, Guest = $"uuid:{Guid.NewGuid()}" });
            await client.ReleaseClaimAsync(new ReleaseClaimRequest { Id = claim.Id });
            await client.ListDevicesAsync(new ListDevicesRequest());
            caused += 3;
        }
    }

    /// <summary>Until the daemon knows a device at each of these ports.</summary>
    public static async Task SeesAsync(UsbHostClient client, IReadOnlyList<string> ports)
    {
        var missing = ports.ToHashSet(StringComparer.Ordinal);
        using var patience = new CancellationTokenSource(Patience);
        await foreach (var change in client.WatchAsync(new WatchRequest { Kinds = { Kind.Devices } }, patience.Token))
        {
            missing.Remove(change.Device?.Port ?? "");
            if (missing.Count == 0)
            {
                return;
            }
        }
    }

    private static async Task AskBareAsync(string socket)
    {
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
                return new NetworkStream(connection, ownsSocket: true);
            },
        };
        using var http = new HttpClient(handler) { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        for (var i = 0; i < Events * 4 / 3; i++)
        {
            await http.GetStringAsync(new Uri("http://localhost/"));
        }
    }
}
