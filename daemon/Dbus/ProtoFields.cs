// SPDX-License-Identifier: Apache-2.0
using System.Collections;
using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Tmds.DBus.Protocol;

namespace UsbHostd.Daemon.Dbus;

/// <summary>
/// Messages of the contract as the bus shows them: a{sv}, one entry a field, <c>vendor_id</c> as <c>VendorId</c>. Enumerations are the words of
/// the contract, <c>WAITING_FOR_DEVICE</c>, empty for the unspecified; times are µs since 1970, 0 where unset; messages are a{sv}, empty where unset.
/// </summary>
internal static class ProtoFields
{
    /// <summary>Characters of one string that comes in. Longer ones are no name of anything.</summary>
    public const int LongestText = 4096;

    /// <summary>The last second of the year 9999, which is as far as a Timestamp goes.</summary>
    private const ulong LastSecond = 253_402_300_799;

    /// <summary><c>vendor_id</c> as <c>VendorId</c>.</summary>
    public static string NameOf(FieldDescriptor field) => string.Concat(
        field.Name.Split('_').Select(word => char.ToUpper(word[0], CultureInfo.InvariantCulture) + word[1..]));

    /// <summary>What a field's value is on the bus.</summary>
    public static string SignatureOf(FieldDescriptor field) => field.IsRepeated ? "a" + Single(field) : Single(field);

    /// <summary>All fields, as a{sv}.</summary>
    public static void Write(ref MessageWriter to, IMessage message) => Write(ref to, message, message.Descriptor.Fields.InDeclarationOrder());

    public static void Write(ref MessageWriter to, IMessage message, IEnumerable<FieldDescriptor> fields)
    {
        var start = to.WriteDictionaryStart();
        foreach (var field in fields)
        {
            to.WriteDictionaryEntryStart();
            to.Text(NameOf(field));
            WriteVariant(ref to, message, field);
        }

        to.WriteDictionaryEnd(start);
    }

    public static void WriteVariant(ref MessageWriter to, IMessage message, FieldDescriptor field)
    {
        to.WriteSignature(SignatureOf(field));
        var value = field.Accessor.GetValue(message);
        if (field.IsRepeated)
        {
            var start = to.WriteArrayStart((DBusType)Single(field)[0]);
            foreach (var element in (IList)value)
            {
                WriteSingle(ref to, field, element);
            }

            to.WriteArrayEnd(start);
        }
        else
        {
            WriteSingle(ref to, field, value);
        }
    }

    /// <summary>The fields that differ.</summary>
    public static List<FieldDescriptor> Differences(IMessage before, IMessage after) =>
        [.. after.Descriptor.Fields.InDeclarationOrder().Where(f => !IsSame(f, f.Accessor.GetValue(before), f.Accessor.GetValue(after)))];

    /// <summary>Sets a field of a request from an argument or option.</summary>
    /// <exception cref="FormatException">It is not what the field takes.</exception>
    public static void Set(IMessage request, FieldDescriptor field, DbusVariant found)
    {
        var expected = SignatureOf(field);
        if (found.Signature != expected)
        {
            throw new FormatException($"found {NameOf(field)} of type {DbusTypes.Show(found.Signature)}, expected type {DbusTypes.Show(expected)}");
        }

        switch (found.Value)
        {
            case List<string> several when field.IsRepeated:
                var list = (IList)field.Accessor.GetValue(request);
                foreach (var text in several)
                {
                    list.Add(FromText(field, text));
                }

                break;
            case string text:
                field.Accessor.SetValue(request, FromText(field, text));
                break;
            case ulong microseconds when field.FieldType == FieldType.Message && IsTime(field):
                field.Accessor.SetValue(request, TimeOf(field, microseconds));
                break;
            case { } value:
                field.Accessor.SetValue(request, value);
                break;
            default:
                throw new FormatException($"found {NameOf(field)} of a type that can't be set");
        }
    }

    /// <exception cref="FormatException">No time that the contract can say.</exception>
    private static Timestamp TimeOf(FieldDescriptor field, ulong microseconds) => microseconds / 1_000_000 <= LastSecond
        ? new Timestamp { Seconds = (long)(microseconds / 1_000_000), Nanos = (int)(microseconds % 1_000_000) * 1000 }
        : throw new FormatException($"found {NameOf(field)} after the year 9999");

    private static object FromText(FieldDescriptor field, string text)
    {
        if (text.Length > LongestText)
        {
            throw new FormatException($"found {NameOf(field)} of {text.Length} characters, expected at most {LongestText}");
        }

        if (field.FieldType != FieldType.Enum)
        {
            return text;
        }

        if (text.Length == 0)
        {
            return 0;
        }

        var words = field.EnumType.Values.Where(v => v.Number != 0).ToList();
        return words.Find(v => v.Name == text)?.Number
            ?? throw new FormatException($"found {NameOf(field)} \"{DbusTypes.Cut(text)}\", expected {string.Join(", ", words.Select(v => v.Name))}");
    }

    private static string Single(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.String or FieldType.Enum => "s",
        FieldType.Bool => "b",
        FieldType.UInt32 => "u",
        FieldType.UInt64 => "t",
        FieldType.Double => "d",
        FieldType.Message when IsTime(field) => "t",
        FieldType.Message => "a{sv}",
        _ => throw new NotSupportedException($"field {field.FullName}: the bus has no form for {field.FieldType}"),
    };

    private static void WriteSingle(ref MessageWriter to, FieldDescriptor field, object? value)
    {
        switch (value)
        {
            case string text:
                to.Text(text);
                break;
            case bool yes:
                to.WriteBool(yes);
                break;
            case uint number:
                to.WriteUInt32(number);
                break;
            case ulong number:
                to.WriteUInt64(number);
                break;
            case double number:
                to.WriteDouble(number);
                break;
            case Timestamp time:
                to.WriteUInt64((ulong)Math.Max(0, (time.Seconds * 1_000_000) + (time.Nanos / 1000)));
                break;
            case IMessage message:
                Write(ref to, message);
                break;
            case null when IsTime(field):
                to.WriteUInt64(0);
                break;
            case null:
                to.NoEntries();
                break;
            default:
                to.Text(WordOf(field, value));
                break;
        }
    }

    private static string WordOf(FieldDescriptor field, object value) =>
        Convert.ToInt32(value, CultureInfo.InvariantCulture) is not 0 and var number ? field.EnumType.FindValueByNumber(number)?.Name ?? "" : "";

    private static bool IsTime(FieldDescriptor field) => field.MessageType == Timestamp.Descriptor;

    private static bool IsSame(FieldDescriptor field, object? before, object? after) => field.IsRepeated
        ? ((IList)before!).Count == ((IList)after!).Count && ((IList)before).Cast<object>().SequenceEqual(((IList)after).Cast<object>())
        : Equals(before, after);
}

/// <summary>Types of the bus, for messages to people.</summary>
internal static class DbusTypes
{
    private const int MostShown = 64;

    public static string Show(string signature) => signature.Length == 0 ? "nothing" : $"'{Cut(signature)}'";

    /// <summary>The beginning of a text, where a message quotes it.</summary>
    public static string Cut(string text) => text.Length <= MostShown ? text : text[..MostShown] + "…";
}
