using UsbHostd.Api.V1;

namespace UsbHostd.Daemon.Service;

/// <summary>Who may do what: decided here and nowhere else.</summary>
/// <param name="group">Members of this group list and claim; null where there is none such.</param>
internal sealed class Rights(uint? group)
{
    /// <summary>Root, or a member of the group by the connection's own credentials.</summary>
    public void RequireMember(Caller caller)
    {
        if (caller.Uid != 0 && (group is not { } gid || !caller.Gids.Contains(gid)))
        {
            throw new HostException(
                ErrorCode.ErrorPermissionDenied, $"uid {caller.Uid} is not in the group that may use usbhostd",
                "sudo usermod -aG usbhostd USER, then log in again");
        }
    }

    public static bool IsAdministrator(Caller caller) => caller.Uid == 0;

    public static void RequireAdministrator(Caller caller, string what)
    {
        if (!IsAdministrator(caller))
        {
            throw Refusals.NotAdministrator(what);
        }
    }
}
