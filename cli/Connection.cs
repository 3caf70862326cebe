// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api;

namespace UsbHostd.Cli;

/// <summary>The connection that the commands of a process share. It is made by the first that needs it, and anew for another address.</summary>
internal sealed class Connection : IDisposable
{
    private (string Address, TlsCredentials? Tls) target;
    private UsbHostClient? client;

    /// <summary>A client for the address; it stays the connection's own, and is good until another is asked for.</summary>
    /// <exception cref="UsbHostException">The address can't be read, or lacks its credentials.</exception>
    public UsbHostClient To(string address, TlsCredentials? tls)
    {
        if (client is not null && target == (address, tls))
        {
            return client;
        }

        var other = UsbHostClient.Connect(address, tls);
        client?.Dispose();
        (client, target) = (other, (address, tls));
        return client;
    }

    public void Dispose() => client?.Dispose();
}
