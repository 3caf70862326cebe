// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Dbus;

/// <summary>A call over the bus came back as an error, or the bus itself failed.</summary>
/// <param name="name">The error's name, <c>org.freedesktop.DBus.Error.ServiceUnknown</c>; or <see cref="Failed"/>.</param>
internal sealed class BusException(string name, string message) : Exception(message)
{
    public const string Failed = "org.freedesktop.DBus.Error.Failed";

    /// <summary>Nobody answered in time.</summary>
    public const string NoReply = "org.freedesktop.DBus.Error.NoReply";

    /// <summary>The queue of whom it was for is full, or who sent it waits for too many replies.</summary>
    public const string LimitsExceeded = "org.freedesktop.DBus.Error.LimitsExceeded";

    public string Name { get; } = name;

    public static BusException Gone() => new("org.freedesktop.DBus.Error.Disconnected", "the bus is gone");
}
