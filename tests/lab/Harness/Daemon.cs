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

    private static string Program { get; } =
        Environment.GetEnvironmentVariable("USBHOSTD_PROGRAM") ?? Path.Combine(Repository.Root, "out", "lab", "daemon", "usbhostd");

    /// <summary>Publishes the daemon, unless USBHOSTD_PROGRAM names one that is.</summary>
    private static Task PublishAsync() => Environment.GetEnvironmentVariable("USBHOSTD_PROGRAM") is not null
        ? Task.CompletedTask
        : Tool.RunAsync("dotnet", "publish", "daemon/UsbHostd.Daemon.csproj", "-c", "Release", "-o", Path.GetDirectoryName(Program)!, "--nologo", "-v", "quiet");

    /// <summary>Starts it and waits until its API answers.</summary>
    public async Task StartAsync(string environment = "")
    {
        await s_published.Value.ConfigureAwait(false);
        await host.DoAsync($"USBHOSTD_PROGRAM={Program} USBHOSTD_ENV='{environment}' {Repository.Bed}/usbhostd start").ConfigureAwait(false);
        await host.DoAsync($"{Repository.Bed}/usbhostd wait {Within.Boot.TotalSeconds} || {{ tail -30 {Log}; exit 1; }}", Within.Boot).ConfigureAwait(false);
    }

    public async Task EnsureRunningAsync()
    {
        if ((await host.RunAsync($"{Repository.Bed}/usbhostd pid").ConfigureAwait(false)).ExitCode != 0)
        {
            await StartAsync().ConfigureAwait(false);
        }
    }

    public async Task<int> PidAsync() => int.Parse(await host.DoAsync($"{Repository.Bed}/usbhostd pid").ConfigureAwait(false), provider: null);

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => host.DoAsync($"{Repository.Bed}/usbhostd kill");

    /// <summary>SIGTERM, and waits for its end.</summary>
    public Task TerminateAsync() => host.DoAsync($"{Repository.Bed}/usbhostd term");

    /// <summary>Removes the database of a stopped daemon.</summary>
    public Task WipeAsync() => host.DoAsync($"{Repository.Bed}/usbhostd wipe");

    /// <summary>A stream to its API socket, with root as the peer: for a client's connect callback.</summary>
    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellation) =>
        await host.Agent.RelayAsync(Socket, cancellation).ConfigureAwait(false);
}
