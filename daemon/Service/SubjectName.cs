// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace UsbHostd.Daemon.Service;

/// <summary>
/// The text of an X.500 name, where that text says all of the encoded name. .NET's text drops NULs at the end of a value, so that two encoded
/// names may have one text: a name is compared by its text only after its encoding was compared with what the text encodes to.
/// </summary>
internal static class SubjectName
{
    private static readonly Asn1Tag[] Strings =
    [
        new(UniversalTagNumber.UTF8String), new(UniversalTagNumber.PrintableString), new(UniversalTagNumber.IA5String),
        new(UniversalTagNumber.NumericString), new(UniversalTagNumber.VisibleString), new(UniversalTagNumber.BMPString),
    ];

    /// <summary>As .NET prints it, for example <c>CN=erp, O=lab</c>.</summary>
    /// <returns>Null where a control character is in it, or where its text stands for another name too.</returns>
    public static string? TextOf(X500DistinguishedName name)
    {
        try
        {
            // .NET prints the last part first.
            var parts = PartsOf(name.RawData);
            parts.Reverse();
            return string.Join(", ", parts.Select(attributes => string.Join(" + ", attributes.Select(TextOf).Order(StringComparer.Ordinal))));
        }
        catch (Exception unreadable) when (unreadable is AsnContentException or CryptographicException)
        {
            return null;
        }
    }

    /// <summary>The same for a name that somebody wrote, whatever blanks and escapes are in it.</summary>
    public static string? TextOf(string written)
    {
        try
        {
            return IsPlain(written) ? TextOf(new X500DistinguishedName(written)) : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Whether a text has no character that a reader does not see, such as NUL or a line break.</summary>
    public static bool IsPlain(string text) => !text.Any(c => char.IsControl(c) || c is '\u2028' or '\u2029');

    /// <summary>Name and RelativeDistinguishedName of RFC 5280, section 4.1.2.4: the encoded attributes of each part.</summary>
    private static List<List<byte[]>> PartsOf(byte[] encoded)
    {
        var parts = new List<List<byte[]>>();
        var name = new AsnReader(encoded, AsnEncodingRules.DER);
        var sequence = name.ReadSequence();
        name.ThrowIfNotEmpty();
        while (sequence.HasData)
        {
            var attributes = new List<byte[]>();
            for (var set = sequence.ReadSetOf(skipSortOrderValidation: true); set.HasData;)
            {
                attributes.Add(set.ReadEncodedValue().ToArray());
            }

            parts.Add(attributes);
        }

        return parts;
    }

    /// <summary>The text of one attribute, <c>CN=erp</c>, where it says all of it.</summary>
    /// <exception cref="AsnContentException">It does not.</exception>
    private static string TextOf(byte[] attribute)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSetOf())
        {
            writer.WriteEncodedValue(attribute);
        }

        var text = new X500DistinguishedName(writer.Encode()).Name;
        return PartsOf(new X500DistinguishedName(text).RawData) is [[var again]] && Read(attribute) == Read(again)
            ? text
            : throw new AsnContentException("a value that its text does not tell whole");
    }

    /// <summary>
    /// AttributeTypeAndValue. The type of string is left out: authorities encode one text as PrintableString or as UTF8String.
    /// </summary>
    /// <exception cref="AsnContentException">The value is no text, or not plain.</exception>
    private static (string Type, string Value) Read(byte[] encoded)
    {
        var attribute = new AsnReader(encoded, AsnEncodingRules.DER).ReadSequence();
        var type = attribute.ReadObjectIdentifier();
        var tag = attribute.PeekTag();
        var value = Strings.Contains(tag) ? attribute.ReadCharacterString((UniversalTagNumber)tag.TagValue) : throw new AsnContentException("no text");
        attribute.ThrowIfNotEmpty();
        return IsPlain(value) ? (type, value) : throw new AsnContentException("a control character");
    }
}
