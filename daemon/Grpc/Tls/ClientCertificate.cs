using System.Formats.Asn1;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc.Tls;

/// <summary>What a client's certificate says, once it is verified, and why one is refused.</summary>
internal static class ClientCertificate
{
    /// <summary>subjectAltName (RFC 5280, section 4.2.1.6).</summary>
    private const string AlternativeNames = "2.5.29.17";

    private const int Mail = 1;
    private const int Dns = 2;
    private const int Address = 7;
    private const int UniformResource = 6;

    public static CertificateIdentity Identity(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.Where(extension => extension.Oid?.Value == AlternativeNames).SelectMany(extension => Names(extension.RawData)).ToList();
        return new CertificateIdentity(certificate.SubjectName.Name, [.. names.Select(n => n.Text)]) { Name = First(UniformResource) ?? First(Dns) };

        string? First(int kind) => names.Where(n => n.Kind == kind && n.Text.Length > 0).Select(n => n.Text).FirstOrDefault();
    }

    /// <summary>Null for one that is in order.</summary>
    public static string? Refusal(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null)
        {
            return "it has no certificate";
        }

        if (errors == SslPolicyErrors.None)
        {
            return certificate is X509Certificate2 whole && !Identity(whole).IsSomebody ? "its certificate names nobody: it has no subject, no URI and no DNS name" : null;
        }

        var status = chain?.ChainStatus.Select(s => s.Status).FirstOrDefault(s => s != X509ChainStatusFlags.NoError) ?? X509ChainStatusFlags.NoError;
        var why = status switch
        {
            X509ChainStatusFlags.NotTimeValid => "has expired or is not valid yet",
            X509ChainStatusFlags.PartialChain or X509ChainStatusFlags.UntrustedRoot => "was not signed by an authority of client-ca",
            X509ChainStatusFlags.NotValidForUsage => "is not for clients (extended key usage)",
            _ => $"is not in order ({(status == X509ChainStatusFlags.NoError ? errors.ToString() : status.ToString())})",
        };
        return $"the certificate of {TextOf(certificate.Subject)} {why}";
    }

    private static List<(int Kind, string Text)> Names(byte[] extension)
    {
        var names = new List<(int, string)>();
        try
        {
            for (var sequence = new AsnReader(extension, AsnEncodingRules.DER).ReadSequence(); sequence.HasData;)
            {
                var tag = sequence.PeekTag();
                var value = sequence.ReadEncodedValue();
                if (tag.TagClass == TagClass.ContextSpecific && tag.TagValue is Mail or Dns or UniformResource)
                {
                    names.Add((tag.TagValue, AsnDecoder.ReadCharacterString(value.Span, AsnEncodingRules.DER, UniversalTagNumber.IA5String, out _, tag)));
                }
                else if (tag.TagClass == TagClass.ContextSpecific && tag.TagValue == Address)
                {
                    var octets = AsnDecoder.ReadOctetString(value.Span, AsnEncodingRules.DER, out _, tag);
                    names.Add((Address, octets.Length is 4 or 16 ? new IPAddress(octets).ToString() : Convert.ToHexString(octets)));
                }
            }
        }
        catch (AsnContentException)
        {
            // An authority that we trust signed this; the names up to here are as good as they are.
        }

        return names;
    }

    /// <summary>A refused certificate is written by anybody: its text is cut before it is logged, which escapes it.</summary>
    private static string TextOf(string subject)
    {
        const int Longest = 200;
        var text = new StringBuilder();
        foreach (var c in subject.Length > Longest ? subject[..Longest] : subject)
        {
            text.Append(char.IsControl(c) ? '?' : c);
        }

        return text.ToString();
    }
}
