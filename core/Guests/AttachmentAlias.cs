// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Guests;

/// <summary>
/// The alias of a hostdev of ours, <c>ua-usbhostd-cmzxw6ytboi2e-pakkbtuglvass</c>: claim and plug. libvirt keeps aliases that
/// begin with <c>ua-</c> as the user gave them (formatdomain, section Devices), also over a managed save.
/// </summary>
public sealed record AttachmentAlias(ClaimId Claim, PlugToken Plug)
{
    private const string Prefix = "ua-usbhostd-";

    public static AttachmentAlias? TryParse([NotNullWhen(true)] string? alias)
    {
        if (alias is null || !alias.StartsWith(Prefix, StringComparison.Ordinal) || alias.Length != Prefix.Length + 27
            || alias[Prefix.Length + 13] != '-')
        {
            return null;
        }

        return ClaimId.TryParse(alias.Substring(Prefix.Length, 13), out var claim)
            && PlugToken.TryParse(alias[(Prefix.Length + 14)..], out var plug)
            ? new AttachmentAlias(claim, plug)
            : null;
    }

    public override string ToString() => $"{Prefix}{Claim}-{Plug}";
}
