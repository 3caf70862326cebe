namespace UsbHostd.Daemon.Dbus;

/// <summary>Whether and where the D-Bus door is.</summary>
internal sealed record DbusOptions
{
    public const string BusName = "org.usbhostd.UsbHost1";

    public bool Enabled { get; init; } = true;

    /// <summary>Of the system bus, as every client finds it (DBUS_SYSTEM_BUS_ADDRESS of dbus-daemon(1)).</summary>
    public string Address { get; init; } =
        Environment.GetEnvironmentVariable("DBUS_SYSTEM_BUS_ADDRESS") is { Length: > 0 } set ? set : "unix:path=/run/dbus/system_bus_socket";

    /// <summary>Calls under way for one caller; the next one is refused.</summary>
    public int MaxCallsPerPeer { get; init; } = 64;

    /// <summary>Calls under way for all callers.</summary>
    public int MaxCalls { get; init; } = 1024;

    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan LongestRetry { get; init; } = TimeSpan.FromSeconds(30);
}
