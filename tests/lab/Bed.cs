using UsbHostd.Lab.Harness;

[assembly: NUnit.Framework.Category("Lab")]
[assembly: NUnit.Framework.NonParallelizable]

namespace UsbHostd.Lab;

/// <summary>The bed of one test run: builds what is missing, boots L1 once, and takes it down whatever happens. USBHOSTD_LAB_JOIN names the
/// run folder of an L1 to use instead, which keeps running.</summary>
[SetUpFixture]
public sealed class Bed
{
    private const int MostRevivals = 5;

    private static readonly Dictionary<string, GuestVm> Guests = new(StringComparer.Ordinal);
    private static int s_revivals;

    public static HostVm Host { get; private set; } = null!;

    public static Libvirtd Libvirtd { get; private set; } = null!;

    public static Daemon Daemon { get; private set; } = null!;

    /// <summary>A client of the daemon's API; it outlives the daemon and connects again.</summary>
    public static ApiClient Api { get; private set; } = null!;

    /// <summary>The guest that most tests share: with an operating system, kept running from test to test.</summary>
    public static Task<GuestVm> AlphaAsync() => GuestAsync("alpha", "");

    /// <summary>A second guest with an operating system.</summary>
    public static Task<GuestVm> GammaAsync() => GuestAsync("gamma", "");

    /// <summary>A guest without an operating system: quick to start, holds devices, configures none.</summary>
    public static Task<GuestVm> BetaAsync() => GuestAsync("beta", "--firmware");

    /// <summary>A running guest by name; <paramref name="shape"/> is bed/domain's options and counts where it isn't defined yet.</summary>
    public static async Task<GuestVm> GuestAsync(string name, string shape)
    {
        if (!Guests.TryGetValue(name, out var guest))
        {
            Guests[name] = guest = new GuestVm(Host, name, shape);
        }

        await guest.EnsureRunningAsync();
        return guest;
    }

    [OneTimeSetUp]
    public async Task Up()
    {
        await Tool.RunAsync(Path.Combine(Repository.Bed, "build.sh"));
        Api = new ApiClient(cancellation => Daemon.ConnectAsync(cancellation));
        try
        {
            await BootAsync();
        }
        catch (Exception e) when (e is LabException or TimeoutException)
        {
            await TestContext.Progress.WriteLineAsync($"L1 did not come up, and is booted once more: {e.Message}");
            await BootAsync();
        }
    }

    [OneTimeTearDown]
    public async Task Down()
    {
        Api?.Dispose();
        if (Host is not null)
        {
            await Host.DisposeAsync();
        }
    }

    /// <summary>A new L1 where the last test has lost it: one loss is one failed test, not all that follow. More than a few are not worth the time.</summary>
    public static async Task ReviveAsync()
    {
        if (Host.IsLost && s_revivals < MostRevivals)
        {
            s_revivals++;
            await Host.DisposeAsync();
            await BootAsync();
        }
    }

    private static async Task BootAsync()
    {
        Guests.Clear();
        Host = Environment.GetEnvironmentVariable("USBHOSTD_LAB_JOIN") is { Length: > 0 } run ? await HostVm.JoinAsync(run) : await HostVm.BootAsync();
        Libvirtd = new Libvirtd(Host);
        Daemon = new Daemon(Host);
    }
}
