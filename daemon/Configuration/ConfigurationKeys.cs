// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using UsbHostd.Core.Isolation;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Grpc;
using UsbHostd.Daemon.Grpc.Tls;
using UsbHostd.Daemon.Service;
using UsbHostd.Daemon.Usb;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Configuration;

/// <summary>The keys that there are. The manual page and the sample file have the same ones, which a test sees to.</summary>
internal static class ConfigurationKeys
{
    /// <summary>sun_path less its closing NUL (unix(7)).</summary>
    private const int LongestSocketPath = 107;

    private static readonly (string Name, LogLevel Level)[] Levels =
    [
        ("trace", LogLevel.Trace), ("debug", LogLevel.Debug), ("info", LogLevel.Information), ("warning", LogLevel.Warning),
        ("error", LogLevel.Error),
    ];

    public static IReadOnlyList<ConfigurationKey> All { get; } =
    [
        Folder("daemon", "state-directory", c => c.StateDirectory, (c, path) => c with { StateDirectory = path }),
        LogLevelKey(),
        new("api", "socket", $"an absolute path of at most {LongestSocketPath} bytes", c => c.Api.SocketPath,
            (c, text) => IsAbsolute(text) && Encoding.UTF8.GetByteCount(text) <= LongestSocketPath ? Api(c, c.Api with { SocketPath = text }) : null),
        new("api", "socket-group", "a group's name or number, or nothing for the daemon's own group", c => c.Api.SocketGroup,
            (c, text) => text.All(IsNameCharacter) ? Api(c, c.Api with { SocketGroup = text }) : null),
        Number("api", "max-connections", 1, 65536, c => c.Api.MaxConnections, (c, n) => Api(c, c.Api with { MaxConnections = n })),
        new("dbus", "enabled", "yes or no", c => c.Dbus.Enabled ? "yes" : "no",
            (c, text) => text is "yes" or "no" ? c with { Dbus = c.Dbus with { Enabled = text == "yes" } } : null),
        Role("viewer", r => r.Viewers, (r, list) => r with { Viewers = list }),
        Role("user", r => r.Users, (r, list) => r with { Users = list }),
        Role("operator", r => r.Operators, (r, list) => r with { Operators = list }),
        Role("admin", r => r.Admins, (r, list) => r with { Admins = list }),
        Number("callers", "calls-per-second", 1, 100_000, c => c.Callers.CallsPerSecond, (c, n) => c with { Callers = c.Callers with { CallsPerSecond = n } }),
        Number("callers", "watches", 1, 10_000, c => c.Callers.Watches, (c, n) => c with { Callers = c.Callers with { Watches = n } }),
        Number("callers", "claims", 1, 100_000, c => c.Callers.Claims, (c, n) => c with { Callers = c.Callers with { Claims = n } }),
        Number("callers", "changes-per-minute", 1, 100_000, c => c.Callers.ChangesPerMinute, (c, n) => c with { Callers = c.Callers with { ChangesPerMinute = n } }),
        new("tls", "listen", "an address with a port, such as 192.0.2.7:7443 or [::]:7443, or nothing", c => c.Tls.Listen?.ToString() ?? "", TlsListenKey),
        Folder("tls", "certificate", c => c.Tls.Certificate, (c, path) => Tls(c, c.Tls with { Certificate = path })),
        Folder("tls", "key", c => c.Tls.Key, (c, path) => Tls(c, c.Tls with { Key = path })),
        Folder("tls", "client-ca", c => c.Tls.ClientCa, (c, path) => Tls(c, c.Tls with { ClientCa = path })),
        new("libvirt", "uri", "a libvirt URI such as qemu:///system", c => c.LibvirtUri,
            (c, text) => Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme != Uri.UriSchemeFile ? c with { LibvirtUri = text } : null),
        Folder("policy", "rules", c => c.Rules.File, (c, path) => c with { Rules = c.Rules with { File = path } }),
        Folder("policy", "rules-directory", c => c.Rules.Folder, (c, path) => c with { Rules = c.Rules with { Folder = path } }),
        Time("comeback", 0, 3600, l => l.Comeback, (l, t) => l with { Comeback = t }),
        Number("limits", "flap-plugs", 2, 10_000, c => c.Limits.FlapPlugs, (c, n) => Limits(c, c.Limits with { FlapPlugs = n })),
        Time("flap-window", 1, 3600, l => l.FlapWindow, (l, t) => l with { FlapWindow = t }),
        Time("first-retry", 0.01, 60, l => l.FirstRetry, (l, t) => l with { FirstRetry = t }),
        Time("longest-retry", 0.01, 3600, l => l.LongestRetry, (l, t) => l with { LongestRetry = t }),
        Number("limits", "most-failures", 1, 10_000, c => c.Limits.MostFailures, (c, n) => Limits(c, c.Limits with { MostFailures = n })),
        Time("detach-patience", 0.1, 600, l => l.DetachPatience, (l, t) => l with { DetachPatience = t }),
        Time("host-driver-patience", 0.1, 600, l => l.HostDriverPatience, (l, t) => l with { HostDriverPatience = t }),
        Time("first-look", 0.05, 60, l => l.FirstLook, (l, t) => l with { FirstLook = t }),
        Number("limits", "most-looks", 0, 20, c => c.Limits.MostLooks, (c, n) => Limits(c, c.Limits with { MostLooks = n })),
        Time("guest-start-patience", 0, 600, l => l.GuestStartPatience, (l, t) => l with { GuestStartPatience = t }),
        Time("ask-patience", 1, 3600, l => l.AskPatience, (l, t) => l with { AskPatience = t }),
        Time("twin-patience", 0, 60, l => l.TwinPatience, (l, t) => l with { TwinPatience = t }),
        new("jail", "controllers", "names of USB controllers, such as 0000:02:01.0 or dummy_hcd.0, with blanks between them, or nothing",
            c => string.Join(' ', c.Jail.Controllers), ControllersKey),
        new("jail", "force", "yes or no", c => c.Jail.Force ? "yes" : "no",
            (c, text) => text is "yes" or "no" ? c with { Jail = c.Jail with { Force = text == "yes" } } : null),
        Folder("paths", "sysfs", c => c.Usb.Sysfs, (c, path) => Usb(c, c.Usb with { Sysfs = path })),
        Folder("paths", "proc", c => c.Usb.Proc, (c, path) => Usb(c, c.Usb with { Proc = path })),
        Folder("paths", "run", c => c.Usb.Run, (c, path) => Usb(c, c.Usb with { Run = path })),
        Folder("paths", "dev", c => c.Usb.Dev, (c, path) => Usb(c, c.Usb with { Dev = path })),
    ];

