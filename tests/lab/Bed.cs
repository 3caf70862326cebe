// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using UsbHostd.Lab.Harness;

[assembly: Parallelizable(ParallelScope.Fixtures)]
[assembly: LevelOfParallelism(2)]
[assembly: Category("Lab")]

namespace UsbHostd.Lab;

/// <summary>
/// What a test stands on: an L1 with libvirtd, the daemon and guests. Each of NUnit's workers has one of its own, booted when it runs its first test, so
/// that fixtures run beside each other and know nothing of it: the static members are those of the worker that asks.
/// </summary>
public sealed class Bed : IAsyncDisposable
{
    private const int MostBoots = 7;

    private static readonly ConcurrentDictionary<string, Bed> s_beds = new(StringComparer.Ordinal);

    private readonly Dictionary<string, GuestVm> _guests = new(StringComparer.Ordinal);
    private int _boots;
    private HostVm? _host;
    private Libvirtd? _libvirtd;
    private Daemon? _daemon;
    private ApiClient? _api;

    public static HostVm Host => Made(Mine._host);

    public static Libvirtd Libvirtd => Made(Mine._libvirtd);

    public static Daemon Daemon => Made(Mine._daemon);

    /// <summary>A client of the daemon's API; it outlives the daemon and connects again.</summary>
    public static ApiClient Api => Made(Mine._api);

    /// <summary>True where no L1 runs: none came up, or it died, or hangs.</summary>
    public static bool IsLost => Mine._host is not { IsLost: false };

    private static Bed Mine => s_beds.GetOrAdd(TestContext.CurrentContext.WorkerId ?? "", _ => new Bed());

    /// <summary>The guest that most tests share: with an operating system, kept running from test to test.</summary>
    public static Task<GuestVm> AlphaAsync() => GuestAsync("alpha", "");

    /// <summary>A second guest with an operating system.</summary>
    public static Task<GuestVm> GammaAsync() => GuestAsync("gamma", "");

    /// <summary>A guest without an operating system: quick to start, holds devices, configures none.</summary>
    public static Task<GuestVm> BetaAsync() => GuestAsync("beta", "--firmware");

    /// <summary>A running guest by name; <paramref name="shape"/> is bed/domain's options and counts where it isn't defined yet.</summary>
    public static async Task<GuestVm> GuestAsync(string name, string shape)
    {
        var guests = Mine._guests;
        if (!guests.TryGetValue(name, out var guest))
        {
            guests[name] = guest = new GuestVm(Host, name, shape);
        }

        await guest.EnsureRunningAsync();
        return guest;
    }

    /// <summary>An L1 that runs: the first one, or a new one where the last test has lost it. One loss is one failed test, not all that follow; more
    /// than a few are not worth the time.</summary>
    public static Task ReadyAsync() => Mine.BootWhereNoneRunsAsync();

    /// <summary>Takes down all there are.</summary>
    public static async Task AllDownAsync()
    {
        foreach (var bed in s_beds.Values)
        {
            await bed.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _api?.Dispose();
        var host = _host;
        _host = null;
        if (host is not null)
        {
            await host.DisposeAsync();
        }
    }

    private static T Made<T>(T? part) where T : class => part ?? throw new LabException("no L1 runs yet: Bed.ReadyAsync comes first");

    private async Task BootWhereNoneRunsAsync()
    {
        if (_host is { IsLost: false })
        {
            return;
        }

        await DisposeAsync();
        for (var isFirst = true; ; isFirst = false)
        {
            if (_boots == MostBoots)
            {
                throw new LabException($"L1 was booted {MostBoots} times, and is not there");
            }

            _boots++;
            try
            {
                await BootAsync();
                return;
            }
            catch (Exception e) when (isFirst && e is (LabException or TimeoutException))
            {
                await TestContext.Progress.WriteLineAsync($"L1 did not come up, and is booted once more: {e.Message}");
            }
        }
    }

    private async Task BootAsync()
    {
        _guests.Clear();
        var host = Environment.GetEnvironmentVariable("USBHOSTD_LAB_JOIN") is { Length: > 0 } run ? await HostVm.JoinAsync(run) : await HostVm.BootAsync();
        var daemon = new Daemon(host);
        (_host, _libvirtd, _daemon) = (host, new Libvirtd(host), daemon);
        _api = new ApiClient(daemon.ConnectAsync);
    }
}

/// <summary>Before the first bed, builds what is missing; after the last test, takes the beds down, whatever happened.</summary>
[SetUpFixture]
public sealed class Beds
{
    [OneTimeSetUp]
    public Task BuildAsync() => Tool.RunAsync(Path.Combine(Repository.Bed, "build.sh"));

    [OneTimeTearDown]
    public Task DownAsync() => Bed.AllDownAsync();
}
