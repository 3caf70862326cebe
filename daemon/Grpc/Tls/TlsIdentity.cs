// SPDX-License-Identifier: Apache-2.0
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace UsbHostd.Daemon.Grpc.Tls;

/// <summary>What the files of <see cref="TlsOptions"/> held when they were read; immutable.</summary>
internal sealed class TlsIdentity
{
    /// <summary>id-kp-clientAuth (RFC 5280, section 4.2.1.12).</summary>
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly SslStreamCertificateContext certificate;
    private readonly X509Certificate2Collection authorities;

    private TlsIdentity(SslStreamCertificateContext certificate, X509Certificate2Collection authorities)
    {
        this.certificate = certificate;
        this.authorities = authorities;
    }

    public string Subject => certificate.TargetCertificate.Subject;

    public DateTime ValidUntil => certificate.TargetCertificate.NotAfter.ToUniversalTime();

    /// <exception cref="IOException">A file can't be read, or isn't what it should be; the message names it.</exception>
    public static TlsIdentity Load(TlsOptions options)
    {
        var chain = Read(options.Certificate, "certificate", () =>
        {
            var all = new X509Certificate2Collection();
            all.ImportFromPemFile(options.Certificate);
            return all.Count > 0 ? all : throw new CryptographicException("there is no certificate in it");
        });
        var own = Read(options.Key, "key", () => X509Certificate2.CreateFromPemFile(options.Certificate, options.Key));
        chain.RemoveAt(0);
        var trusted = Read(options.ClientCa, "client-ca", () =>
        {
            var all = new X509Certificate2Collection();
            all.ImportFromPemFile(options.ClientCa);
            return all.Count > 0 ? all : throw new CryptographicException("there is no certificate in it");
        });
        return new TlsIdentity(SslStreamCertificateContext.Create(own, chain, offline: true), trusted);
    }

    /// <summary>For one handshake, which fails without a client certificate that <paramref name="validate"/> takes.</summary>
    public SslServerAuthenticationOptions Options(RemoteCertificateValidationCallback validate) => new()
    {
        ServerCertificateContext = certificate,
        ClientCertificateRequired = true,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        ApplicationProtocols = [SslApplicationProtocol.Http2],
        AllowRenegotiation = false,
        CertificateChainPolicy = ClientPolicy(),
        RemoteCertificateValidationCallback = validate,
    };

    /// <summary>Our authorities alone, not the host's; and nothing is fetched from where a client's certificate points to.</summary>
    private X509ChainPolicy ClientPolicy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(authorities);
        policy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        return policy;
    }

    private static T Read<T>(string path, string key, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception unfit) when (unfit is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new IOException($"[tls] {key}: {path} can't be used: {unfit.Message}; expected PEM that the daemon's user may read", unfit);
        }
    }
}
