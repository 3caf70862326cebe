// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Lab.Harness;

/// <summary>
/// The daemon, in L1, with the user, groups and capabilities of its unit. Published on the outer machine at its first start: L1 caches what it
/// has read, so a later publish would not be seen.
/// </summary>
public sealed class Daemon(HostVm host)
{
    private const string Socket = "/run/usbhostd/api.sock";
    public const string Log = "/run/lab/usbhostd.log";

    private static readonly Lazy<Task> s_published = new(PublishAsync);
    private bool _runs;

    private static string Program { get; } =
        Environment.GetEnvironmentVariable("USBHOSTD_PROGRAM") ?? Path.Combine(Repository.Root, "out", "usbhostd", "usbhostd");

    /// <summary>The published usbhostctl.</summary>
    public static string Client { get; } =
        Environment.GetEnvironmentVariable("USBHOSTCTL_PROGRAM") ?? Path.Combine(Repository.Root, "out", "usbhostctl", "usbhostctl");

    /// <summary>Publishes daemon and client, unless the environment names both.</summary>
    private static Task PublishAsync() =>
        Environment.GetEnvironmentVariable("USBHOSTD_PROGRAM") is null || Environment.GetEnvironmentVariable("USBHOSTCTL_PROGRAM") is null
            ? Tool.RunAsync("./dev", "publish")
            : Task.CompletedTask;

    /// <summary>Starts it and waits until its API answers.</summary>
    public async Task StartAsync(string environment = "")
    {
        await BeginAsync(environment).ConfigureAwait(false);
        await host.DoAsync($"{Repository.Bed}/usbhostd wait {Within.Boot.TotalSeconds} || {{ tail -30 {Log}; exit 1; }}", Within.Boot).ConfigureAwait(false);
    }

    /// <summary>Starts it, to whatever end.</summary>
    public async Task BeginAsync(string environment = "")
    {
        await s_published.Value.ConfigureAwait(false);
        await host.DoAsync($"USBHOSTD_PROGRAM={Program} USBHOSTD_ENV='{environment}' {Repository.Bed}/usbhostd start").ConfigureAwait(false);
        _runs = true;
    }

    /// <summary>Waits until it has died by itself.</summary>
    public async Task DiesAsync()
    {
        await host.DoAsync($"pid=$(cat /run/lab/usbhostd.pid); timeout {Within.Boot.TotalSeconds} tail --pid=$pid -s 0.05 -f /dev/null", Within.Boot).ConfigureAwait(false);
        _runs = false;
    }

    public async Task EnsureRunningAsync()
    {
        if (!_runs && (await host.RunAsync($"{Repository.Bed}/usbhostd pid").ConfigureAwait(false)).ExitCode != 0)
        {
            await StartAsync().ConfigureAwait(false);
        }
    }

    public async Task<int> PidAsync() => int.Parse(await host.DoAsync($"{Repository.Bed}/usbhostd pid").ConfigureAwait(false), provider: null);

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => EndAsync("kill");

    /// <summary>SIGTERM, and waits for its end.</summary>
    public Task TerminateAsync() => EndAsync("term");

    /// <summary>After a failure: ends it if it runs, and removes its database.</summary>
    public async Task StartOverAsync()
    {
        _runs = false;
        await host.RunAsync($"{Repository.Bed}/usbhostd kill; {Repository.Bed}/usbhostd wipe").ConfigureAwait(false);
    }

    private async Task EndAsync(string verb)
    {
        _runs = false;
        await host.DoAsync($"{Repository.Bed}/usbhostd {verb}").ConfigureAwait(false);
    }

    /// <summary>Removes the database of a stopped daemon.</summary>
    public Task WipeAsync() => host.DoAsync($"{Repository.Bed}/usbhostd wipe");

    /// <summary>A stream to its API socket, with root as the peer: for a client's connect callback.</summary>
    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellation) =>
        await host.Agent.RelayAsync(Socket, cancellation).ConfigureAwait(false);

    /// <summary>A stream to the port that its configuration says it listens on.</summary>
    public async ValueTask<Stream> ConnectAsync(int tcpPort, CancellationToken cancellation) =>
        await host.Agent.RelayAsync(tcpPort, cancellation).ConfigureAwait(false);
}
