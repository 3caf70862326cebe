// SPDX-License-Identifier: Apache-2.0
using Tmds.DBus.Protocol;
using UsbHostd.Api;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Dbus;

/// <summary>
/// Asks polkit whether the sender of one call may do what its roles don't allow it: action <c>org.usbhostd.usbhost1.NAME</c>, subject by the
/// sender's unique name (CheckAuthorization of polkit's D-Bus reference). No polkit on the bus is a no.
/// </summary>
/// <param name="sender">The unique name of who called.</param>
/// <param name="patience">How long a person may be asked, where the call says itself that one may be; null where none may.</param>
internal sealed class PolkitAuthority(BusConnection connection, string sender, TimeSpan? patience, ILogger logger) : IAuthority
{
    private const string ActionPrefix = "org.usbhostd.usbhost1.";

    /// <summary>CheckAuthorizationFlags.</summary>
    private const uint AllowUserInteraction = 1;

    private static readonly BusTarget Polkit = new(
        "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority");

    private static long lastCheck;

    /// <inheritdoc/>
    public async ValueTask<bool> GrantsAsync(Right right, IReadOnlyDictionary<string, string> details, CancellationToken cancellationToken)
    {
        var action = ActionPrefix + right.ToString().ToLowerInvariant();
        var check = $"usbhostd-{Interlocked.Increment(ref lastCheck)}";
        try
        {
            // The caller's end cancels it.
            var granted = await connection.CallAsync(
                Polkit, "CheckAuthorization", "(sa{sv})sa{ss}us", (ref to) => Write(ref to, action, details, check), Granted, cancellationToken, patience).ConfigureAwait(false);
            DbusLog.PolkitSaid(logger, action, sender, granted);
            return granted;
        }
        catch (OperationCanceledException)
        {
            await CancelAsync(check).ConfigureAwait(false);
            throw;
        }
        catch (BusException e)
        {
            DbusLog.NoPolkit(logger, action, sender, e.Message);
            if (e.Name == BusException.NoReply)
            {
                await CancelAsync(check).ConfigureAwait(false);
            }

            return false;
        }
    }

    /// <summary>(bba{ss}): whether it is authorised; whether it would be after a challenge; details.</summary>
    private static bool Granted(Message answer)
    {
        var body = answer.Expect("(bba{ss})");
        body.AlignStruct();
        return body.ReadBool();
    }

    private void Write(ref MessageWriter to, string action, IReadOnlyDictionary<string, string> details, string check)
    {
        to.WriteStructureStart();
        to.Text("system-bus-name");
        var subject = to.WriteDictionaryStart();
        to.TextEntry("name", sender);
        to.WriteDictionaryEnd(subject);
        to.Text(action);
        var about = to.WriteDictionaryStart();
        foreach (var (key, value) in details)
        {
            to.WriteDictionaryEntryStart();
            to.Text(key);
            to.Text(value);
        }

        to.WriteDictionaryEnd(about);
        to.WriteUInt32(patience is null ? 0 : AllowUserInteraction);
        to.Text(check);
    }

    /// <summary>Takes the dialogue off the screen; nobody waits for what comes of it.</summary>
    private async Task CancelAsync(string check)
    {
        try
        {
            await connection.TellAsync(Polkit, "CancelCheckAuthorization", "s", (ref to) => to.Text(check), CancellationToken.None).ConfigureAwait(false);
        }
        catch (BusException)
        {
            // The bus is gone.
        }
    }
}
