// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Configuration;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Grpc.Tls;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Tests.Grpc.Tls;

/// <summary>Who may come in over TCP, and who may not.</summary>
[TestFixture]
internal sealed class TlsListenerTests
{
    private const int Loaded = 1310;
    private const int NotLoaded = 1311;
    private const int Refused = 1313;

    // Tags of GeneralName (RFC 5280, section 4.2.1.6).
    private const int Mail = 1;
    private const int Dns = 2;
    private const int UniformResource = 6;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private TlsFolder folder = null!;
    private GrpcFixture grpc = null!;

    [SetUp]
    public async Task StartAsync()
    {
        folder = new TlsFolder();
        grpc = await GrpcFixture.StartAsync(tls: folder.Options);
        grpc.Service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = "1" });
    }

    [TearDown]
    public async Task StopAsync()
    {
        await grpc.DisposeAsync();
        folder.Dispose();
    }

    [Test]
    public async Task Client_OfOurAuthority_IsKnownByItsCertificate()
    {
        using var client = Connect(folder.Client("CN=erp, O=lab"));
        await client.GetVersionAsync(new GetVersionRequest());

        var caller = grpc.Service.Asked.Single().Caller;
        Assert.Multiple(() =>
        {
            Assert.That(caller.Certificate!.Subject, Is.EqualTo("CN=erp, O=lab"));
            Assert.That(caller.Certificate.Names, Is.EquivalentTo(["localhost", "127.0.0.1", "spiffe://lab/erp", "erp@lab.example"]));
            Assert.That((caller.Door, caller.Uid), Is.EqualTo(("tls", Caller.NoUid)));
        });
    }

    [Test]
    public async Task Client_Expired_IsRefusedAndLogged() =>
        await AssertRefusedAsync(folder.Client("CN=late", valid: TimeSpan.FromDays(-1)), "the certificate of CN=late has expired or is not valid yet");

    [Test]
    public async Task Client_OfAnotherAuthority_IsRefusedAndLogged() =>
        await AssertRefusedAsync(folder.Client("CN=stranger", isOther: true), "the certificate of CN=stranger was not signed by an authority of client-ca");

    [Test]
    public async Task Client_WithAServersCertificate_IsRefusedAndLogged() =>
        await AssertRefusedAsync(folder.ServersOwn(), "the certificate of CN=not a client is not for clients (extended key usage)");

    [TestCase("CN=erp, O=lab", "cert:CN=erp, O=lab")]
    [TestCase("", "cert:name:spiffe://lab/erp")]
    [TestCase("", "cert:name:erp.lab.example", "erp.lab.example", "other.lab.example")]
    public async Task Client_Owner_IsItsSubjectElseItsFirstName(string subject, string owner, params string[] dnsNames)
    {
        using var client = Connect(folder.Client(subject, names: dnsNames.Length == 0 ? null : builder => Array.ForEach(dnsNames, builder.AddDnsName)));
        await client.GetVersionAsync(new GetVersionRequest());

        Assert.That(grpc.Service.Asked.Single().Caller.Owner, Is.EqualTo(owner));
    }

    [Test]
    public async Task Client_WhoseCertificateNamesNobody_IsRefusedAndLogged() => await AssertRefusedAsync(
        folder.Client("", names: builder => builder.AddEmailAddress("erp@lab.example")),
        "its certificate names nobody: it has no subject, no URI and no DNS name");

    [Test]
    public async Task Client_WhoseSubjectEndsInNul_IsRefusedAndLogged()
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName("erp\0");

        await AssertRefusedAsync(folder.Client(subject.Build()), "the certificate of CN=erp has a name with a control character in it, or one that can't be read");
    }

    [TestCase(Dns)]
    [TestCase(UniformResource)]
    [TestCase(Mail)]
    public async Task Client_WithANulInAnotherName_IsRefused(int kind)
    {
        using var client = Connect(folder.Client(new X500DistinguishedName("CN=erp"), otherNames: Name(kind, "erp.lab.example\0")));

        Assert.That(
            (await Assert.ThrowsAsync<UsbHostException>(() => client.GetVersionAsync(new GetVersionRequest())))!.Code, Is.EqualTo(ErrorCode.ErrorUnavailable));
    }

    [Test]
    public async Task Client_WithNamesThatEndTooEarly_IsRefused()
    {
        using var client = Connect(folder.Client(new X500DistinguishedName("CN=erp"), otherNames: [.. Name(Dns, "erp.lab.example")[..^1]]));

        Assert.That(
            (await Assert.ThrowsAsync<UsbHostException>(() => client.GetVersionAsync(new GetVersionRequest())))!.Code, Is.EqualTo(ErrorCode.ErrorUnavailable));
    }

    [TestCase(SslProtocols.Tls12)]
    [TestCase(SslProtocols.Tls13)]
    public async Task Client_WithoutACertificate_IsRefusedAndLogged(SslProtocols protocol)
    {
        var refused = grpc.Log.NextAsync(Refused);
        await using var stream = await HandshakeAsync(protocol);

        Assert.That(await refused.WaitAsync(Patience), Does.EndWith("is refused: it has no certificate"));
        Assert.That(await IsClosedAsync(stream), Is.True);
    }

    [Test]
    public async Task Client_OfTls11_IsRefused()
    {
#pragma warning disable CA5397, SYSLIB0039, CA5398 // The point of the test.
        Assert.That(await IsClosedAsync(await HandshakeAsync(SslProtocols.Tls11)), Is.True);
#pragma warning restore CA5397, SYSLIB0039, CA5398
    }

    [Test]
    public async Task Server_OfAnotherAuthority_IsRefusedByTheClient()
    {
        var client = folder.Client("CN=erp");
        folder.WriteAuthority("ca.pem", isOther: true);
        using var connection = Connect(client);

        var failure = await Assert.ThrowsAsync<UsbHostException>(() => connection.GetVersionAsync(new GetVersionRequest()));

        Assert.That(failure!.Message, Does.StartWith("no TLS connection to localhost"));
    }

    [Test]
    public async Task Files_ClientCaReplaced_OtherClientsAreTaken()
    {
        var reloaded = grpc.Log.NextAsync(Loaded);
        folder.WriteAuthority("client-ca.pem", isOther: true);
        await reloaded.WaitAsync(Patience);
        using var client = Connect(folder.Client("CN=stranger", isOther: true));

        Assert.That((await client.GetVersionAsync(new GetVersionRequest())).Daemon, Is.EqualTo("1"));
    }

    [Test]
    public async Task Files_CertificateReplaced_IsShownToNewClients()
    {
        var reloaded = grpc.Log.NextAsync(Loaded);
        folder.WriteServer("CN=renewed");

        Assert.That(await reloaded.WaitAsync(Patience), Does.StartWith("TLS certificate of CN=renewed, valid until"));
    }

    [Test]
    public async Task Files_Broken_TheOldOnesStay()
    {
        var failed = grpc.Log.NextAsync(NotLoaded);
        await File.WriteAllTextAsync(folder.At("server-key.pem"), "no key");
        var message = await failed.WaitAsync(Patience);
        using var client = Connect(folder.Client("CN=erp"));

        Assert.That(message, Does.StartWith($"[tls] key: {folder.At("server-key.pem")} can't be used"));
        Assert.That((await client.GetVersionAsync(new GetVersionRequest())).Daemon, Is.EqualTo("1"));
    }

    [TestCase("tcp+tls://localhost")]
    [TestCase("tcp+tls://:7443")]
    [TestCase("tcp+tls://localhost:0")]
    [TestCase("tcp+tls://local host:7443")]
    [TestCase("tcp+tls://localhost/x:7443")]
    public void Address_Unfit_IsRefused(string address) => Assert.That(
        () => UsbHostAddress.Parse(address, folder.Client("CN=erp")), Throws.InstanceOf<UsbHostException>().With.Message.EndsWith("is no address of a usbhostd"));

    [Test]
    public void Address_WithoutCredentials_IsRefused() => Assert.That(
        () => UsbHostAddress.Parse("tcp+tls://localhost:7443"), Throws.InstanceOf<UsbHostException>().With.Message.Contains("asks for a certificate"));

    [Test]
    public async Task Credentials_Missing_AreNamed()
    {
        using var client = Connect(folder.Client("CN=erp") with { Key = folder.At("no-key.pem") });

        var failure = await Assert.ThrowsAsync<UsbHostException>(() => client.GetVersionAsync(new GetVersionRequest()));

        Assert.That(failure!.Message, Does.StartWith(folder.At("no-key.pem") + " can't be used"));
    }

    [TestCase("server.pem")]
    [TestCase("server-key.pem")]
    [TestCase("client-ca.pem")]
    public void Files_Missing_StopTheStart(string name)
    {
        File.Delete(folder.At(name));

        Assert.That(
            () => TlsListener.Open(folder.Options, isPrivileged: false, TimeProvider.System, NullLoggerFactory.Instance),
            Throws.InstanceOf<IOException>().With.Message.Contains(folder.At(name)));
    }

    [Test]
    public void Listen_AsRoot_IsRefused() => Assert.That(
        () => TlsListener.Open(folder.Options, isPrivileged: true, TimeProvider.System, NullLoggerFactory.Instance),
        Throws.InstanceOf<ConfigurationException>().With.Message.Contains("or leave listen empty"));

    [Test]
    public void Listen_WhereAnotherDoes_StopsTheStartAndSaysWhatToDo()
    {
        var taken = new IPEndPoint(IPAddress.Loopback, grpc.TlsPort);

        Assert.That(
            async () => await GrpcFixture.StartAsync(tls: folder.Options with { Listen = taken }),
            Throws.InstanceOf<IOException>().With.Message.StartsWith($"[tls] listen: {taken} can't be listened on: ").And.Message.Contains("choose another port"));
    }

    [TestCase("192.0.2.7")]
    [TestCase("2001:db8::7")]
    public void Listen_OnAnAddressThatIsNotThereYet_IsBound(string address)
    {
        using var socket = TlsListener.Bind(new IPEndPoint(IPAddress.Parse(address), 0));

        Assert.That(((IPEndPoint)socket.LocalEndPoint!).Address.ToString(), Is.EqualTo(address));
    }

    [Test]
    public void Listen_Nowhere_IsNothing() => Assert.That(
        TlsListener.Open(new TlsOptions(), isPrivileged: true, TimeProvider.System, NullLoggerFactory.Instance), Is.Null);

    /// <summary>A subjectAltName of one name.</summary>
    private static byte[] Name(int kind, string text)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteCharacterString(UniversalTagNumber.IA5String, text, new Asn1Tag(TagClass.ContextSpecific, kind));
        }

        return writer.Encode();
    }

    private UsbHostClient Connect(TlsCredentials credentials) => UsbHostClient.Connect($"tcp+tls://localhost:{grpc.TlsPort}", credentials);

    private async Task AssertRefusedAsync(TlsCredentials credentials, string why)
    {
        using var client = Connect(credentials);
        var failure = await Assert.ThrowsAsync<UsbHostException>(() => client.GetVersionAsync(new GetVersionRequest()));

        Assert.Multiple(() =>
        {
            Assert.That(failure!.Code, Is.EqualTo(ErrorCode.ErrorUnavailable));
            Assert.That(grpc.Service.Asked, Is.Empty);
            Assert.That(grpc.Log.Entries.Where(entry => entry.Id == Refused).Select(entry => entry.Text), Has.One.EndsWith("is refused: " + why));
        });
    }

    /// <summary>A client that shows nothing.</summary>
    private async Task<Stream> HandshakeAsync(SslProtocols protocol)
    {
        var client = new TcpClient("localhost", grpc.TlsPort);
        var tls = new SslStream(client.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                EnabledSslProtocols = protocol,
                CertificateChainPolicy = folder.ServerPolicy(),
            });
        }
        catch (Exception refused) when (refused is AuthenticationException or IOException)
        {
            // With TLS 1.2 it learns so here, with 1.3 when it reads.
        }

        return tls;
    }

    private static async Task<bool> IsClosedAsync(Stream stream)
    {
        try
        {
            return await stream.ReadAsync(new byte[1]) == 0;
        }
        catch (Exception closed) when (closed is IOException or InvalidOperationException)
        {
            return true;
        }
    }
}
