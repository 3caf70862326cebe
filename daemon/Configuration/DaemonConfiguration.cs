// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Isolation;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Dbus;
using UsbHostd.Daemon.Grpc;
using UsbHostd.Daemon.Grpc.Tls;
using UsbHostd.Daemon.Rules;
using UsbHostd.Daemon.Service;
using UsbHostd.Daemon.Usb;

namespace UsbHostd.Daemon.Configuration;

/// <summary>Everything that an administrator may set; immutable. <see cref="ConfigurationKeys"/> names each in the file.</summary>
internal sealed record DaemonConfiguration
{
    /// <summary>Holds the database; systemd makes it.</summary>
    public string StateDirectory { get; init; } = "/var/lib/usbhostd";

    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    public string LibvirtUri { get; init; } = "qemu:///system";

    /// <summary>The group usbhostd by default, which is made when the daemon is installed.</summary>
    public GrpcOptions Api { get; init; } = new() { SocketGroup = "usbhostd" };

    public DbusOptions Dbus { get; init; } = new();

    public RoleOptions Roles { get; init; } = new();

    public CallerLimitOptions Callers { get; init; } = new();

    public TlsOptions Tls { get; init; } = new();

    public ReconcileLimits Limits { get; init; } = new();

    public JailOptions Jail { get; init; } = new();

    public RulesOptions Rules { get; init; } = new();

    public UsbHostOptions Usb { get; init; } = new();

    public string Database => Path.Combine(StateDirectory, "usbhostd.db");
}
