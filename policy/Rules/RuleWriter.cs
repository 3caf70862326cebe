// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Globalization;
using System.Text;

namespace UsbHostd.Policy.Rules;

/// <summary>Writes attributes and their values.</summary>
/// <param name="inParentheses">Whether all of it is a condition's argument, which the first <c>)</c> ends and <c>\"</c> spoils.</param>
internal readonly struct RuleWriter(StringBuilder text, bool inParentheses)
{
    public StringBuilder Text => text;

    public void Attribute<T>(string name, RuleAttribute<T>? attribute, Action<T> value)
    {
        if (attribute is null)
        {
            return;
        }

        // The first attribute of a query follows the parenthesis.
        text.Append(inParentheses && text[^1] == '(' ? "" : " ").Append(name);
        if (attribute is { Operator: SetOperator.Equals, Values: [var only] })
        {
            text.Append(' ');
            value(only);
            return;
        }

        text.Append(attribute.Operator == SetOperator.Equals ? "" : " " + RulePrinter.Name(attribute.Operator)).Append(" {");
        foreach (var item in attribute.Values)
        {
            text.Append(' ');
            value(item);
        }

        text.Append(" }");
    }

    public void Id(UsbIdPattern id)
    {
        Part(id.Vendor, "x4");
        text.Append(':');
        Part(id.Product, "x4");
    }

    public void Interface(InterfacePattern type)
    {
        Part(type.Class, "x2");
        text.Append(':');
        Part(type.Subclass, "x2");
        text.Append(':');
        Part(type.Protocol, "x2");
    }

    public void String(string value)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(3 * value.Length);
        text.Append('"');
        foreach (var b in bytes.AsSpan(0, RuleText.Encode(value, bytes)))
        {
            if (b is < 0x20 or > 0x7e || (inParentheses && b is (byte)'"' or (byte)')'))
            {
                text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}");
            }
            else
            {
                text.Append(b is (byte)'"' or (byte)'\\' ? "\\" : "").Append((char)b);
            }
        }

        text.Append('"');
        ArrayPool<byte>.Shared.Return(bytes);
    }

    private void Part(int? value, string format) => text.Append(value is { } number ? number.ToString(format, CultureInfo.InvariantCulture) : "*");
}
