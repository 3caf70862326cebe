// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Rules;

/// <summary>Where the rules are.</summary>
internal sealed record RulesOptions
{
    /// <summary>Read first; need not exist.</summary>
    public string File { get; init; } = "/etc/usbhostd/rules.conf";

    /// <summary>Its files *.conf are read next, in the order of their names' bytes; need not exist.</summary>
    public string Folder { get; init; } = "/etc/usbhostd/rules.d";
}
