// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;
using Google.Protobuf.Reflection;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Tests.Architecture;

namespace UsbHostd.Tests.Docs;

/// <summary>The contract's text: all of it is explained, and it grows by addition only.</summary>
[TestFixture]
internal sealed partial class ContractTests
{
    private const string Kept = "tests/unit/Docs/contract-v1.txt";

    private static readonly FileDescriptor Contract = UsbhostdReflection.Descriptor;

    [Test]
    public void EveryMessageFieldValueAndMethod_HasAComment()
    {
        var lines = Repository.Read("api/usbhostd.proto").Split('\n');

        var declared = Enumerable.Range(0, lines.Length).Where(i => Declaration().IsMatch(lines[i])).ToList();

        Assert.That(declared, Has.Count.GreaterThan(Lines().Count()), "not all of it was found");
        Assert.That(declared.Where(i => !Comment().IsMatch(lines[i - 1])).Select(i => $"{i + 1}: {lines[i].Trim()}"), Is.Empty);
    }

    [Test]
    public void WhatThereWas_IsThereStill() =>
        Assert.That(Before().Except(Lines(), StringComparer.Ordinal), Is.Empty, "clients know these, by name, number and type");

    [Test]
    public void WhatIsNew_IsKeptFromNowOn() => Assert.That(Lines().Except(Before(), StringComparer.Ordinal), Is.Empty, $"add these lines to {Kept}");

    private static string[] Before() => Repository.Read(Kept).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static IEnumerable<string> Lines() =>
    [
        .. Contract.Services.SelectMany(s => s.Methods).Select(m =>
            $"method {m.Service.Name}.{m.Name} {NameOf(m.InputType)} -> {(m.IsServerStreaming ? "stream " : "")}{NameOf(m.OutputType)}"),
        .. Contract.MessageTypes.SelectMany(OfMessage), .. Contract.EnumTypes.SelectMany(OfEnum),
    ];

    private static IEnumerable<string> OfMessage(MessageDescriptor message) =>
    [
        $"message {NameOf(message)}", .. message.Fields.InFieldNumberOrder().Select(OfField), .. message.NestedTypes.SelectMany(OfMessage), .. message.EnumTypes.SelectMany(OfEnum),
    ];

    private static IEnumerable<string> OfEnum(EnumDescriptor type) => [$"enum {NameOf(type)}", .. type.Values.Select(v => $"value {NameOf(type)}.{v.Name} = {v.Number}")];

    private static string OfField(FieldDescriptor field)
    {
        var type = field.FieldType switch
        {
            FieldType.Message => field.MessageType.File == Contract ? field.MessageType.Name : field.MessageType.FullName,
            FieldType.Enum => field.EnumType.Name,
            var scalar => scalar.ToString().ToLowerInvariant(),
        };
        return $"field {NameOf(field.ContainingType)}.{field.Name} = {field.FieldNumber} {(field.IsRepeated ? "repeated " : "")}{type}"
            + (field.RealContainingOneof is { } choice ? $" of {choice.Name}" : "");
    }

    /// <summary>Without the package: <c>Guest.State</c>.</summary>
    private static string NameOf(IDescriptor type) => type.FullName[(Contract.Package.Length + 1)..];

    [GeneratedRegex(@"^ *((message|enum|service|oneof|rpc) |((repeated )?[\w.]+ )?\w+ = \d+;)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"^ *// \S", RegexOptions.None, 1000)]
    private static partial Regex Comment();
}
