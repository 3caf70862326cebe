// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using UsbHostd.Api;
using UsbHostd.Daemon.Grpc.Tls;

namespace UsbHostd.Tests.Grpc.Tls;

/// <summary>Certificates made for one test, as PEM files in a folder of their own: two authorities, the server's, and clients'.</summary>
internal sealed class TlsFolder : IDisposable
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string AlternativeNames = "2.5.29.17";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly string root = Directory.CreateTempSubdirectory("usbhostd-tls-").FullName;
    private readonly X509Certificate2 authority = MakeAuthority("CN=lab authority");
    private readonly X509Certificate2 other = MakeAuthority("CN=other authority");

    public TlsFolder()
    {
        WriteAuthority("client-ca.pem", isOther: false);
        WriteAuthority("ca.pem", isOther: false);
        WriteServer("CN=usbhostd");
        Options = new TlsOptions
        {
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Certificate = At("server.pem"),
            Key = At("server-key.pem"),
            ClientCa = At("client-ca.pem"),
        };
    }

    public TlsOptions Options { get; }

    public string At(string name) => Path.Combine(root, name);

    public void WriteAuthority(string name, bool isOther) => File.WriteAllText(At(name), (isOther ? other : authority).ExportCertificatePem());

    public void WriteServer(string subject) => Write("server", new X500DistinguishedName(subject), authority, ServerAuthentication, TimeSpan.FromDays(1));

    /// <summary>A client's files.</summary>
    /// <param name="valid">How long from now on; a negative time has passed.</param>
    /// <param name="names">What it goes by besides; some of each kind where null.</param>
    public TlsCredentials Client(
        string subject, bool isOther = false, TimeSpan? valid = null, string usage = ClientAuthentication, Action<SubjectAlternativeNameBuilder>? names = null) =>
        Client(new X500DistinguishedName(subject), isOther, valid, usage, names);

    /// <summary>The same, of a subject as it is encoded.</summary>
    /// <param name="otherNames">The whole subjectAltName, in place of <paramref name="names"/>.</param>
    public TlsCredentials Client(
        X500DistinguishedName subject, bool isOther = false, TimeSpan? valid = null, string usage = ClientAuthentication,
        Action<SubjectAlternativeNameBuilder>? names = null, byte[]? otherNames = null)
    {
        Write("client", subject, isOther ? other : authority, usage, valid ?? TimeSpan.FromDays(1), names, otherNames);
        return new TlsCredentials(At("client.pem"), At("client-key.pem"), At("ca.pem"));
    }

    /// <summary>One that is for servers.</summary>
    public TlsCredentials ServersOwn() => Client("CN=not a client", usage: ServerAuthentication);

    /// <summary>What a client of its own goes by, which trusts our authority.</summary>
    public X509ChainPolicy ServerPolicy()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(authority);
        return policy;
    }

    public void Dispose()
    {
        authority.Dispose();
        other.Dispose();
        Directory.Delete(root, recursive: true);
    }

    private static X509Certificate2 MakeAuthority(string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        return request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-30), TimeProvider.System.GetUtcNow().AddDays(30));
    }

    private static void AddUsualNames(SubjectAlternativeNameBuilder names)
    {
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddUri(new Uri("spiffe://lab/erp"));
        names.AddEmailAddress("erp@lab.example");
    }

    private void Write(string name, X500DistinguishedName subject, X509Certificate2 issuer, string usage, TimeSpan valid,
        Action<SubjectAlternativeNameBuilder>? add = null, byte[]? otherNames = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        (add ?? AddUsualNames)(names);
        request.CertificateExtensions.Add(otherNames is null ? names.Build() : new X509Extension(AlternativeNames, otherNames, critical: false));
        var until = TimeProvider.System.GetUtcNow() + valid;
        using var certificate = request.Create(issuer, until.AddDays(-10), until, RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(At(name + "-key.pem"), key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(At(name + ".pem"), certificate.ExportCertificatePem());
    }
}
