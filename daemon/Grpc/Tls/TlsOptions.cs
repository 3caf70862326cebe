// SPDX-License-Identifier: Apache-2.0
using System.Net;

namespace UsbHostd.Daemon.Grpc.Tls;

/// <summary>Where the gRPC door listens on TCP, with what certificate, and whose clients it takes. Off without an address.</summary>
internal sealed record TlsOptions
{
    /// <summary>Null where nothing listens on TCP.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>PEM: the server's certificate, then the intermediate ones.</summary>
    public string Certificate { get; init; } = "/etc/usbhostd/tls/server.pem";

    /// <summary>PEM: the certificate's private key, without a passphrase.</summary>
    public string Key { get; init; } = "/etc/usbhostd/tls/server-key.pem";

    /// <summary>PEM: the authorities one of which has signed each client's certificate.</summary>
    public string ClientCa { get; init; } = "/etc/usbhostd/tls/client-ca.pem";

    /// <summary>How long a client may take from its connection to the end of its handshake.</summary>
    public TimeSpan HandshakePatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Handshakes at once; one address has an eighth of them.</summary>
    public int MaxHandshakes { get; init; } = 64;

    public IEnumerable<string> Files => [Certificate, Key, ClientCa];
}
