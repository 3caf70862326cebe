// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Tmds.DBus.Protocol;

namespace UsbHostd.Daemon.Dbus;

/// <summary>Writes a message's body, of the signature that goes with it: the library checks neither.</summary>
internal delegate void BodyWriter(ref MessageWriter to);

/// <summary>A value of a variant: its signature, and what it holds where it is a basic type or an array of strings or uint32; null for all others.</summary>
internal sealed record DbusVariant(string Signature, object? Value);

/// <summary>What the library's reader and writer leave to whoever uses them: to look at signatures, and to write only what the bus takes.</summary>
internal static class MessageBody
{
    /// <summary>More than any call of ours has, and few enough to cost nothing.</summary>
    public const int MostEntries = 1024;

    /// <summary>Characters that the library writes in one piece. In longer texts it can part a character that it then has no room for.</summary>
    private const int LongestPiece = 1024;

    /// <summary>Any text: what the bus would refuse, and end the connection for, is replaced.</summary>
    public static void Text(this ref MessageWriter to, string text)
    {
        var valid = DbusText.Valid(text);
        if (valid.Length <= LongestPiece)
        {
            to.WriteString(valid);
        }
        else
        {
            to.WriteString(Encoding.UTF8.GetBytes(valid));
        }
    }

    /// <summary>An entry of a{sv} with a string.</summary>
    public static void TextEntry(this ref MessageWriter to, string key, string text)
    {
        to.WriteDictionaryEntryStart();
        to.Text(key);
        to.WriteSignature("s");
        to.Text(text);
    }

    /// <summary>An a{sv} without entries.</summary>
    public static void NoEntries(this ref MessageWriter to) => to.WriteDictionaryEnd(to.WriteDictionaryStart());

    /// <summary>The body, where it is of this signature: the reader reads whatever there is as what it is asked for.</summary>
    /// <exception cref="FormatException">It is of another; the message says both.</exception>
    public static Reader Expect(this Message message, string expected)
    {
        var found = message.SignatureAsString;
        return found == expected
            ? message.GetBodyReader()
            : throw new FormatException($"found type {DbusTypes.Show(found)}, expected type {DbusTypes.Show(expected)}");
    }

    /// <summary>a{sv}, each as far as it is of a type that any option of ours has.</summary>
    /// <exception cref="FormatException">A key is there twice, or there are too many.</exception>
    public static Dictionary<string, DbusVariant> Options(this ref Reader from)
    {
        var options = new Dictionary<string, DbusVariant>(StringComparer.Ordinal);
        var end = from.ReadDictionaryStart();
        while (from.HasNext(end))
        {
            var key = from.ReadString();
            if (options.Count == MostEntries)
            {
                throw new FormatException($"found more than {MostEntries} options");
            }

            if (!options.TryAdd(key, from.Variant()))
            {
                throw new FormatException("found an option twice");
            }
        }

        return options;
    }

    public static DbusVariant Variant(this ref Reader from)
    {
        var signature = from.ReadSignatureAsString();
        object? value = signature switch
        {
            "s" => from.ReadString(),
            "o" => from.ReadObjectPathAsString(),
            "g" => from.ReadSignatureAsString(),
            "b" => from.ReadBool(),
            "u" => from.ReadUInt32(),
            "t" => from.ReadUInt64(),
            "as" => Strings(ref from),
            "au" => from.ReadArrayOfUInt32(),
            _ => null,
        };
        if (value is null)
        {
            Pass(ref from, signature, 0);
        }

        return new DbusVariant(signature, value);
    }

    /// <exception cref="FormatException">There are too many.</exception>
    private static List<string> Strings(ref Reader from)
    {
        var strings = new List<string>();
        var end = from.ReadArrayStart(DBusType.String);
        while (from.HasNext(end))
        {
            if (strings.Count == MostEntries)
            {
                throw new FormatException($"found more than {MostEntries} strings in one option");
            }

            strings.Add(from.ReadString());
        }

        return strings;
    }

    /// <summary>Passes over a value without keeping anything of it. The bus has seen to it that values are not nested deeper than 64.</summary>
    /// <returns>Where the next type begins.</returns>
    private static int Pass(ref Reader from, string types, int at)
    {
        switch (types[at])
        {
            case 'y':
                from.ReadByte();
                break;
            case 'n' or 'q':
                from.ReadUInt16();
                break;
            case 'b' or 'i' or 'u' or 'h':
                from.ReadUInt32();
                break;
            case 'x' or 't' or 'd':
                from.ReadUInt64();
                break;
            case 's' or 'o':
                from.ReadStringAsSpan();
                break;
            case 'g':
                from.ReadSignatureAsSpan();
                break;
            case 'v':
                Pass(ref from, from.ReadSignatureAsString(), 0);
                break;
            case 'a':
                from.SkipTo(from.ReadArrayStart((DBusType)types[at + 1]));
                return EndOf(types, at);
            case '(':
                from.AlignStruct();
                for (at++; types[at] != ')';)
                {
                    at = Pass(ref from, types, at);
                }

                break;
            default:
                throw new FormatException($"found type {DbusTypes.Show(types)}, which there is not");
        }

        return at + 1;
    }

    /// <summary>Where the complete type that begins here is over.</summary>
    private static int EndOf(string types, int at)
    {
        while (types[at] == 'a')
        {
            at++;
        }

        var open = 0;
        do
        {
            open += types[at] switch
            {
                '(' or '{' => 1,
                ')' or '}' => -1,
                _ => 0,
            };
            at++;
        }
        while (open > 0);
        return at;
    }
}
