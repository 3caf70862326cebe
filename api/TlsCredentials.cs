// SPDX-License-Identifier: Apache-2.0
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using UsbHostd.Api.V1;

namespace UsbHostd.Api;

/// <summary>Files with what a client shows to a usbhostd on TCP, and with the authorities that it trusts there.</summary>
/// <param name="Certificate">PEM: the client's certificate, then the intermediate ones.</param>
/// <param name="Key">PEM: its private key, without a passphrase.</param>
/// <param name="Authorities">PEM: who may have signed the daemon's certificate; the host's own authorities are not asked.</param>
public sealed record TlsCredentials(string Certificate, string Key, string Authorities)
{
    /// <summary>Ends the handshake before anything else is sent; whoever gets the stream owns it, and so <paramref name="stream"/>.</summary>
    /// <param name="host">The name or address that the daemon's certificate has to be for.</param>
    /// <exception cref="UsbHostException">A file can't be used (ERROR_INVALID_ARGUMENT), or one side refuses the other (ERROR_UNAVAILABLE).</exception>
    internal async ValueTask<Stream> AuthenticateAsync(Stream stream, string host, CancellationToken cancellationToken)
    {
        var tls = new SslStream(stream);
        try
        {
            await tls.AuthenticateAsClientAsync(Options(host), cancellationToken);
            return tls;
        }
        catch (Exception failure) when (failure is AuthenticationException or IOException)
        {
            await tls.DisposeAsync();
            throw new UsbHostException(
                ErrorCode.ErrorUnavailable, $"no TLS connection to {host}: {failure.InnerException?.Message ?? failure.Message}",
                "the daemon's certificate must be for that name and of an authority of --tls-ca, ours of its client-ca", failure);
        }
        catch (Exception)
        {
            await tls.DisposeAsync();
            throw;
        }
    }

    private SslClientAuthenticationOptions Options(string host)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(Read(Authorities, () => All(Authorities)));
        var chain = Read(Certificate, () => All(Certificate));
        chain.RemoveAt(0);
        var own = Read(Key, () => X509Certificate2.CreateFromPemFile(Certificate, Key));
        return new SslClientAuthenticationOptions
        {
            TargetHost = host,
            ClientCertificateContext = SslStreamCertificateContext.Create(own, chain, offline: true),
            CertificateChainPolicy = policy,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
        };
    }

    private static X509Certificate2Collection All(string path)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPemFile(path);
        return all.Count > 0 ? all : throw new CryptographicException("there is no certificate in it");
    }

    private static T Read<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception unfit) when (unfit is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsbHostException(ErrorCode.ErrorInvalidArgument, $"{path} can't be used: {unfit.Message}", "it has to be a PEM file", unfit);
        }
    }
}
