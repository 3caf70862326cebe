// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api;

namespace UsbHostd.Cli.Interactive;

/// <summary>What lasts from one command of a shell to the next.</summary>
internal sealed class ShellState : IDisposable
{
    public Connection Connection { get; } = new();

    /// <summary>Where the commands' daemon is, unless one says --connect.</summary>
    public required string Address { get; set; }

    public TlsCredentials? Tls { get; set; }

    /// <summary>Whether every command writes JSON.</summary>
    public bool IsJson { get; init; }

    /// <summary>That the shell is to end behind this command.</summary>
    public bool IsLeaving { get; set; }

    public void Dispose() => Connection.Dispose();
}
