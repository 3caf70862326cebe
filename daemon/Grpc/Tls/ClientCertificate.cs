// SPDX-License-Identifier: Apache-2.0
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

    /// <summary>Null where a name in it can't be read as text that stands for nothing else.</summary>
    public static CertificateIdentity? Identity(X509Certificate2 certificate)
    {
        if (SubjectName.TextOf(certificate.SubjectName) is not { } subject || Names(certificate) is not { } names)
        {
            return null;
        }

        return new CertificateIdentity(subject, [.. names.Select(n => n.Text)]) { Name = First(UniformResource) ?? First(Dns) };

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
            return Identity((X509Certificate2)certificate) switch
            {
                null => $"the certificate of {TextOf(certificate.Subject)} has a name with a control character in it, or one that can't be read",
                { IsSomebody: false } => "its certificate names nobody: it has no subject, no URI and no DNS name",
                _ => null,
            };
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

    private static List<(int Kind, string Text)>? Names(X509Certificate2 certificate)
    {
        var names = new List<(int Kind, string Text)>();
        try
        {
            foreach (var extension in certificate.Extensions.Where(extension => extension.Oid?.Value == AlternativeNames))
            {
                for (var sequence = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence(); sequence.HasData;)
                {
                    if (sequence.PeekTag() is { TagClass: TagClass.ContextSpecific } tag && Read(sequence.ReadEncodedValue().Span, tag) is { } text)
                    {
                        names.Add((tag.TagValue, text));
                    }
                }
            }
        }
        catch (AsnContentException)
        {
            // Some of its names are another identity than all of them.
            return null;
        }

        return names.TrueForAll(n => SubjectName.IsPlain(n.Text)) ? names : null;
    }

    /// <summary>Null for a kind of name that nobody is known by.</summary>
    private static string? Read(ReadOnlySpan<byte> value, Asn1Tag tag)
    {
        switch (tag.TagValue)
        {
            case Mail or Dns or UniformResource:
                return AsnDecoder.ReadCharacterString(value, AsnEncodingRules.DER, UniversalTagNumber.IA5String, out _, tag);
            case Address:
                var octets = AsnDecoder.ReadOctetString(value, AsnEncodingRules.DER, out _, tag);
                return octets.Length is 4 or 16 ? new IPAddress(octets).ToString() : throw new AsnContentException("an address of neither 4 nor 16 octets");
            default:
                return null;
        }
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
