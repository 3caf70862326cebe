// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Dbus;

/// <summary>An interface of an object of somebody on the bus.</summary>
internal sealed record BusTarget(string Name, string Path, string Interface)
{
    /// <summary>The bus itself.</summary>
    public static BusTarget Bus { get; } = new("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus");
}
