// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace UsbHostd.Daemon.Systemd;

/// <summary>
/// Tells the service manager how the daemon is doing (sd_notify(3)). Without NOTIFY_SOCKET, that is when not started by systemd,
/// it does nothing, and libsystemd isn't loaded. May be called from any thread.
/// </summary>
internal sealed partial class SystemdNotifier
{
    private readonly bool enabled = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"));

    /// <summary>
    /// How often <see cref="Alive"/> is to be called: half of the unit's WatchdogSec=, as sd_watchdog_enabled(3) advises. Null
    /// where the unit has none, or means another process.
    /// </summary>
    public TimeSpan? WatchdogInterval { get; } = WatchdogOf(
        Environment.GetEnvironmentVariable("WATCHDOG_USEC"), Environment.GetEnvironmentVariable("WATCHDOG_PID"), Environment.ProcessId);

    /// <summary>Requests are served from now on.</summary>
    public void Ready(string status) => Notify($"READY=1\nSTATUS={OneLine(status)}");

    public void Status(string status) => Notify($"STATUS={OneLine(status)}");

    public void Stopping() => Notify("STOPPING=1");

    /// <summary>
    /// Has the service manager keep a descriptor (FDSTORE of sd_notify(3)) until it is told to forget it: also while this daemon is dead.
    /// </summary>
    /// <param name="name">At most 255 characters, no colon.</param>
    public unsafe void Keep(SafeHandle file, string name)
    {
        if (enabled)
        {
            var descriptor = (int)file.DangerousGetHandle();
            _ = SdNotifyWithFds(0, 0, $"FDSTORE=1\nFDNAME={name}", &descriptor, 1);
        }
    }

    public void Forget(string name) => Notify($"FDSTOREREMOVE=1\nFDNAME={name}");

    /// <summary>What was kept for this daemon, by name: descriptors from 3 on, as sd_listen_fds_with_names(3) says.</summary>
    public static IEnumerable<(string Name, int Descriptor)> Kept() => KeptOf(
        Environment.GetEnvironmentVariable("LISTEN_FDS"), Environment.GetEnvironmentVariable("LISTEN_PID"),
        Environment.GetEnvironmentVariable("LISTEN_FDNAMES"), Environment.ProcessId);

    internal static IEnumerable<(string Name, int Descriptor)> KeptOf(string? count, string? pid, string? names, int ownPid)
    {
        var known = (names ?? "").Split(':');
        return int.TryParse(count, out var n) && int.TryParse(pid, out var id) && id == ownPid
            ? known.Take(n).Select((name, i) => (name, 3 + i))
            : [];
    }

    public void Alive() => Notify("WATCHDOG=1");

    internal static TimeSpan? WatchdogOf(string? microseconds, string? pid, int ownPid) =>
        ulong.TryParse(microseconds, out var usec) && usec > 0 && (string.IsNullOrEmpty(pid) || (int.TryParse(pid, out var id) && id == ownPid))
            ? TimeSpan.FromMicroseconds(usec / 2.0)
            : null;

    /// <summary>A status is one line: a second one would be an assignment of its own.</summary>
    internal static string OneLine(string status) => string.Create(status.Length, status, static (span, from) =>
    {
        for (var i = 0; i < span.Length; i++)
        {
            span[i] = char.IsControl(from[i]) ? ' ' : from[i];
        }
    });

    // Its result is for the curious: sd_notify(3) advises to ignore it.
    private void Notify(string state) => _ = enabled ? SdNotify(0, state) : 0;

    [LibraryImport("libsystemd.so.0", EntryPoint = "sd_notify", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SdNotify(int unsetEnvironment, string state);

    [LibraryImport("libsystemd.so.0", EntryPoint = "sd_pid_notify_with_fds", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int SdNotifyWithFds(int pid, int unsetEnvironment, string state, int* descriptors, uint count);
}
