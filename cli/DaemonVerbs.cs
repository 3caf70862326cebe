// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using System.Reflection;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli;

/// <summary>version, health, uri.</summary>
internal static class DaemonVerbs
{
    public static Command Version(CommandLine line) => line.Verb(
        new Command("version", "Show the versions of this program, the daemon and libvirt"), VersionAsync);

    public static Command Health(CommandLine line) => line.Verb(
        new Command("health", "Show whether the daemon can do its work"), HealthAsync);

    public static Command Uri(CommandLine line) => line.OfflineVerb(
        new Command("uri", "Show the address at which the daemon is asked"),
        (terminal, parsed) =>
        {
            terminal.Out.WriteLine(TerminalText.Escape(line.Address(parsed)));
            return ExitCode.Ok;
        });

    private static async Task<ExitCode> VersionAsync(Session session, ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!session.IsJson)
        {
            session.Fields(("usbhostctl", Assembly.GetExecutingAssembly().GetName().Version?.ToString(3) ?? ""));
            session.Flush();
        }

        var version = await session.Client.GetVersionAsync(new GetVersionRequest(), cancellationToken);
        if (session.IsJson)
        {
            session.Json(version);
        }
        else
        {
            session.Fields(
                ("usbhostd", version.Daemon),
                ("API", version.Api),
                ("libvirt", version.Libvirt),
                ("Hypervisor", version.Hypervisor),
                ("URI", version.LibvirtUri));
        }

        return ExitCode.Ok;
    }

    private static async Task<ExitCode> HealthAsync(Session session, ParseResult parsed, CancellationToken cancellationToken)
    {
        var health = await session.Client.GetHealthAsync(new GetHealthRequest(), cancellationToken);
        if (session.IsJson)
        {
            session.Json(health);
        }
        else
        {
            session.Fields(
                ("libvirt", health.LibvirtConnected ? "connected" : "unavailable: " + health.LibvirtError),
                ("Rules", health.RulesWaiting.Length == 0 ? "in force" : health.RulesWaiting),
                ("Devices", Words.Number(health.Devices)),
                ("Guests", Words.Number(health.Guests)),
                ("Claims", $"{Words.Number(health.Claims)}, {Words.Number(health.Attached)} attached"),
                ("Running since", Words.Time(health.Started)),
                ("Heap", string.Create(CultureInfo.InvariantCulture, $"{health.HeapBytes / 1048576.0:0.0} MiB")),
                ("Descriptors", Words.Number(health.OpenDescriptors)));
        }

        return health.LibvirtConnected ? ExitCode.Ok : ExitCode.Unavailable;
    }
}
