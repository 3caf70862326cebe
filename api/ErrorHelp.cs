// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;

namespace UsbHostd.Api;

/// <summary>Where more is to be read of an error: google.rpc.Help's link.</summary>
/// <param name="Url">For example <c>man:usbhostd-rules(5)</c>, as in Documentation= of systemd.unit(5).</param>
/// <param name="Description">What the page says of it, for example <c>what the rules allow</c>.</param>
public sealed record ErrorHelp(string Url, string Description)
{
    private static readonly ErrorHelp Commands = new("man:usbhostctl(1)", "what each error means, and how devices and guests are named");
    private static readonly ErrorHelp Daemon = new("man:usbhostd(8)", "what the daemon needs, its files, and its log");
    private static readonly ErrorHelp Roles = new("man:usbhostd.conf(5)", "who may do what: section [roles]");
    private static readonly ErrorHelp Callers = new("man:usbhostd.conf(5)", "what one caller may have: section [callers]");
    private static readonly ErrorHelp Rules = new("man:usbhostd-rules(5)", "how rules are written, and what they allow");
    private static readonly ErrorHelp Guard = new("man:usbhostd-rules(5)", "what no rule gives away: beneath the rules");

    /// <summary>That of any code, also of one which a newer daemon sent.</summary>
    public static ErrorHelp Of(ErrorCode code) => code switch
    {
        ErrorCode.ErrorPermissionDenied => Roles,
        ErrorCode.ErrorTooMany => Callers,
        ErrorCode.ErrorNotAllowed or ErrorCode.ErrorRulesRefused => Rules,
        ErrorCode.ErrorInUseByHost or ErrorCode.ErrorIsHub => Guard,
        ErrorCode.ErrorLibvirtUnavailable or ErrorCode.ErrorStorageFull or ErrorCode.ErrorUnavailable or ErrorCode.ErrorInternal => Daemon,
        _ => Commands,
    };
}
