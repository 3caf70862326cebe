// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Net.Sockets;
using UsbHostd.Api.V1;

namespace UsbHostd.Api;

/// <summary>
/// Where a usbhostd listens: <c>unix:/run/usbhostd/api.sock</c>, <c>tcp+tls://host.example.org:7443</c>, or <c>tcp:127.0.0.1:7000</c>
/// for a relayed socket.
/// </summary>
public sealed class UsbHostAddress
{
    /// <summary>Where the daemon listens unless it is configured otherwise.</summary>
    public const string Default = "unix:/run/usbhostd/api.sock";

    private const string UnixScheme = "unix:";
    private const string TcpScheme = "tcp:";
    private const string TlsScheme = "tcp+tls://";

    private readonly string text;
    private readonly string host;
    private readonly int port;
    private readonly TlsCredentials? tls;

    private UsbHostAddress(string text, string host, int port, TlsCredentials? tls = null)
    {
        this.text = text;
        this.host = host;
        this.port = port;
        this.tls = tls;
    }

    /// <summary>The address as HTTP has it; a relayed socket has none of its own.</summary>
    internal Uri Root => tls is null ? new Uri("http://localhost") : new UriBuilder(Uri.UriSchemeHttps, host, port).Uri;

    private bool IsUnix => port == 0;

    /// <param name="tls">What a <c>tcp+tls</c> address needs; the others do without.</param>
    /// <exception cref="UsbHostException">It is no address, or lacks its credentials (ERROR_INVALID_ARGUMENT).</exception>
    public static UsbHostAddress Parse(string address, TlsCredentials? tls = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.StartsWith(UnixScheme + "/", StringComparison.Ordinal))
        {
            return new UsbHostAddress(address, address[UnixScheme.Length..], 0);
        }

        var scheme = address.StartsWith(TlsScheme, StringComparison.Ordinal) ? TlsScheme : TcpScheme;
        var colon = address.LastIndexOf(':');
        if (!address.StartsWith(scheme, StringComparison.Ordinal) || colon <= scheme.Length || !IsHost(address[scheme.Length..colon])
            || !ushort.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
        {
            throw new UsbHostException(
                ErrorCode.ErrorInvalidArgument, $"'{address}' is no address of a usbhostd",
                $"it looks like {Default}, {TlsScheme}host.example.org:7443 or tcp:127.0.0.1:7000");
        }

        if (scheme == TlsScheme && tls is null)
        {
            throw new UsbHostException(
                ErrorCode.ErrorInvalidArgument, $"{address} asks for a certificate", "say --tls-certificate, --tls-key and --tls-ca");
        }

        return new UsbHostAddress(address, address[scheme.Length..colon].Trim('[', ']'), port, scheme == TlsScheme ? tls : null);
    }

    /// <summary>Opens a connection; whoever gets the stream owns it.</summary>
    /// <exception cref="UsbHostException">Nobody answers (ERROR_UNAVAILABLE), or the caller may not connect (ERROR_PERMISSION_DENIED).</exception>
    public async ValueTask<Stream> OpenAsync(CancellationToken cancellationToken)
    {
        var socket = IsUnix
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await (IsUnix
                ? socket.ConnectAsync(new UnixDomainSocketEndPoint(host), cancellationToken)
                : socket.ConnectAsync(host, port, cancellationToken));
            var stream = new NetworkStream(socket, ownsSocket: true);
            return tls is null ? stream : await tls.AuthenticateAsync(stream, host, cancellationToken);
        }
        catch (Exception failure)
        {
            socket.Dispose();
            throw failure switch
            {
                SocketException refused => Explain(refused),
                ArgumentException unfit => new UsbHostException(ErrorCode.ErrorInvalidArgument, $"'{text}': {unfit.Message}", inner: unfit),
                _ => failure,
            };
        }
    }

    public override string ToString() => text;

    private static bool IsHost(string text) => Uri.CheckHostName(text) != UriHostNameType.Unknown;

    private UsbHostException Explain(SocketException refused) => (IsUnix, refused.SocketErrorCode) switch
    {
        (true, SocketError.AccessDenied) => new UsbHostException(
            ErrorCode.ErrorPermissionDenied,
            $"no access to {host}: your user is not in group usbhostd",
            "join the group: sudo usermod -aG usbhostd $USER, then log in again",
            refused),
        (true, SocketError.AddressNotAvailable) => new UsbHostException(
            ErrorCode.ErrorUnavailable, $"usbhostd is not running (no socket at {host})", "start it: systemctl start usbhostd", refused),
        (true, SocketError.ConnectionRefused) => new UsbHostException(
            ErrorCode.ErrorUnavailable, $"usbhostd is not running (nobody answers at {host})", "start it: systemctl start usbhostd", refused),
        _ => new UsbHostException(
            ErrorCode.ErrorUnavailable, $"can't connect to {text}: {refused.Message}", "see on that host whether it runs: systemctl status usbhostd", refused),
    };
}
