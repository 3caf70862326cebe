// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;

namespace UsbHostd.Bench;

/// <summary>A process of its own that listens on a unix socket; it is ended and its files removed with this.</summary>
internal sealed class Served : IDisposable
{
    private readonly Process process;
    private readonly string folder;

    private Served(Process process, string socket, string folder, TimeSpan untilReady)
    {
        this.process = process;
        this.folder = folder;
        Socket = socket;
        UntilReady = untilReady;
    }

    public string Socket { get; }

    /// <summary>From before the process was made until it said that it serves.</summary>
    public TimeSpan UntilReady { get; }

    public static Served BareKestrel()
    {
        var own = Directory.CreateTempSubdirectory("usbhostd-bench-").FullName;
        return Start(Checkout.BareKestrel, [$"{own}/http.sock"], $"{own}/http.sock", own);
    }

    /// <summary>Answers each ListDevices with this.</summary>
    public static Served GrpcGo(byte[] answer)
    {
        var own = Directory.CreateTempSubdirectory("usbhostd-bench-").FullName;
        File.WriteAllBytes($"{own}/answer", answer);
        return Start(Checkout.GrpcGo, [$"{own}/api.sock", $"{own}/answer"], $"{own}/api.sock", own);
    }

    /// <summary>The daemon, on a host of files.</summary>
    /// <param name="state">Kept where it is given, so that a second start finds its database.</param>
    public static Served Daemon(string libvirt, string host, string? state = null)
    {
        var own = Directory.CreateTempSubdirectory("usbhostd-bench-").FullName;
        state ??= Directory.CreateDirectory($"{own}/state").FullName;
        File.WriteAllText($"{own}/rules.conf", "allow\n");
        File.WriteAllText($"{own}/usbhostd.conf", $"""
            [daemon]
            state-directory = {state}
            log-level = warning
            [api]
            socket = {own}/api.sock
            socket-group =
            [libvirt]
            uri = {libvirt}
            [policy]
            rules = {own}/rules.conf
            rules-directory = {own}/rules.d
            [paths]
            sysfs = {host}/sys
            proc = {host}/proc
            run = {host}/run
            dev = {host}/dev

            """);
        return Start(Checkout.Daemon, ["--config", $"{own}/usbhostd.conf"], $"{own}/api.sock", own);
    }

    /// <summary>A field of /proc/PID/status in KiB, for example RssAnon (proc(5)).</summary>
    public long Status(string field) =>
        long.Parse(File.ReadLines($"/proc/{process.Id}/status").First(l => l.StartsWith(field + ":", StringComparison.Ordinal))
            .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);

    /// <summary>How often each thread has gone to sleep so far: by thread, with its name.</summary>
    public Dictionary<int, (string Name, long Switches)> Threads()
    {
        var threads = new Dictionary<int, (string, long)>();
        foreach (var task in Directory.EnumerateDirectories($"/proc/{process.Id}/task"))
        {
            try
            {
                var line = File.ReadLines($"{task}/status").First(l => l.StartsWith("voluntary_ctxt_switches:", StringComparison.Ordinal));
                threads[int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture)] =
                    (File.ReadAllText($"{task}/comm").Trim(), long.Parse(line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture));
            }
            catch (IOException)
            {
                // It ended while we looked.
            }
        }

        return threads;
    }

    public void Dispose()
    {
        using (process)
        {
            // SIGKILL: what it would write at its end is of no interest, and the next measure begins the sooner.
            process.Kill();
            process.WaitForExit();
        }

        Directory.Delete(folder, recursive: true);
    }

    private static Served Start(string program, string[] arguments, string socket, string own)
    {
        var start = new ProcessStartInfo(program, arguments);
        var began = Stopwatch.GetTimestamp();
        var started = Readiness.Start(start);
        return new Served(started, socket, own, Stopwatch.GetElapsedTime(began));
    }
}
