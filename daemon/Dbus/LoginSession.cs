// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Dbus;

/// <summary>Asks systemd-logind (org.freedesktop.login1(5)) for the session that a caller's process is in.</summary>
internal static class LoginSession
{
    private const string Login = "org.freedesktop.login1";

    private static readonly BusTarget Manager = new(Login, "/org/freedesktop/login1", Login + ".Manager");

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// <c>session 3 of uid 1000</c>; where the process is in none, as a user's services are, or there is no logind, <c>uid 1000</c>. Only to tell
    /// whether there is an agent already: a pid may be another process's by now.
    /// </summary>
    public static async Task<string> OfAsync(BusConnection connection, Caller caller, CancellationToken cancellationToken)
    {
        if (caller.Pid <= 0)
        {
            // Logind takes 0 for whoever asks.
            return $"uid {caller.Uid}";
        }

        try
        {
            var path = await connection.CallAsync(
                Manager, "GetSessionByPID", "u", (ref to) => to.WriteUInt32((uint)caller.Pid), answer => answer.Expect("o").ReadObjectPathAsString(),
                cancellationToken, Patience).ConfigureAwait(false);
            var session = await connection.CallAsync(
                new BusTarget(Login, path, DbusDoor.PropertiesInterface), "Get", "ss", (ref to) =>
                {
                    to.Text(Login + ".Session");
                    to.Text("Id");
                }, answer =>
                {
                    var body = answer.Expect("v");
                    return body.Variant().Value as string ?? "";
                }, cancellationToken, Patience).ConfigureAwait(false);
            return $"session {DbusTypes.Cut(session)} of uid {caller.Uid}";
        }
        catch (Exception e) when (e is BusException or FormatException)
        {
            return $"uid {caller.Uid}";
        }
    }
}
