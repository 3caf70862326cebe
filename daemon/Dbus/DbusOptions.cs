// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Dbus;

/// <summary>Whether and where the D-Bus door is.</summary>
internal sealed record DbusOptions
{
    public const string BusName = "org.usbhostd.UsbHost1";

    private const string PathAddress = "unix:path=";

    public bool Enabled { get; init; } = true;

    /// <summary>Of the system bus, as every client finds it (DBUS_SYSTEM_BUS_ADDRESS of dbus-daemon(1)).</summary>
    public string Address { get; init; } =
        Environment.GetEnvironmentVariable("DBUS_SYSTEM_BUS_ADDRESS") is { Length: > 0 } set ? set : "unix:path=/run/dbus/system_bus_socket";

    /// <summary>The socket's path, where the address is that of one socket alone, which all are in practice; else null.</summary>
    public string? SocketPath => Address.StartsWith(PathAddress, StringComparison.Ordinal) && Address.AsSpan().IndexOfAny(",;%") < 0 ? Address[PathAddress.Length..] : null;

    /// <summary>Calls under way for one connection; the next one is refused.</summary>
    public int MaxCallsPerPeer { get; init; } = 64;

    /// <summary>
    /// Calls under way for one user over all of his connections; root is not counted. Each may have polkit asked, and the bus lets the daemon
    /// wait for 128 replies.
    /// </summary>
    public int MaxCallsPerUser { get; init; } = 64;

    /// <summary>Calls under way for all callers; what a call began and left behind, a watch or an agent, is none.</summary>
    public int MaxCalls { get; init; } = 1024;

    /// <summary>How long a person may take to answer polkit's question.</summary>
    public TimeSpan QuestionPatience { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>How long a peer may take to read the signals it was sent, before it is sent no more.</summary>
    public TimeSpan WatchPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the bus may take to be told the last of it when the daemon stops.</summary>
    public TimeSpan Farewell { get; init; } = TimeSpan.FromSeconds(3);

    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan LongestRetry { get; init; } = TimeSpan.FromSeconds(30);
}
