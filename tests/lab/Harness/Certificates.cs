// SPDX-License-Identifier: Apache-2.0
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace UsbHostd.Lab.Harness;

/// <summary>An authority, a server and a client for mutual TLS, made for one run.</summary>
public sealed class Certificates : IDisposable
{
    private readonly X509Certificate2 _authority;
    private readonly List<X509Certificate2> _mine = [];

    public Certificates()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=lab authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        _authority = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-2), TimeProvider.System.GetUtcNow().AddDays(2));
    }

    public string AuthorityPem => _authority.ExportCertificatePem();

    /// <summary>A certificate that the authority signed, and its key, both PEM.</summary>
    public (string Certificate, string Key) Make(string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(_authority, TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1), RandomNumberGenerator.GetBytes(8));
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>For a client of this name that trusts the authority alone.</summary>
    public SslClientAuthenticationOptions Client(string subject)
    {
        var (certificate, key) = Make(subject);
        var mine = X509Certificate2.CreateFromPem(certificate, key);
        _mine.Add(mine);
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(_authority);
        return new SslClientAuthenticationOptions { ClientCertificates = [mine], CertificateChainPolicy = policy };
    }

    public void Dispose()
    {
        _mine.ForEach(c => c.Dispose());
        _authority.Dispose();
    }
}
