// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Cli;
using UsbHostd.Daemon.Errors;
using UsbHostd.Tests.Architecture;

namespace UsbHostd.Tests.Cli;

/// <summary>usbhostctl-json(5), beside the contract and beside what is written.</summary>
[TestFixture]
internal sealed partial class JsonManualTests
{
    private static readonly FileDescriptor Contract = Device.Descriptor.File;

    private static readonly Lazy<List<(string Part, string Name, string Text)>> Sections = new(Read);

    private static IEnumerable<TestCaseData> Documents =>
        from section in Sections.Value
        where section.Part == "DOCUMENTS" && section.Name != "ErrorDetail"
        from verb in VerbsOf(section.Text)
        select new TestCaseData(verb, section.Name, ExampleOf(section.Text)).SetArgDisplayNames(verb);

    private static IEnumerable<string> Objects => Sections.Value.Where(section => section.Part is "DOCUMENTS" or "OBJECTS").Select(section => section.Name);

    private static IEnumerable<string> Values => Sections.Value.Where(section => section.Part == "VALUES").Select(section => section.Name);

    [TestCaseSource(nameof(Documents))]
    public async Task Example_OfVerb_IsWhatItWrites(string verb, string document, string example)
    {
        await using var cli = await CliFixture.StartAsync();
        Answer(cli, JsonParser.Default.Parse(example, Message(document)));

        var result = await cli.RunAsync([.. ArgumentsOf(verb), "--json"]);

        Assert.That(result.Error, Is.Empty);
        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(result.Out), JsonNode.Parse(example)), Is.True, result.Out);
    }

    [Test]
    public async Task Example_OfError_IsWhatIsWritten()
    {
        var example = ExampleOf(Sections.Value.Single(section => section.Name == "ErrorDetail").Text);
        var error = JsonParser.Default.Parse<ErrorDetail>(example);
        await using var cli = await CliFixture.StartAsync();
        cli.Service.On<GetDeviceRequest>(_ => throw new HostException(error.Code, error.Message, error.Hint));

        var result = await cli.RunAsync("device-info", "x", "--json");

        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(result.Error), JsonNode.Parse(example)), Is.True, result.Error);
    }

    [Test]
    public void Verbs_ThatWriteJson_AreThere()
    {
        var root = new CommandLine(new CliTerminal(TextWriter.Null, TextWriter.Null, null, _ => null)).Root;

        Assert.That(
            Documents.Select(test => (string)test.Arguments[0]!),
            Is.EquivalentTo(root.Subcommands.Select(verb => verb.Name)
                .Where(verb => !root.Parse([verb, "--json"]).Errors.Any(e => e.Message.EndsWith("writes no JSON", StringComparison.Ordinal)))));
    }

    [TestCaseSource(nameof(Objects))]
    public void Object_Fields_AreThoseOfTheContract(string name) => Assert.That(
        Field().Matches(Sections.Value.Single(s => s.Name == name && s.Part != "VALUES").Text).Select(match => match.Groups["name"].Value + match.Groups["type"].Value),
        Is.EqualTo(Message(name).Fields.InFieldNumberOrder().Select(field => $"{field.JsonName} ({TypeOf(field)})")));

    [Test]
    public void Objects_ThatDocumentsHave_AreThere()
    {
        var needed = Objects.SelectMany(name => Message(name).Fields.InFieldNumberOrder())
            .Where(field => field.FieldType == FieldType.Message && field.MessageType.File == Contract).Select(field => field.MessageType.Name).Distinct(StringComparer.Ordinal);

        Assert.That(needed, Is.SubsetOf(Objects.ToArray()));
    }

    [TestCaseSource(nameof(Values))]
    public void Values_OfType_AreThoseOfTheContract(string name)
    {
        var type = EnumsOf(Objects).First(e => NameOf(e) == name);

        Assert.That(
            Value().Matches(Sections.Value.Single(s => s.Name == name && s.Part == "VALUES").Text).Select(match => match.Groups["value"].Value),
            Is.EqualTo(type.Values.Select(value => value.Name)));
    }

    [Test]
    public void Values_OfEveryType_AreThere() => Assert.That(Values, Is.EquivalentTo(EnumsOf(Objects).Select(NameOf).Distinct(StringComparer.Ordinal)));

    private static void Answer(CliFixture cli, IMessage message)
    {
        switch (message)
        {
            case ListDevicesResponse: cli.Service.On<ListDevicesRequest>(_ => message); break;
            case Device:
                cli.Service.On<GetDeviceRequest>(_ => message);
                cli.Service.On<SetDeviceLabelRequest>(_ => message);
                cli.Service.On<TrustSerialRequest>(_ => message);
                break;
            case Statistics: cli.Service.On<GetStatisticsRequest>(_ => message); break;
            case ListClaimsResponse: cli.Service.On<ListClaimsRequest>(_ => message); break;
            case Claim:
                cli.Service.On<CreateClaimRequest>(_ => message);
                cli.Service.On<GetClaimRequest>(_ => message);
                cli.Service.On<ReleaseClaimRequest>(_ => message);
                cli.Service.On<RetryClaimRequest>(_ => message);
                break;
            case ListGuestsResponse: cli.Service.On<ListGuestsRequest>(_ => message); break;
            case Guest:
                cli.Service.On<GetGuestRequest>(_ => message);
                cli.Service.On<StartGuestRequest>(_ => message);
                break;
            case Api.V1.Policy: cli.Service.On<GetPolicyRequest>(_ => message); break;
            case Explanation: cli.Service.On<ExplainPolicyRequest>(_ => message); break;
            case ReloadPolicyResponse: cli.Service.On<ReloadPolicyRequest>(_ => message); break;
            case GeneratePolicyResponse: cli.Service.On<GeneratePolicyRequest>(_ => message); break;
            case ListAuditResponse: cli.Service.On<ListAuditRequest>(_ => message); break;
            case ListAnswersResponse: cli.Service.On<ListAnswersRequest>(_ => message); break;
            case DeviceAnswer: cli.Service.On<ForgetAnswerRequest>(_ => message); break;
            case Api.V1.Version: cli.Service.On<GetVersionRequest>(_ => message); break;
            case Health: cli.Service.On<GetHealthRequest>(_ => message); break;
            case WatchEvent change: cli.Service.OnWatch = (_, _, _) => new[] { change }.ToAsyncEnumerable(); break;
        }
    }

    private static string[] ArgumentsOf(string verb) => verb switch
    {
        "attach" or "device-label" => [verb, "x", "y"],
        "device-info" or "device-trust-serial" or "detach" or "guest-info" or "guest-start" or "policy-explain"
            or "claim-info" or "claim-release" or "claim-retry" or "answer-forget" => [verb, "x"],
        _ => [verb],
    };

    private static MessageDescriptor Message(string name) => Contract.MessageTypes.Single(message => message.Name == name);

    private static IEnumerable<EnumDescriptor> EnumsOf(IEnumerable<string> messages) =>
        messages.SelectMany(name => Message(name).Fields.InFieldNumberOrder()).Where(field => field.FieldType == FieldType.Enum).Select(field => field.EnumType);

    private static string NameOf(EnumDescriptor type) => type.ContainingType is { } message ? $"{message.Name}.{type.Name}" : type.Name;

    private static string TypeOf(FieldDescriptor field)
    {
        var type = field.FieldType switch
        {
            FieldType.String => "string",
            FieldType.Bool => "true or false",
            FieldType.UInt64 => "string, a decimal number",
            FieldType.UInt32 or FieldType.Double => "number",
            FieldType.Enum => NameOf(field.EnumType),
            FieldType.Message when field.MessageType.File != Contract => "string, a time",
            _ => field.MessageType.Name,
        };
        return field.IsRepeated ? "list of " + type : type;
    }

    private static IEnumerable<string> VerbsOf(string text) =>
        Verb().Matches(text[..text.IndexOf(".TP", StringComparison.Ordinal)]).Select(match => match.Groups["verb"].Value);

    /// <summary>The example as JSON: lines are broken between words, also within strings.</summary>
    private static string ExampleOf(string text)
    {
        var start = text.IndexOf(".EX\n", StringComparison.Ordinal) + 4;
        return text[start..text.IndexOf("\n.EE", StringComparison.Ordinal)]
            .Replace('\n', ' ').Replace(@"\-", "-", StringComparison.Ordinal).Replace(@"\&", "", StringComparison.Ordinal)
            .Replace(@"\(aq", "'", StringComparison.Ordinal).Replace(@"\e", @"\", StringComparison.Ordinal);
    }

    private static List<(string Part, string Name, string Text)> Read()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs/man/usbhostctl-json.5"));
        return
        [
            .. from part in page.Split("\n.SH ").Skip(1)
               let partName = part[..part.IndexOf('\n', StringComparison.Ordinal)]
               from section in part.Split("\n.SS ").Skip(1)
               let end = section.IndexOf('\n', StringComparison.Ordinal)
               select (partName, section[..end], section[end..]),
        ];
    }

    [GeneratedRegex("""^\.TP\n\.BR (?<name>\w+) "(?<type> \([^)]*\))"$""", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Field();

    [GeneratedRegex("""^\.BR? (?<value>[A-Z0-9_]+)( ,)?$""", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Value();

    [GeneratedRegex(@"^\.BR? (?<verb>[a-z-]+)( [,.])?$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Verb();
}