    public static IEnumerable<string> Sections => All.Select(k => k.Section).Distinct(StringComparer.Ordinal);

    private static DaemonConfiguration Api(DaemonConfiguration c, GrpcOptions value) => c with { Api = value };

    private static DaemonConfiguration Tls(DaemonConfiguration c, TlsOptions value) => c with { Tls = value };

    private static DaemonConfiguration Limits(DaemonConfiguration c, ReconcileLimits value) => c with { Limits = value };

    private static DaemonConfiguration Usb(DaemonConfiguration c, UsbHostOptions value) => c with { Usb = value };

    private static ConfigurationKey Role(
        string name, Func<RoleOptions, ImmutableArray<Principal>> show, Func<RoleOptions, ImmutableArray<Principal>, RoleOptions> set) =>
        new("roles", name, "user:NAME, group:NAME, \"subject:X.500 NAME\" and name:DNS-NAME, with blanks between them, or nothing",
            c => Principal.Show(show(c.Roles)), (c, text) => Principal.ParseList(text) is { } list ? c with { Roles = set(c.Roles, list) } : null);

    private static ConfigurationKey Folder(
        string section, string name, Func<DaemonConfiguration, string> show, Func<DaemonConfiguration, string, DaemonConfiguration> set) =>
        new(section, name, "an absolute path", show, (c, text) => IsAbsolute(text) ? set(c, text.Length > 1 ? text.TrimEnd('/') : text) : null);

    private static ConfigurationKey Number(
        string section, string name, int least, int most, Func<DaemonConfiguration, int> show, Func<DaemonConfiguration, int, DaemonConfiguration> set) =>
        new(section, name, $"a whole number from {least} to {most}", c => show(c).ToString(CultureInfo.InvariantCulture),
            (c, text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n >= least && n <= most ? set(c, n) : null);

    private static ConfigurationKey Time(
        string name, double least, double most, Func<ReconcileLimits, TimeSpan> show, Func<ReconcileLimits, TimeSpan, ReconcileLimits> set)
    {
        var (from, to) = (TimeSpan.FromSeconds(least), TimeSpan.FromSeconds(most));
        return new ConfigurationKey(
            "limits", name, $"a time from {Duration.Show(from)} to {Duration.Show(to)}, such as 200ms, 10s or 2min",
            c => Duration.Show(show(c.Limits)),
            (c, text) => Duration.TryParse(text, out var time) && time >= from && time <= to ? Limits(c, set(c.Limits, time)) : null);
    }

    private static ConfigurationKey LogLevelKey() => new(
        "daemon", "log-level", $"one of {string.Join(", ", Levels.Select(l => l.Name))}",
        c => Levels.First(l => l.Level == c.LogLevel).Name,
        (c, text) =>
        {
            foreach (var (name, level) in Levels)
            {
                if (string.Equals(name, text, StringComparison.Ordinal))
                {
                    return c with { LogLevel = level };
                }
            }

            return null;
        });

    /// <summary>A controller is the parent of root hubs: never a device (1-4), an interface or a root hub (usb1) itself.</summary>
    private static DaemonConfiguration? ControllersKey(DaemonConfiguration c, string text)
    {
        var names = text.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        return Array.TrueForAll(names, n => n.All(ch => IsNameCharacter(ch) || ch == ':') && !UsbPortPath.TryParse(n.Split(':')[0], out _))
            ? c with { Jail = c.Jail with { Controllers = [.. names.Distinct(StringComparer.Ordinal)] } }
            : null;
    }

    private static DaemonConfiguration? TlsListenKey(DaemonConfiguration c, string text) =>
        text.Length == 0 ? Tls(c, c.Tls with { Listen = null })
        : IPEndPoint.TryParse(text, out var listen) && listen.Port > 0 ? Tls(c, c.Tls with { Listen = listen }) : null;

    private static bool IsAbsolute(string text) => text.StartsWith('/') && !text.Split('/').Contains("..", StringComparer.Ordinal);

    private static bool IsNameCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.';
}
