// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using NUnit.Framework;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Tests.Service;

/// <summary>Names are one only where their encodings say the same.</summary>
[TestFixture]
internal sealed class SubjectNameTests
{
    private const string CommonName = "2.5.4.3";
    private const string Organization = "2.5.4.10";

    [TestCase("erp\0")]
    [TestCase("erp\0\0")]
    [TestCase("erp\n")]
    [TestCase("e\0rp")]
    [TestCase("\u001b[2Kroot")]
    [TestCase("erp\u2028")]
    [TestCase("\0")]
    public void TextOf_ControlCharacter_IsRefused(string value) => Assert.That(SubjectName.TextOf(Encode((CommonName, value))), Is.Null);

    [TestCase(UniversalTagNumber.UTF8String)]
    [TestCase(UniversalTagNumber.PrintableString)]
    [TestCase(UniversalTagNumber.IA5String)]
    [TestCase(UniversalTagNumber.BMPString)]
    public void TextOf_OneNameInAnyTypeOfString_IsTheSame(UniversalTagNumber type) =>
        Assert.That(SubjectName.TextOf(Encode(type, (CommonName, "erp"))), Is.EqualTo("CN=erp"));

    [Test]
    public void TextOf_StringOfALossyType_IsRefused() => Assert.That(SubjectName.TextOf(Encode(UniversalTagNumber.T61String, (CommonName, "erp"))), Is.Null);

    [TestCase("erp, O=lab", "CN=\"erp, O=lab\"")]
    [TestCase("erp + O=lab", "CN=\"erp + O=lab\"")]
    [TestCase(" erp ", "CN=\" erp \"")]
    [TestCase("e\"rp", "CN=\"e\"\"rp\"")]
    [TestCase("#6572", "CN=\"#6572\"")]
    [TestCase("Zoë Łuk", "CN=Zoë Łuk")]
    [TestCase("a;b<c>d\\e=f", "CN=\"a;b<c>d\\e=f\"")]
    public void TextOf_ValueThatLooksLikeSyntax_IsItsOwn(string value, string text) =>
        Assert.That(SubjectName.TextOf(Encode((CommonName, value))), Is.EqualTo(text));

    [TestCase("CN=erp, O=lab")]
    [TestCase("CN=erp, OU=one, OU=two, O=lab, C=DE")]
    [TestCase("E=erp@lab.example, CN=erp")]
    [TestCase("CN=erp, DC=lab, DC=example")]
    [TestCase("SERIALNUMBER=12, CN=erp")]
    [TestCase("OID.0.9.2342.19200300.100.1.1=erp, CN=erp")]
    [TestCase("OID.1.2.3.4=erp, CN=erp")]
    [TestCase("")]
    public void TextOf_NameOfAnAuthority_IsWhatDotNetPrints(string name)
    {
        var encoded = new X500DistinguishedName(new X500DistinguishedName(name).RawData);

        Assert.That(SubjectName.TextOf(encoded), Is.EqualTo(encoded.Name));
    }

    [Test]
    public void TextOf_SeveralAttributesInOnePlace_IsAText()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSetOf())
        {
            Write(writer, UniversalTagNumber.UTF8String, CommonName, "erp");
            Write(writer, UniversalTagNumber.UTF8String, Organization, "lab");
        }

        Assert.That(SubjectName.TextOf(new X500DistinguishedName(writer.Encode())), Is.EqualTo("CN=erp + O=lab"));
    }

    private static X500DistinguishedName Encode(params (string Type, string Value)[] attributes) => Encode(UniversalTagNumber.UTF8String, attributes);

    private static X500DistinguishedName Encode(UniversalTagNumber type, params (string Type, string Value)[] attributes)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (var (oid, value) in attributes)
            {
                using (writer.PushSetOf())
                {
                    Write(writer, type, oid, value);
                }
            }
        }

        return new X500DistinguishedName(writer.Encode());
    }

    private static void Write(AsnWriter writer, UniversalTagNumber type, string oid, string value)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(oid);
            writer.WriteCharacterString(type, value);
        }
    }
}
